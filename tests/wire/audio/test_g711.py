"""G.711: each sample and each byte, against the standard's own tables."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.wire.audio.g711 import Law, decode, encode

LAWS: tuple[Law, ...] = ("g711_ulaw", "g711_alaw")


def find_decisions(law: Law) -> list[int]:
    """The decision values of ITU-T G.711, tables 2a and 1a: where each of the 128 steps ends.

    µ-law counts in units of 4 samples of PCM16, A-law in units of 8.
    """
    if law == "g711_ulaw":
        values, ends = [0, 1], (31, 95, 223, 479, 991, 2015, 4063, 8159)
        widths = [2, 4, 8, 16, 32, 64, 128, 256]
    else:
        values, ends = [0], (32, 64, 128, 256, 512, 1024, 2048, 4096)
        widths = [2, 2, 4, 8, 16, 32, 64, 128]
    for width, end in zip(widths, ends, strict=True):
        values.extend(range(values[-1] + width, end + 1, width))
    return values


@pytest.mark.parametrize("law", LAWS)
def test_every_sample_lies_in_the_step_that_the_standard_gives_its_byte(law: Law) -> None:
    """The client had a coder of its own, off by one code in 1017 and 747 of all 65,536 samples."""
    decisions = find_decisions(law)
    assert len(decisions) == 129
    shift, mask = (2, 0x7F) if law == "g711_ulaw" else (3, 0x55)
    samples = range(-32768, 32768)
    coded = encode(np.array(samples, dtype="<i2").tobytes(), law)
    for sample, byte in zip(samples, coded, strict=True):
        step = (byte ^ mask) & 0x7F
        magnitude = min(abs(sample >> shift), decisions[-1])
        assert bool(byte & 0x80) == (sample >= 0)
        assert decisions[step] <= magnitude <= decisions[step + 1]


@pytest.mark.parametrize(
    ("law", "byte", "sample"),
    [
        ("g711_ulaw", 0x00, -32124),
        ("g711_ulaw", 0x80, 32124),
        ("g711_ulaw", 0xFF, 0),
        ("g711_ulaw", 0x7F, 0),
        ("g711_alaw", 0x00, -5504),
        ("g711_alaw", 0xD5, 8),
        ("g711_alaw", 0x2A, -32256),
        ("g711_alaw", 0xAA, 32256),
    ],
)
def test_known_values(law: Law, byte: int, sample: int) -> None:
    decoded = decode(bytes([byte]), law)
    assert struct.unpack("<h", decoded) == (sample,)


@pytest.mark.parametrize("law", LAWS)
def test_every_byte_survives_the_way_there_and_back(law: Law) -> None:
    audio = bytes(range(256))
    pcm = decode(audio, law)
    again = encode(pcm, law)
    assert decode(again, law) == pcm
    # Only µ-law's two zeros are one sample.
    changed = [old for old, new in zip(audio, again, strict=True) if old != new]
    assert changed == ([0x7F] if law == "g711_ulaw" else [])


@pytest.mark.parametrize("law", LAWS)
def test_every_sample_is_coded_as_near_as_g711_can(law: Law) -> None:
    samples = np.arange(-32768, 32768).astype(np.int16)
    coded = encode(samples.astype("<i2").tobytes(), law)
    decoded = np.frombuffer(decode(coded, law), "<i2").astype(np.int32)
    error = np.abs(decoded - samples)
    assert np.all(error <= (np.abs(samples.astype(np.int32)) + 132) * 0.04 + 8)
    assert np.all(np.diff(decoded) >= 0)


@pytest.mark.filterwarnings("ignore:'audioop' is deprecated")
def test_the_tables_are_those_of_the_standard_library() -> None:
    audioop = pytest.importorskip("audioop")
    samples = np.arange(-32768, 32768).astype("<i2").tobytes()
    assert encode(samples, "g711_ulaw") == audioop.lin2ulaw(samples, 2)
    assert encode(samples, "g711_alaw") == audioop.lin2alaw(samples, 2)


@given(st.sampled_from(LAWS), st.integers(-32768, 32767))
def test_g711_keeps_a_sample_within_its_step(law: Law, sample: int) -> None:
    pcm = np.array([sample], dtype="<i2").tobytes()
    code = encode(pcm, law)
    back = int(np.frombuffer(decode(code, law), dtype="<i2")[0])
    assert abs(back - sample) <= max(16, abs(sample) // 16)
    # A code that was decoded is encoded as one of the same level.
    assert decode(encode(decode(code, law), law), law) == decode(code, law)
