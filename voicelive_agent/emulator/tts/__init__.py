"""Text to speech (TTS): clauses to audio with word timings, behind a small protocol.

Audio here is PCM16 mono little-endian at the engine's own ``sample_rate_hz``. Offsets are ms
from the start of the spoken clause. No method blocks the event loop.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Voice:
    """How a session wants its answers spoken, already resolved to what the engine has."""

    name: str
    """The engine's own name of the voice."""
    locale: str = "en-US"
    rate: float = 1.0
    """Factor on the normal speed, 0.5 to 2."""
    pitch: float = 1.0
    """Factor on the normal pitch, 0.5 to 2."""
    volume: float = 1.0
    """Factor on the normal amplitude, 0 to 2."""
    says_any_script: bool = False
    """Whether it speaks every language, whatever its locale."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    text: str
    """The word as it stands in the clause, one for each whitespace-separated token."""
    text_end: int
    """Characters of the clause up to the end of this word."""
    offset_ms: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Viseme:
    """Mouth shape (Azure Speech ids, 0 to 21) from ``offset_ms`` on."""

    viseme_id: int
    offset_ms: int


@dataclass(frozen=True, slots=True)
class SpokenChunk:
    """The next piece of a clause's audio, with the words and visemes known by now."""

    pcm: bytes
    words: tuple[SpokenWord, ...] = ()
    visemes: tuple[Viseme, ...] = ()


class TtsError(Exception):
    """The engine failed; becomes an ``error`` with code ``speech_synthesis_error``."""


class TextToSpeech(Protocol):
    """A text-to-speech engine, shared by all sessions."""

    name: str
    sample_rate_hz: int

    async def start(self) -> None:
        """Load and warm up; returns when the first clause will not wait for loading."""

    async def stop(self) -> None: ...

    def voice_names(self) -> Sequence[str]:
        """The engine's own voices, once it is started; the first is its default."""
        ...

    def resolve_voice(self, voice: Mapping[str, Any]) -> tuple[Voice, str | None]:
        """The nearest voice for a session's ``voice`` object (type, name, rate, pitch, volume…).

        The second value is the text of a ``warning`` where that can't be had.
        """
        ...

    def speak(self, clause: str, voice: Voice) -> AsyncGenerator[SpokenChunk, None]:
        """Speak one clause. Closing the generator stops the engine. Raises TtsError."""
        ...
