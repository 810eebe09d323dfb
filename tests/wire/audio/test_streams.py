"""Formats in and out: tables, resampling, headers, and pieces cut anywhere."""

import io
import itertools
import struct
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelive_agent.wire.audio.formats import (
    PCM16_INPUT_RATES_HZ,
    AudioFormat,
    AudioFormatError,
)
from voicelive_agent.wire.audio.streams import Decoder, Encoder

ENGINE_RATE_HZ = 16_000
ULAW = AudioFormat("g711_ulaw", 8_000)
ALAW = AudioFormat("g711_alaw", 8_000)
FORMATS = [*(AudioFormat("pcm16", rate) for rate in PCM16_INPUT_RATES_HZ), ULAW, ALAW]


def tone(rate_hz: int, hz: float = 440, seconds: float = 0.5, late_ms: float = 0) -> bytes:
    times = np.arange(int(rate_hz * seconds)) / rate_hz - late_ms / 1000
    return (8000 * np.sin(2 * np.pi * hz * times)).astype("<i2").tobytes()


def wav_file(
    pcm: bytes, rate_hz: int = 24_000, *, channels: int = 1, trailer: bytes = b""
) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return buffer.getvalue() + trailer


def cut(audio: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(at % (len(audio) + 1) for at in cuts), len(audio)]
    return [audio[start:end] for start, end in itertools.pairwise(edges)]


def decode_all(decoder: Decoder, pieces: list[bytes]) -> bytes:
    return b"".join(decoder.decode(piece) for piece in pieces) + decoder.finish()


