"""Speech to text of one session: each utterance from its first audio to its transcript.

An utterance is *open* while audio is fed to it and *finishing* until its transcript is told; one
that is discarded in either state is never told of again.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence

from voicelive_agent.emulator.session import Fact, facts
from voicelive_agent.emulator.shell.tasks import SessionTasks
from voicelive_agent.emulator.stt import SpeechToText, SttError, Utterance

HEARING_LIMITED = "hearing_limited"
"""The code of warnings of what speech to text can't do."""

logger = logging.getLogger(__name__)


class Utterances:
    """The utterances of one session, by the ids of their items."""

    def __init__(
        self, stt: SpeechToText, tasks: SessionTasks, tell: Callable[[Fact], None]
    ) -> None:
        self._name = stt.name
        self._recognizer = stt.open_recognizer()
        self._tasks = tasks
        self._tell = tell
        self._open: dict[str, Utterance] = {}
        self._finishing: dict[str, Utterance] = {}
        self._decoding: set[str] = set()
        """Recordings that are made ready to be recognised."""
        self._quiet_since_ms: int | None = None
        self._noticed: set[str] = set()

    def configure(self, language: str, phrases: Sequence[str]) -> str | None:
        """For the utterances that begin from now on; the text of a warning, if there is one."""
        return self._recognizer.configure(language=language, phrases=phrases)

    def begin(self, item_id: str, pcm: bytes) -> None:
        """Open an utterance with the audio that it has so far."""

        def tell_partial(text: str) -> None:
            if item_id in self._open or item_id in self._finishing:
                self._tell(facts.PartialTranscript(item_id, text))

        self._quiet_since_ms = None
        utterance = self._open[item_id] = self._recognizer.begin(tell_partial)
        utterance.feed(pcm)

    def feed(self, pcm: bytes) -> None:
        """More audio, for all that are open."""
        for utterance in self._open.values():
            utterance.feed(pcm)

    def follow_pause(self, quiet_since_ms: int | None) -> None:
        """Where the pause began that the utterance begun last is in; None: there is none."""
        if quiet_since_ms == self._quiet_since_ms or not self._open:
            return
        utterance = self._open[next(reversed(self._open))]
        if self._quiet_since_ms is not None:
            utterance.resume()
        self._quiet_since_ms = quiet_since_ms
        if quiet_since_ms is not None:
            utterance.pause()

    async def drain(self) -> None:
        """Wait while so much audio is buffered that the caller should hold back."""
        for utterance in list(self._open.values()):
            await utterance.drain()

    @property
    def is_any_full(self) -> bool:
        """Whether the caller should ``drain`` before it feeds more."""
        return bool(self._open) and any(one.is_full for one in self._open.values())

    @property
    def is_any_open(self) -> bool:
        return bool(self._open)

    async def text_so_far(self) -> str:
        """What was said in the utterance begun last, as far as it is fed. Raises SttError."""
        return await self._open[next(reversed(self._open))].text_so_far()

    def finish(self, item_id: str) -> bool:
        """An utterance has all its audio; False where it is not open."""
        utterance = self._open.pop(item_id, None)
        if utterance is None:
            return False
        self._finishing[item_id] = utterance
        self._tasks.start(self._await_transcript(item_id, utterance), "transcript")
        return True

    def transcribe(self, item_id: str, decode: Callable[[], Awaitable[bytes]]) -> None:
        """Recognise a recording, which ``decode`` gives as PCM."""
        self._decoding.add(item_id)
        self._tasks.start(self._transcribe(item_id, decode), "recording")

    def discard(self, item_id: str) -> None:
        self._decoding.discard(item_id)
        for utterances in (self._open, self._finishing):
            if (utterance := utterances.pop(item_id, None)) is not None:
                utterance.discard()

    async def close(self) -> None:
        """Drop what is being recognised."""
        for item_id in [*self._open, *self._finishing]:
            self.discard(item_id)
        await self._recognizer.close()

    def _pass_on(self, notice: str) -> None:
        """Warn the client, once."""
        if notice and notice not in self._noticed:
            self._noticed.add(notice)
            self._tell(facts.Warned(notice, HEARING_LIMITED, "session.input_audio_transcription"))

    async def _transcribe(self, item_id: str, decode: Callable[[], Awaitable[bytes]]) -> None:
        pcm = await decode()
        if item_id in self._decoding:
            self._decoding.remove(item_id)
            self.begin(item_id, pcm)
            self.finish(item_id)

    async def _await_transcript(self, item_id: str, utterance: Utterance) -> None:
        fact: facts.FinalTranscript | facts.TranscriptionFailed
        try:
            transcript = await utterance.finish()
            self._pass_on(transcript.notice)
            fact = facts.FinalTranscript(item_id, transcript)
        except SttError as error:
            fact = facts.TranscriptionFailed(item_id, str(error))
        except Exception as error:
            logger.exception("Speech to text by %s failed in a way of its own.", self._name)
            fact = facts.TranscriptionFailed(
                item_id,
                f"Speech to text by {self._name} failed ({type(error).__name__}): "
                "the emulator's log says more.",
            )
        if self._finishing.pop(item_id, None) is not None:
            self._tell(fact)
