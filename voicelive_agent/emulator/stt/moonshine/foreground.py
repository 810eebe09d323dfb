"""Foreground: of a piece of speech, what the talker said, without others who are heard around it.

People in the background are far softer than whoever holds the microphone, and voice activity takes
them for speech: their words stood before and behind the talker's.
"""

import numpy as np
import numpy.typing as npt

from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ

BELOW_DB = 10.0
"""So much softer than the talker is somebody else."""
LOUDEST_MS = 300
"""The talker is as loud as the loudest of this length: a clap is shorter."""
SURE_MS = 500
"""So much at the talker's level shows that there is one."""
SOFT_MS = 1200
"""So long one begins or ends softly oneself: 480 ms at most in 600 clips of people."""
SOFTEST_MS = 4000
"""What lasts so long is the talker again, who was loud for a moment."""
KEPT_MS = 500
"""So much of what is soft stays, for a soft sound that belongs to the talker."""
_SILENT_DB = 30.0
"""What is so much softer is nobody, and does no harm."""
_BLOCK_MS = 20
_BLOCK_SAMPLES = SAMPLE_RATE_HZ * _BLOCK_MS // 1000


def find_foreground(samples: npt.NDArray[np.float32]) -> tuple[int, int]:
    """Where the talker begins and ends, in ms; all of the samples where nobody else is heard."""
    whole = len(samples) - len(samples) % _BLOCK_SAMPLES
    end_ms = len(samples) * 1000 // SAMPLE_RATE_HZ
    if whole < _BLOCK_SAMPLES * LOUDEST_MS // _BLOCK_MS:
        return 0, end_ms
    energies = np.mean(samples[:whole].reshape(-1, _BLOCK_SAMPLES) ** 2, axis=1)
    levels_db = 10 * np.log10(energies + 1e-10)
    talker_db = np.sort(levels_db)[-LOUDEST_MS // _BLOCK_MS]
    near = np.flatnonzero(levels_db >= talker_db - BELOW_DB)
    if len(near) * _BLOCK_MS < SURE_MS:
        return 0, end_ms
    first, last = int(near[0]), int(near[-1]) + 1
    begins, ends = levels_db[:first], levels_db[last:]
    start_ms = 0
    if _is_somebody(begins, talker_db):
        start_ms = first * _BLOCK_MS - KEPT_MS
    if _is_somebody(ends, talker_db):
        end_ms = last * _BLOCK_MS + KEPT_MS
    return start_ms, end_ms


def _is_somebody(levels_db: npt.NDArray[np.float64], talker_db: float) -> bool:
    """Whether what is soft for so long is more than the talker's own breath."""
    audible_ms = int((levels_db >= talker_db - _SILENT_DB).sum()) * _BLOCK_MS
    return SOFT_MS < audible_ms < SOFTEST_MS
