"""Samples of PCM16 as an array, and what was computed as floats rounded to them."""

from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]


def round_samples(made: npt.NDArray[Any]) -> Samples:
    """The nearest samples, clipped where it is too loud."""
    rounded = np.rint(made)
    # ``np.clip`` takes twice as long for the few of a client's frame.
    np.minimum(rounded, 32767, out=rounded)
    np.maximum(rounded, -32768, out=rounded)
    samples: Samples = rounded.astype(np.int16)
    return samples
