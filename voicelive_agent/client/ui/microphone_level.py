"""Microphone level: shown, and warned of where the microphone is silent or distorted."""

import numpy as np

from voicelive_agent.client.core.screen import Level, Notice, Screen

SHOW_EVERY_MS = 100
FLOOR_DBFS = -96.0
SILENT_DBFS = -75.0
"""Even a quiet room is louder; a microphone that is switched off is not."""
SILENT_AFTER_MS = 5_000
CLIPPED_LEVEL = 32_700
CLIPPED_SHARE = 0.01
WINDOW_MS = 1_000


class Levels:
    """Watches the audio that is sent; each warning is given once until its cause is gone."""

    def __init__(self, screen: Screen, *, warns: bool) -> None:
        """``warns``: a person listens to warnings; a file can't turn its level down."""
        self._screen = screen
        self._warns = warns
        self._since_shown_ms = 0.0
        self._peak = 0
        self._silent_ms = 0.0
        self._clipped = 0
        self._samples = 0
        self._warned_silent = False
        self._warned_clipped = False

    def measure(self, pcm: bytes, rate_hz: int, *, muted: bool) -> None:
        samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype="<i2").astype(np.int32)
        if not len(samples):
            return
        magnitudes = np.abs(samples)
        duration_ms = len(samples) / rate_hz * 1000
        self._peak = max(self._peak, int(magnitudes.max()))
        self._since_shown_ms += duration_ms
        if self._since_shown_ms >= SHOW_EVERY_MS:
            self._screen.show(Level(round(_dbfs(self._peak), 1), muted=muted))
            if self._warns:
                self._watch_silence(_dbfs(self._peak), self._since_shown_ms, muted=muted)
            self._since_shown_ms, self._peak = 0.0, 0
        if not self._warns:
            return
        self._clipped += int((magnitudes >= CLIPPED_LEVEL).sum())
        self._samples += len(samples)
        if self._samples >= rate_hz * WINDOW_MS // 1000:
            self._watch_clipping(self._clipped / self._samples)
            self._clipped = self._samples = 0

    def _watch_silence(self, dbfs: float, duration_ms: float, *, muted: bool) -> None:
        if dbfs > SILENT_DBFS or muted:
            self._silent_ms, self._warned_silent = 0.0, False
            return
        self._silent_ms += duration_ms
        if self._silent_ms >= SILENT_AFTER_MS and not self._warned_silent:
            self._warned_silent = True
            self._screen.show(
                Notice(
                    "The microphone is silent: check its switch and the system's permission, or "
                    "choose another with --microphone (--list-devices shows them)."
                )
            )

    def _watch_clipping(self, share: float) -> None:
        if share < CLIPPED_SHARE:
            self._warned_clipped = False
        elif not self._warned_clipped:
            self._warned_clipped = True
            self._screen.show(
                Notice("The microphone is too loud and distorts: turn its level down.")
            )


def _dbfs(peak: int) -> float:
    return max(FLOOR_DBFS, 20 * float(np.log10(peak / 32768))) if peak else FLOOR_DBFS
