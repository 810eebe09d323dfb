import io
import struct
import wave

import pytest

from voicelive_agent.wire.audio.wav import (
    PCM16,
    RIFF_BYTES,
    WavError,
    WavHeader,
    encode_header,
    is_wav,
    mend_sizes,
    read_format,
    read_header,
)

SOUND = bytes(range(200))


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


@pytest.mark.parametrize(("told", "size"), [(200, 200), (0, None), (1 << 40, None)])
def test_a_header_tells_where_the_sound_ends_if_its_writer_knew(
    told: int, size: int | None
) -> None:
    stream = io.BytesIO(encode_header(16_000, 1, told) + SOUND)
    assert is_wav(stream.read(RIFF_BYTES))
    assert read_header(stream) == (WavHeader(16_000, 1, PCM16), size)
    assert stream.read() == SOUND


@pytest.mark.parametrize("chunks", [b"", b"fmt ", b"data\0\0\0\0", b"LIST\4\0\0\0INFO"])
def test_a_file_without_sound_is_an_error(chunks: bytes) -> None:
    with pytest.raises(WavError, match="without sound"):
        read_header(io.BytesIO(chunks))


@pytest.mark.parametrize("size", [0, 0x7FFF_FFFF, 0x7F00_0000, 0xFFFF_FFFF])
def test_a_file_that_was_never_finished_is_mended(size: int) -> None:
    head = bytearray(encode_header(24_000, 1, 0))
    struct.pack_into("<I", head, 40, size)
    mended = mend_sizes(io.BytesIO(bytes(head) + SOUND)).read()
    assert mended == encode_header(24_000, 1, len(SOUND)) + SOUND


@pytest.mark.parametrize(
    "file",
    [
        encode_header(24_000, 1, 200) + SOUND,
        encode_header(24_000, 1, 0) + b"LIST" + struct.pack("<I", 4) + b"INFO",
        b"RIFF1234WAVEjunk",
        b"OggS" + SOUND,
        b"",
    ],
)
def test_other_files_are_left_as_they_are(file: bytes) -> None:
    assert mend_sizes(io.BytesIO(file)).read() == file
