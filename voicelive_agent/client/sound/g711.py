"""G.711: 8 bits a sample at 8 kHz, as telephones send it (ITU-T G.711, µ-law and A-law)."""

from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

Law = Literal["g711_ulaw", "g711_alaw"]
Samples = npt.NDArray[np.int16]


def encode(pcm: bytes, law: Law) -> bytes:
    """PCM16 little-endian as one byte a sample: the nearest code."""
    return bytes(_codes(law)[np.frombuffer(pcm, dtype="<i2").astype(np.int32) + 32768].tobytes())


def decode(audio: bytes, law: Law) -> bytes:
    """One byte a sample as PCM16 little-endian."""
    return bytes(_levels(law)[np.frombuffer(audio, dtype=np.uint8)].astype("<i2").tobytes())


@cache
def _levels(law: Law) -> Samples:
    code = np.arange(256, dtype=np.int32)
    if law == "g711_ulaw":
        code = ~code & 0xFF
        magnitude = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
        return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)
    code ^= 0x55
    exponent = code >> 4 & 7
    mantissa = (code & 0x0F) << 4
    magnitude = np.where(
        exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0)
    )
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


@cache
def _codes(law: Law) -> npt.NDArray[np.uint8]:
    levels = _levels(law).astype(np.int32)
    order = np.argsort(levels, kind="stable")
    ordered = levels[order]
    samples = np.arange(-32768, 32768, dtype=np.int32)
    right = np.clip(np.searchsorted(ordered, samples), 1, 255)
    nearer_left = samples - ordered[right - 1] <= ordered[right] - samples
    return order[np.where(nearer_left, right - 1, right)].astype(np.uint8)
