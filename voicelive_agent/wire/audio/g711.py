"""G.711, the telephone's 8 bits a sample at 8 kHz: µ-law and A-law, from and to PCM16.

Encoding takes the decision values of ITU-T G.711 (tables 1 and 2), as telephones do, and not the
nearest level, which differs from them where two segments meet.
"""

from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

Law = Literal["g711_ulaw", "g711_alaw"]


def encode(pcm: bytes, law: Law) -> bytes:
    """PCM16 little-endian as one byte a sample."""
    return bytes(_encode_table(law)[np.frombuffer(pcm, "<u2")].tobytes())


def decode(audio: bytes, law: Law) -> bytes:
    """One byte a sample as PCM16 little-endian."""
    return _decode_table(law)[np.frombuffer(audio, np.uint8)].tobytes()


@cache
def _decode_table(law: Law) -> npt.NDArray[np.int16]:
    """For each byte its sample."""
    table = _decode_ulaw() if law == "g711_ulaw" else _decode_alaw()
    return table.astype("<i2")


@cache
def _encode_table(law: Law) -> npt.NDArray[np.uint8]:
    """For each sample, as an unsigned number, its byte."""
    samples = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)
    table = _encode_ulaw(samples) if law == "g711_ulaw" else _encode_alaw(samples)
    return table.astype(np.uint8)


def _decode_ulaw() -> npt.NDArray[np.int32]:
    inverted = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((inverted & 0x0F) << 3) + 0x84) << ((inverted & 0x70) >> 4)
    return np.where(inverted & 0x80, 0x84 - magnitude, magnitude - 0x84)


def _decode_alaw() -> npt.NDArray[np.int32]:
    toggled = np.arange(256, dtype=np.int32) ^ 0x55
    segment = (toggled & 0x70) >> 4
    mantissa = (toggled & 0x0F) << 4
    raised = (mantissa + 0x108) << np.maximum(segment - 1, 0)
    magnitude = np.where(segment == 0, mantissa + 8, raised)
    return np.where(toggled & 0x80, magnitude, -magnitude)


def _encode_ulaw(samples: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    samples = samples >> 2
    mask = np.where(samples < 0, 0x7F, 0xFF)
    magnitude = np.minimum(np.abs(samples), 8159) + 33
    segment = np.searchsorted((64 << np.arange(8)) - 1, magnitude)
    code = (segment << 4) | ((magnitude >> (segment + 1)) & 0x0F)
    code[segment >= 8] = 0x7F
    return (code ^ mask).astype(np.int32)


def _encode_alaw(samples: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    samples = samples >> 3
    mask = np.where(samples < 0, 0x55, 0xD5)
    magnitude = np.where(samples < 0, -samples - 1, samples)
    segment = np.searchsorted((32 << np.arange(8)) - 1, magnitude)
    code = (segment << 4) | ((magnitude >> np.maximum(segment, 1)) & 0x0F)
    return (code ^ mask).astype(np.int32)