class TestDecoder:
    @pytest.mark.parametrize("format", FORMATS, ids=str)
    def test_a_tone_keeps_its_pitch_level_and_place(self, format: AudioFormat) -> None:
        wire = Encoder(format, format.rate_hz).encode(tone(format.rate_hz))
        decoded = decode_all(Decoder(format, ENGINE_RATE_HZ), [wire])
        heard = np.frombuffer(decoded, "<i2").astype(float)
        assert len(heard) == ENGINE_RATE_HZ // 2
        middle = slice(1000, -1000)

        def differ(late_ms: float) -> float:
            expected = np.frombuffer(tone(ENGINE_RATE_HZ, late_ms=late_ms), "<i2")
            return float(np.max(np.abs(heard[middle] - expected[middle])))

        # Where soxr does it, the filter is 0.1 ms late.
        assert min(differ(0), differ(0.1)) < 400

    @pytest.mark.parametrize("format", FORMATS, ids=str)
    def test_samples_are_not_held_back_for_long(self, format: AudioFormat) -> None:
        """The filter worked in blocks: what came by telephone was heard up to 115 ms late, and
        with soxr's shortest, 30 ms; what comes at 24 kHz, 10."""
        decoder, frame = Decoder(format, ENGINE_RATE_HZ), bytes(format.size_bytes(20))
        heard_bytes, held_ms = 0, []
        for number in range(1, 100):
            heard_bytes += len(decoder.decode(frame))
            held_ms.append(number * 20 - heard_bytes / (ENGINE_RATE_HZ / 500))
        assert max(held_ms) <= {8_000: 7.5, 44_100: 15}.get(format.rate_hz, 5)

    @given(
        format=st.sampled_from(FORMATS),
        audio=st.binary(max_size=4000),
        cuts=st.lists(st.integers(0, 4000), max_size=8),
    )
    @settings(max_examples=60)
    def test_cuts_change_nothing(self, format: AudioFormat, audio: bytes, cuts: list[int]) -> None:
        whole = decode_all(Decoder(format, ENGINE_RATE_HZ), [audio])
        assert decode_all(Decoder(format, ENGINE_RATE_HZ), cut(audio, cuts)) == whole

    @given(format=st.sampled_from(FORMATS), samples=st.integers(0, 5000))
    @settings(max_examples=60)
    def test_the_length_is_that_of_the_time(self, format: AudioFormat, samples: int) -> None:
        decoded = decode_all(
            Decoder(format, ENGINE_RATE_HZ), [bytes(samples * format.bytes_per_sample)]
        )
        assert abs(len(decoded) // 2 - samples * ENGINE_RATE_HZ / format.rate_hz) < 2

    def test_silence_stays_silent(self) -> None:
        decoded = decode_all(Decoder(FORMATS[3], ENGINE_RATE_HZ), [bytes(20_000)])
        assert not any(decoded)

    def test_an_odd_piece_waits_for_its_other_byte(self) -> None:
        decoder = Decoder(AudioFormat("pcm16", 16_000), ENGINE_RATE_HZ)
        assert decoder.decode(b"\x01") == b""
        assert decoder.decode(b"\x02\x03") == b"\x01\x02"

    def test_two_channels_are_for_pcm16_alone(self) -> None:
        with pytest.raises(AudioFormatError, match="two of pcm16"):
            Decoder(ULAW, ENGINE_RATE_HZ, channels=2)
        with pytest.raises(AudioFormatError, match="3 channels"):
            Decoder(FORMATS[0], ENGINE_RATE_HZ, channels=3)

    def test_two_channels_are_taken_apart(self) -> None:
        decoder = Decoder(AudioFormat("pcm16", 16_000), ENGINE_RATE_HZ, channels=2)
        assert decoder.decode(struct.pack("<5h", 1, -1, 2, -2, 3)) == struct.pack("<2h", 1, 2)
        assert decoder.reference == struct.pack("<2h", -1, -2)
        assert decoder.decode(struct.pack("<h", -3)) == struct.pack("<h", 3)
        assert decoder.reference == struct.pack("<h", -3)

    def test_it_begins_anew_after_the_end_of_a_stream(self) -> None:
        decoder = Decoder(FORMATS[2], ENGINE_RATE_HZ)
        first = decode_all(decoder, [tone(24_000), b"\x01"])
        assert decode_all(decoder, [tone(24_000)]) == first


class TestWavHeader:
    def test_a_file_is_its_audio(self) -> None:
        decoder = Decoder(AudioFormat("pcm16", 16_000), ENGINE_RATE_HZ)
        assert decoder.decode(wav_file(tone(16_000), 16_000)) == tone(16_000)
        assert decoder.notice is None

    @given(cuts=st.lists(st.integers(0, 500), max_size=10))
    @settings(max_examples=60)
    def test_a_header_may_come_in_pieces(self, cuts: list[int]) -> None:
        decoder = Decoder(AudioFormat("pcm16", 16_000), ENGINE_RATE_HZ)
        file = wav_file(tone(16_000, seconds=0.01), 16_000)
        assert decode_all(decoder, cut(file, cuts)) == tone(16_000, seconds=0.01)

    def test_every_piece_may_be_a_file(self) -> None:
        decoder = Decoder(AudioFormat("pcm16", 16_000), ENGINE_RATE_HZ)
        pieces = [wav_file(b"\x01\x02", 16_000), b"\x03\x04\x05", wav_file(b"\x06\x07", 16_000)]
        assert decode_all(decoder, pieces) == b"\x01\x02\x03\x04\x06\x07"

    @pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
    def test_a_file_that_was_written_as_a_stream(self, size: int) -> None:
        file = bytearray(wav_file(tone(16_000), 16_000))
        file[40:44] = struct.pack("<I", size)
        decoder = Decoder(AudioFormat("pcm16", 16_000), ENGINE_RATE_HZ)
        assert decoder.decode(bytes(file)) == tone(16_000)

    def test_other_chunks_are_no_sound(self) -> None:
        title = b"LIST" + struct.pack("<I", 6) + b"INFOab"
        file = wav_file(tone(16_000), 16_000)
        extended = file[:36] + title + file[36:]
        for audio in (extended, file + title):
            decoder = Decoder(AudioFormat("pcm16", 16_000), ENGINE_RATE_HZ)
            assert decoder.decode(audio) == tone(16_000)

    def test_silence_after_a_file_is_kept(self) -> None:
        decoder = Decoder(AudioFormat("pcm16", 16_000), ENGINE_RATE_HZ)
        audio = wav_file(tone(16_000), 16_000) + bytes(3200)
        assert decoder.decode(audio) == tone(16_000) + bytes(3200)

    def test_a_file_that_does_not_fit_the_session_is_told(self) -> None:
        decoder = Decoder(AudioFormat("pcm16", 24_000), ENGINE_RATE_HZ)
        decoder.decode(wav_file(tone(44_100), 44_100))
        assert decoder.notice is not None
        assert "44100 Hz" in decoder.notice

    @pytest.mark.parametrize(
        ("format", "tag", "bits", "told"),
        [
            (ULAW, 1, 16, "PCM 16 bit"),
            (ULAW, 7, 8, None),
            (ALAW, 6, 8, None),
            (AudioFormat("pcm16", 8_000), 1, 24, "PCM 24 bit"),
            (AudioFormat("pcm16", 8_000), 3, 32, "float 32 bit"),
            (AudioFormat("pcm16", 8_000), 0x55, 16, "format 85 16 bit"),
            (AudioFormat("pcm16", 8_000), 1, 16, None),
        ],
    )
    @pytest.mark.parametrize("is_extensible", [False, True])
    def test_so_is_one_of_another_encoding(
        self, format: AudioFormat, tag: int, bits: int, told: str | None, is_extensible: bool
    ) -> None:
        """A file of 16 bits was heard as noise in a G.711 session, and nothing said why."""
        size = bits // 8
        chunk = struct.pack(
            "<HHIIHH", 0xFFFE if is_extensible else tag, 1, 8_000, 8_000 * size, size, bits
        )
        if is_extensible:
            chunk += struct.pack("<HHIH", 22, bits, 4, tag) + bytes(14)
        head = b"WAVEfmt " + struct.pack("<I", len(chunk)) + chunk
        decoder = Decoder(format, ENGINE_RATE_HZ)
        decoder.decode(b"RIFF" + bytes(4) + head + b"data" + struct.pack("<I", 96) + bytes(96))
        assert (decoder.notice is None) == (told is None)
        assert (told or "") in (decoder.notice or "")

    def test_sound_that_begins_like_a_header_is_sound(self) -> None:
        decoder = Decoder(AudioFormat("pcm16", 16_000), ENGINE_RATE_HZ)
        audio = b"RIFFabcdWAVX" + bytes(100)
        assert decoder.decode(audio) == audio
        endless = b"RIFFabcdWAVE" + b"junk\xff\xff\xff\x7f" + bytes(100)
        assert decoder.decode(endless) == endless

    def test_the_start_of_a_header_without_the_rest_is_sound(self) -> None:
        decoder = Decoder(AudioFormat("pcm16", 16_000), ENGINE_RATE_HZ)
        assert decoder.decode(b"RIFF") == b""
        assert decoder.finish() == b"RIFF"


class TestEncoder:
    @pytest.mark.parametrize("from_hz", [16_000, 22_050, 24_000])
    @pytest.mark.parametrize(
        "name", ["pcm16", "pcm16-8000hz", "pcm16_22050hz", "pcm16_48000hz", "g711_ulaw"]
    )
    def test_speech_keeps_its_length(self, from_hz: int, name: str) -> None:
        encoder = Encoder(name, from_hz)
        audio = encoder.encode(tone(from_hz)) + encoder.finish()
        assert encoder.duration_ms(audio) == pytest.approx(500, abs=0.2)

    @given(
        name=st.sampled_from(["pcm16", "pcm16_8000hz", "pcm16_22050hz", "g711_alaw"]),
        audio=st.binary(max_size=4000),
        cuts=st.lists(st.integers(0, 4000), max_size=8),
    )
    @settings(max_examples=60)
    def test_cuts_change_nothing(self, name: str, audio: bytes, cuts: list[int]) -> None:
        def encode(pieces: list[bytes]) -> bytes:
            encoder = Encoder(name, 22_050)
            return b"".join(encoder.encode(piece) for piece in pieces) + encoder.finish()

        assert encode(cut(audio, cuts)) == encode([audio])

    def test_loud_speech_is_clipped_rather_than_wrapped(self) -> None:
        square = np.where(np.arange(4800) // 24 % 2, 32767, -32768).astype("<i2")
        encoder = Encoder("pcm16_8000hz", 48_000)
        audio = np.frombuffer(encoder.encode(square.tobytes()) + encoder.finish(), "<i2")
        assert set(np.sign(audio[21:24])) == {np.sign(audio[22])}
