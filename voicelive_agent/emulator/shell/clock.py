"""The clock of one session, and its timers.

It runs with the wall clock and jumps ahead where the client sends audio faster than real time,
so that a second of it is always a second of audio that could have been heard or played.
"""

import asyncio
from collections.abc import Callable

PAUSE_MS = 1000
"""Audio that comes so much later than it should was not delayed: the client had paused."""


class SessionClock:
    """Starts at 0 and never goes back. Timers are called on the event loop."""

    def __init__(self, on_expired: Callable[[str], None]) -> None:
        """``on_expired`` is told the name of each timer that runs out."""
        self._on_expired = on_expired
        self._loop = asyncio.get_running_loop()
        self._zero_s = self._loop.time()
        self._audio_zero_ms: float | None = None
        self._deadlines_ms: dict[str, float] = {}
        self._wake: asyncio.TimerHandle | None = None

    def now_ms(self) -> float:
        return (self._loop.time() - self._zero_s) * 1000

    def find_audio(self, start_ms: float, arrived_ms: float) -> float:
        """Where input audio that arrived at ``arrived_ms`` stands on this clock.

        ``start_ms`` counts from the first byte of audio, without gaps. What happens to the audio
        may happen later: however long it waited, it stands where it was said.
        """
        zero_ms = self._audio_zero_ms
        if zero_ms is None or arrived_ms - (zero_ms + start_ms) > PAUSE_MS:
            zero_ms = self._audio_zero_ms = arrived_ms - start_ms
        return zero_ms + start_ms

    def place_audio(self, start_ms: float, end_ms: float, arrived_ms: float) -> float:
        """The same, and lets the clock come at least to where that audio ends."""
        at_ms = self.find_audio(start_ms, arrived_ms)
        ahead_ms = at_ms + end_ms - start_ms - self.now_ms()
        if ahead_ms > 0:
            self._zero_s -= ahead_ms / 1000
            if self._deadlines_ms:
                self._expire()
        return at_ms

    def set_timer(self, name: str, ms: float) -> None:
        """Start a timer, or start it anew."""
        self._deadlines_ms[name] = self.now_ms() + ms
        self._schedule()

    def clear_timer(self, name: str) -> None:
        self._deadlines_ms.pop(name, None)
        self._schedule()

    def stop(self) -> None:
        """Forget all timers."""
        self._deadlines_ms.clear()
        self._schedule()

    def _schedule(self) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if self._deadlines_ms:
            delay_s = max(0.0, min(self._deadlines_ms.values()) - self.now_ms()) / 1000
            self._wake = self._loop.call_later(delay_s, self._expire)

    def _expire(self) -> None:
        # The loop may call a hair early, by its clock's resolution.
        now_ms = self.now_ms() + 1
        due = sorted((at_ms, name) for name, at_ms in self._deadlines_ms.items() if at_ms <= now_ms)
        for _, name in due:
            if self._deadlines_ms.pop(name, None) is not None:
                self._on_expired(name)
        self._schedule()
