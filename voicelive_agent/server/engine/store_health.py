"""Health of the conversation store as turns met it last."""

import time

_FAILURES = 2
_SECONDS = 10.0


class StoreHealth:
    """Counts the turns that the store could not begin since it kept one last.

    A store may answer whoever asks how it is, and fail where turns need it: a file of which one
    page is damaged. After a while it is trusted again, for the next turns to tell.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._failed_at = 0.0

    def note(self, kept: bool) -> None:
        """A turn was kept, or could not begin."""
        self._failures = 0 if kept else self._failures + 1
        if not kept:
            self._failed_at = time.monotonic()

    @property
    def failing(self) -> bool:
        """Whether the last turns could not begin."""
        recent = time.monotonic() - self._failed_at < _SECONDS
        return self._failures >= _FAILURES and recent
