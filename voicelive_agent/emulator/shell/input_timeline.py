"""Timeline of input audio: what a session received lately, by its place in the session.

Positions are ms from the first byte received; audio is PCM16 mono at ``SAMPLE_RATE_HZ``.
"""

from collections import deque

from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ

_BYTES_PER_MS = SAMPLE_RATE_HZ * 2 // 1000


class InputTimeline:
    """Keeps what was added since the mark, and ``prefix_ms`` before it, within ``limit_ms``."""

    def __init__(self, prefix_ms: int, limit_ms: int) -> None:
        self.limit_ms = limit_ms
        self._prefix_bytes = prefix_ms * _BYTES_PER_MS
        self._pieces: deque[bytes] = deque()
        self._start_bytes = 0
        self._end_bytes = 0
        self._mark_bytes = 0

    @property
    def end_ms(self) -> float:
        return self._end_bytes / _BYTES_PER_MS

    @property
    def mark_ms(self) -> float:
        return self._mark_bytes / _BYTES_PER_MS

    def add(self, pcm: bytes) -> None:
        self._pieces.append(pcm)
        self._end_bytes += len(pcm)
        self._trim()

    def mark(self) -> None:
        """What comes from now on is the input buffer."""
        self._mark_bytes = self._end_bytes
        self._trim()

    def since(self, start_ms: float | None = None) -> bytes:
        """The audio from ``start_ms`` on (from the mark, if None), as far as it is kept."""
        start = self._mark_bytes if start_ms is None else _offset_bytes(start_ms)
        skip = max(0, start - self._start_bytes)
        return b"".join(self._pieces)[skip:]

    def _trim(self) -> None:
        oldest = max(
            self._mark_bytes - self._prefix_bytes, self._end_bytes - self.limit_ms * _BYTES_PER_MS
        )
        while self._pieces and self._start_bytes + len(self._pieces[0]) <= oldest:
            self._start_bytes += len(self._pieces.popleft())


def _offset_bytes(at_ms: float) -> int:
    return round(max(0.0, at_ms) * SAMPLE_RATE_HZ / 1000) * 2
