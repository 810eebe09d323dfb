"""Redis's clock: the one that all replicas share, whatever their own ones say."""

from collections.abc import Callable


class SharedClock:
    """Unix seconds, told by ``now``, the clock of this machine, corrected by Redis's answers."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.local = now
        self._offset_s = 0.0

    def __call__(self) -> float:
        return self.local() + self._offset_s

    def correct(self, asked_at: float, redis_time: float, answered_at: float) -> None:
        """Redis said ``redis_time`` between two moments of the local clock.

        The correction stays what it was as long as it can be right, so that time runs evenly.
        """
        least, most = sorted((redis_time - answered_at, redis_time - asked_at))
        self._offset_s = min(max(self._offset_s, least), most)
