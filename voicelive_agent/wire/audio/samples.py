"""Samples of PCM16 as an array, and what was computed as floats rounded to them."""

from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]


def round_samples(made: npt.NDArray[Any]) -> Samples:
    """The nearest samples, clipped where it is too loud."""
    samples: Samples = np.clip(np.rint(made), -32768, 32767).astype(np.int16)
    return samples
