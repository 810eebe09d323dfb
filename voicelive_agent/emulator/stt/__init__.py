"""Speech to text (STT): recognisers behind small protocols.

Audio here is always PCM16 mono little-endian at ``SAMPLE_RATE_HZ``; ``wire.audio`` converts.
Offsets are ms from the first byte of the utterance. No method blocks the event loop.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

SAMPLE_RATE_HZ = 16_000


@dataclass(frozen=True, slots=True)
class TranscriptWord:
    text: str
    offset_ms: int
    duration_ms: int
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What an utterance said; ``text`` is empty where nothing was recognised."""

    text: str
    words: tuple[TranscriptWord, ...] = ()
    confidence: float | None = None
    language: str = "en-US"
    notice: str = ""
    """What the client should be warned of, such as a language that the engine doesn't know."""
    source: str = ""
    """Which engine recognised it: its name, with ``+phrases`` where the grammar won."""


class SttError(Exception):
    """The recogniser failed; becomes ``…input_audio_transcription.failed``."""


class Utterance(Protocol):
    """One user turn's audio, from its prefix padding on."""

    def feed(self, pcm: bytes) -> None:
        """Add audio. Never waits: the engine buffers and catches up."""

    def pause(self) -> None:
        """The person is silent since a moment ago: the turn may end here.

        An engine may prepare the final transcript, which is the one if the turn ends before
        ``resume``.
        """

    def resume(self) -> None:
        """The person speaks on."""

    @property
    def is_full(self) -> bool:
        """Whether so much audio is buffered that the caller should hold back.

        Never where the utterance has ended or failed.
        """
        ...

    async def drain(self) -> None:
        """Wait until it is not full."""

    async def text_so_far(self) -> str:
        """The text of all that was fed by now, once the engine has caught up with it.

        For judging whether a pause ends the turn. Raises SttError.
        """
        ...

    async def finish(self) -> Transcript:
        """End of the turn: the final transcript. Raises SttError."""
        ...

    def discard(self) -> None:
        """Drop the utterance; nothing is reported for it any more."""


class Recognizer(Protocol):
    """One session's recogniser; keeps what it learns of the speaker between utterances."""

    def begin(self, on_partial: Callable[[str], None]) -> Utterance:
        """Start an utterance; ``on_partial`` gets the whole text so far, on the event loop."""
        ...

    def configure(self, *, language: str, phrases: Sequence[str]) -> str | None:
        """Language (BCP-47) and phrase list for the utterances that begin from now on.

        Returns the text of a ``warning`` where that can't be had.
        """
        ...

    async def close(self) -> None:
        """Discard what is still being recognised."""


class SpeechToText(Protocol):
    """A speech-to-text engine, shared by all sessions."""

    name: str
    advice: str | None
    """What the start-up message tells of this engine to the person who starts the emulator."""

    async def start(self) -> None:
        """Load and warm up; returns when the first utterance will not wait for loading.

        Raises SttError, whose text says what is missing and which command gets it.
        """

    async def stop(self) -> None: ...

    def open_recognizer(self) -> Recognizer: ...
