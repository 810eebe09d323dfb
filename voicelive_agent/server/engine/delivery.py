"""What of an answer has left, and when: the text that its caller may have heard."""

from collections.abc import Callable

from voicelive_agent.server.engine.events import Delta, EngineEvent

# A mark is made at most this often; between two, speech is assumed to flow evenly.
_MARK_MS = 40


class Delivery:
    """The deltas of one turn that a wire has taken. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = clock()
        self._deltas: list[str] = []
        self._confirmed = 0
        self._characters = 0
        self._marks: list[tuple[int, int]] = []
        self.first_delta_ms: int | None = None

    @property
    def text(self) -> str:
        return "".join(self._deltas)

    @property
    def marks(self) -> list[tuple[int, int]]:
        """(ms since the start, characters taken by then), ascending."""
        length = sum(map(len, self._deltas))
        return [(ms, min(characters, length)) for ms, characters in self._marks]

    @property
    def elapsed_ms(self) -> int:
        return int(1000 * (self._clock() - self._started))

    def take(self, batch: list[EngineEvent]) -> None:
        """A wire has taken ``batch`` and is about to send it."""
        texts = [event.text for event in batch if isinstance(event, Delta)]
        if not texts:
            return
        self._deltas += texts
        self._characters += sum(map(len, texts))
        ms = self.elapsed_ms
        if self.first_delta_ms is None:
            self.first_delta_ms = ms
        if self._marks and ms - self._marks[-1][0] < _MARK_MS:
            self._marks[-1] = (self._marks[-1][0], self._characters)
        else:
            self._marks.append((ms, self._characters))

    def confirm(self) -> None:
        """All that was taken has been sent."""
        self._confirmed = len(self._deltas)

    def withdraw(self) -> None:
        """What was taken last did not reach anybody."""
        del self._deltas[self._confirmed :]
