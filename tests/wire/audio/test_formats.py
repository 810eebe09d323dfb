"""Audio formats: names, rates, and how long bytes play."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.wire.audio.formats import (
    OUTPUT_FORMATS,
    PCM16_INPUT_RATES_HZ,
    AudioFormat,
    AudioFormatError,
    default_rate_hz,
    parse_input_format,
    parse_output_format,
)

FORMATS = [
    *(AudioFormat("pcm16", rate) for rate in PCM16_INPUT_RATES_HZ),
    AudioFormat("g711_ulaw", 8_000),
    AudioFormat("g711_alaw", 8_000),
]


class TestFormats:
    def test_the_default_input_is_24_khz(self) -> None:
        assert parse_input_format("pcm16") == AudioFormat("pcm16", 24_000)

    @pytest.mark.parametrize("rate_hz", PCM16_INPUT_RATES_HZ)
    def test_each_input_rate(self, rate_hz: int) -> None:
        assert parse_input_format("pcm16", rate_hz).rate_hz == rate_hz

    @pytest.mark.parametrize("name", ["g711_ulaw", "g711_alaw"])
    def test_g711_has_its_own_rate(self, name: str) -> None:
        """Clients ask for G.711 and leave input_audio_sampling_rate at its default."""
        assert parse_input_format(name, 24_000).rate_hz == 8_000
        assert parse_output_format(name).rate_hz == 8_000

    @pytest.mark.parametrize("rate_hz", [0, -1, 11_025, 96_000])
    def test_an_unknown_rate_names_the_known_ones(self, rate_hz: int) -> None:
        with pytest.raises(AudioFormatError, match="24000"):
            parse_input_format("pcm16", rate_hz)

    @pytest.mark.parametrize("rate_hz", (8_000, 16_000, 22_050, 24_000, 44_100, 48_000))
    @pytest.mark.parametrize("mark", "_-")
    def test_both_spellings_of_an_output_rate(self, rate_hz: int, mark: str) -> None:
        assert parse_output_format(f"pcm16{mark}{rate_hz}hz").rate_hz == rate_hz

    @pytest.mark.parametrize("name", ["", "mp3", "pcm16_11025hz", "PCM16"])
    def test_an_unknown_format_names_the_known_ones(self, name: str) -> None:
        with pytest.raises(AudioFormatError, match="g711_ulaw"):
            parse_input_format(name)
        with pytest.raises(AudioFormatError, match="pcm16_8000hz"):
            parse_output_format(name)

    @pytest.mark.parametrize("name", OUTPUT_FORMATS)
    def test_each_name_of_an_output_format_is_understood(self, name: str) -> None:
        format = parse_output_format(name)
        assert name == format.codec or name == f"{format.codec}_{format.rate_hz}hz"

    def test_telephones_have_the_lower_default(self) -> None:
        assert [default_rate_hz(codec) for codec in ("pcm16", "g711_ulaw")] == [24_000, 8_000]


class TestAudioFormat:
    @given(format=st.sampled_from(FORMATS), ms=st.integers(0, 3_600_000))
    def test_ms_to_bytes_and_back(self, format: AudioFormat, ms: int) -> None:
        assert format.duration_ms(format.size_bytes(ms)) == pytest.approx(ms, abs=0.07)
