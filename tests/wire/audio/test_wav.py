import io
import struct
import wave

import pytest

from voicelive_agent.wire.audio.wav import encode_header, read_format


@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (24_000, 2)])
def test_a_header_is_one_that_others_read(rate_hz: int, channels: int) -> None:
    pcm = bytes(range(8)) * channels
    with wave.open(io.BytesIO(encode_header(rate_hz, channels, len(pcm)) + pcm)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (
            rate_hz,
            channels,
            2,
        )
        assert file.readframes(100) == pcm


def test_a_size_that_no_header_can_tell_is_told_as_the_largest() -> None:
    header = encode_header(24_000, 1, 1 << 40)
    assert struct.unpack("<I", header[4:8])[0] == 0xFFFF_FFFF


def test_the_format_of_an_extensible_header_stands_behind_it() -> None:
    plain = struct.pack("<HHIIHH", 0xFFFE, 1, 48_000, 96_000, 2, 16)
    assert read_format(plain + struct.pack("<HHIH14x", 22, 16, 4, 3)).encoding == "float 16 bit"
    assert read_format(plain + struct.pack("<HHIH14x", 22, 16, 4, 1)).encoding == "PCM 16 bit"
