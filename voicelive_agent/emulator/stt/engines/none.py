"""No speech to text: sessions whose turns are found but not understood, and which say so."""

from collections.abc import Callable, Sequence

from voicelive_agent.emulator.stt import SttError, Transcript


class NoSpeechToText:
    """``SpeechToText`` that understands nothing; ``reason`` says so, and what to do."""

    name = "none"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.advice: str | None = reason

    async def start(self) -> None:
        """Nothing to load."""

    async def stop(self) -> None:
        """Nothing to stop."""

    def open_recognizer(self) -> "NoRecognizer":
        return NoRecognizer(self.reason)


class NoRecognizer:
    def __init__(self, reason: str) -> None:
        self._reason = reason

    def begin(self, on_partial: Callable[[str], None]) -> "NoUtterance":
        return NoUtterance(self._reason)

    def configure(self, *, language: str, phrases: Sequence[str]) -> str | None:
        return self._reason

    async def close(self) -> None:
        """Nothing is being recognised."""


class NoUtterance:
    """Fails with the reason when it ends; its audio is dropped."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def feed(self, pcm: bytes) -> None:
        """Nobody listens."""

    def pause(self) -> None:
        """Nothing to prepare."""

    def resume(self) -> None:
        """Nothing was prepared."""

    is_full = False

    async def drain(self) -> None:
        """Nothing is buffered."""

    async def text_so_far(self) -> str:
        raise SttError(self._reason)

    async def finish(self) -> Transcript:
        raise SttError(self._reason)

    def discard(self) -> None:
        """Nothing is kept."""
