"""Loudness of input audio: how long there has been sound, and how long the speaker is silent.

Voice activity takes a while to be sure of a soft beginning, and to be sure of the end.

Sound is what stands out of the room's noise, which is learned as it goes.
"""

import math

import numpy as np

from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ

BLOCK_MS = 16
STANDS_OUT = 4.0
"""Times the room's level (12 dB)."""
FAINTEST = 30.0
"""Nothing below this level (-61 dBFS) counts, however quiet the room is."""
STILL = 10.0
"""Nobody hears what is below this level (-70 dBFS)."""
STIRS = 1.3
"""Times the room's level (2 dB): the even noise of a room stays below it, and speech does not that
is but as loud as the noise."""
STILL_MS = 1000
"""After so long of nothing but the room, nobody need listen for speech until something stirs."""
GAP_MS = 64
"""A longer quiet ends a sound; the closure of a consonant is shorter."""
SOFTEST = 0.02
"""Of the loudest there was (-34 dB): what is below it is no speech of the same person."""
_FORGET_LOUDEST = 0.998
"""In each block: by half in 5 s."""
_LEARN_QUIETER = 0.3
_LEARN_LOUDER = 1.005
"""Slowly: the soft sound before a word is not the room's."""
_BLOCK_SAMPLES = SAMPLE_RATE_HZ * BLOCK_MS // 1000
_PART_MS = 4
"""So exactly it is known where in a block the speaker fell silent."""


class Loudness:
    """One session's input; fed with whole blocks of ``BLOCK_MS``."""

    def __init__(self) -> None:
        self._room: float | None = None
        self._loudest = 0.0
        self._sound_ms = 0
        self._faint_ms = 0
        self._quiet_ms = 0
        self._still_ms = 0
        self._before = np.zeros(_BLOCK_SAMPLES, np.float32)
        """The last block."""

    @property
    def is_still(self) -> bool:
        """Whether there has been nothing but the room to hear for a while, or not even that."""
        return self._still_ms > STILL_MS

    @property
    def faint_ms(self) -> int:
        """For how long there has been nothing as loud as the softest of recent speech; 0 where the
        room itself is as loud."""
        return self._faint_ms

    def is_faint(self, part: bytes) -> bool:
        """Whether the beginning of the next frame is below all speech, or but the room, too."""
        samples = np.frombuffer(part, "<i2").astype(np.float32)
        level = math.sqrt(float(samples @ samples) / max(len(samples), 1))
        return level < max(self._loudest * SOFTEST, (self._room or 0.0) * STIRS)

    def take(self, frame: bytes) -> int:
        """Take in the next audio; how many ms before its end the sound began, 0 in quiet."""
        samples = np.frombuffer(frame, "<i2").astype(np.float32)
        for start in range(0, len(samples) - _BLOCK_SAMPLES + 1, _BLOCK_SAMPLES):
            block = samples[start : start + _BLOCK_SAMPLES]
            self._take_block(math.sqrt(float(block @ block) / _BLOCK_SAMPLES))
            self._before = block
        return self._sound_ms

    def _take_block(self, level: float) -> None:
        room = level if self._room is None else self._room
        learnt = room + (level - room) * _LEARN_QUIETER if level < room else room * _LEARN_LOUDER
        room = self._room = max(learnt, 1.0)
        is_still = level < max(room * STIRS, STILL)
        self._still_ms = self._still_ms + BLOCK_MS if is_still else 0
        self._loudest = max(level, self._loudest * _FORGET_LOUDEST)
        self._follow_faintness(level)
        if level >= max(room * STANDS_OUT, FAINTEST):
            self._sound_ms += self._quiet_ms + BLOCK_MS if self._sound_ms else BLOCK_MS
            self._quiet_ms = 0
        elif self._sound_ms:
            self._quiet_ms += BLOCK_MS
            if self._quiet_ms > GAP_MS:
                self._sound_ms = self._quiet_ms = 0

    def _follow_faintness(self, level: float) -> None:
        faint = self._loudest * SOFTEST
        if level >= faint:
            self._faint_ms = 0
            return
        if not self._faint_ms:
            parts = self._before.reshape(BLOCK_MS // _PART_MS, -1)
            loud = np.flatnonzero(np.sqrt(np.square(parts).mean(axis=1)) >= faint)
            last = int(loud[-1]) if len(loud) else -1
            self._faint_ms = (len(parts) - 1 - last) * _PART_MS
        self._faint_ms += BLOCK_MS
