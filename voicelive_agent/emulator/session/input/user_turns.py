"""User turns: where one begins and ends, by voice activity or by the client.

A turn is found by voice activity, or is made by the client: audio that it commits (manual mode),
or ``input_audio.turn.start`` to ``.end``, which the references name without saying what they do.
Here such a turn is a manual one: its end commits it, and the client asks for the response.
"""

from dataclasses import dataclass

from voicelive_agent.emulator.session.agent_call import AgentCall
from voicelive_agent.emulator.session.configuration import Configuration
from voicelive_agent.emulator.session.conversation import ConversationItems
from voicelive_agent.emulator.session.effects import (
    BeginUtterance,
    ClearInput,
    ClearTimer,
    DiscardUtterance,
    FinishUtterance,
    ProcessInput,
    SetTimer,
)
from voicelive_agent.emulator.session.facts import (
    FinalTranscript,
    PartialTranscript,
    SpeechStarted,
    SpeechStopped,
    TranscriptionFailed,
)
from voicelive_agent.emulator.session.input.transcripts import Transcripts
from voicelive_agent.emulator.session.items import ConversationItem, decode_audio
from voicelive_agent.emulator.session.plan import Plan
from voicelive_agent.emulator.session.responses.responder import Responder
from voicelive_agent.wire.voice_live.events import AppendToTurn
from voicelive_agent.wire.voice_live.shapes import ProtocolError
from voicelive_agent.wire.voice_live.turn_detection import AzureSemanticVadEn

FILLER_WORDS = frozenset({"ah", "umm", "mm", "uh", "huh", "oh", "yeah", "hmm", "um", "mhm"})
FILLER_MS = 1000
"""Speech that lasts longer is no filler word."""


@dataclass(slots=True)
class Speech:
    """What voice activity took for speech, from its start to its end."""

    item_id: str
    start_ms: int
    is_tentative: bool
    """It may be a filler word: the client doesn't know of it yet."""
    end_ms: int | None = None


class UserTurns:
    """The turns of one session."""

    def __init__(
        self,
        plan: Plan,
        configuration: Configuration,
        conversation: ConversationItems,
        responder: Responder,
        transcripts: Transcripts,
        call: AgentCall,
    ) -> None:
        self._plan = plan
        self._configuration = configuration
        self._conversation = conversation
        self._responder = responder
        self._transcripts = transcripts
        self._call = call
        self.has_heard = False
        """Whether the session has received audio."""
        self._buffered_bytes = 0
        self._speech: Speech | None = None
        self._doubtful: dict[str, Speech] = {}
        self._recording: str | None = None
        self._client_turn: str | None = None

    def is_hearing(self) -> bool:
        """Whether the person is speaking, or a turn is being transcribed."""
        speaks = self._speech is not None and not self._speech.is_tentative
        return speaks or self._transcripts.is_waiting()

    @property
    def _is_manual(self) -> bool:
        return self._client_turn is not None or self._configuration.now.turn_detection is None

    # What the client sends.

    def append(self, audio: str) -> None:
        """Audio of the input buffer. Raises ProtocolError."""
        pcm = decode_audio(audio, "audio")
        echo = self._configuration.now.input_audio_echo_cancellation
        if echo and echo.channels == 2 and len(pcm) % 4:
            raise ProtocolError(
                "Two channels of pcm16 come in 4 bytes for each sample: send whole samples.",
                code="invalid_value",
                param="audio",
            )
        if not pcm:
            return
        self.has_heard = True
        self._buffered_bytes += len(pcm)
        if self._is_manual and self._recording is None:
            self._recording = self._plan.new_id("item")
            self._plan.do(BeginUtterance(self._recording, None))
        self._plan.do(ProcessInput(pcm))

    def commit(self) -> None:
        """``input_audio_buffer.commit``. Raises ProtocolError."""
        if not self._buffered_bytes:
            raise ProtocolError(
                "The input audio buffer is empty: append audio before you commit it.",
                code="input_audio_buffer_commit_empty",
            )
        if self._recording is not None:
            item_id, self._recording = self._recording, None
        elif self._speech is not None:
            item_id = self._end_speech(self._speech)
        else:
            item_id = self._plan.new_id("item")
            self._plan.do(BeginUtterance(item_id, None))
        self._commit(item_id, None, wants_answer=False)
        self._plan.do(ClearInput())

    def clear(self) -> None:
        """``input_audio_buffer.clear`` and ``input_audio.clear``."""
        self._client_turn = None
        self._drop_input()
        self._plan.send("input_audio_buffer.cleared")

    def start_turn(self, turn_id: str) -> None:
        """``input_audio.turn.start``. Raises ProtocolError."""
        if self._client_turn is not None:
            raise ProtocolError(
                f"The turn '{self._client_turn}' is open: end or cancel it first.",
                code="invalid_value",
                param="turn_id",
            )
        self._drop_input()
        self._client_turn = turn_id

    def append_to_turn(self, event: AppendToTurn) -> None:
        """``input_audio.turn.append``. Raises ProtocolError."""
        self._check_turn(event.turn_id)
        self.append(event.audio)

    def end_turn(self, turn_id: str) -> None:
        """``input_audio.turn.end``. Raises ProtocolError."""
        self._check_turn(turn_id)
        self.commit()
        self._client_turn = None

    def cancel_turn(self, turn_id: str) -> None:
        """``input_audio.turn.cancel``. Raises ProtocolError."""
        self._check_turn(turn_id)
        self.clear()

    def _check_turn(self, turn_id: str) -> None:
        if turn_id != self._client_turn:
            raise ProtocolError(
                f"There is no open turn '{turn_id}': begin it with input_audio.turn.start.",
                code="invalid_value",
                param="turn_id",
            )

    def change_detection(self) -> None:
        """Turn detection was turned on or off: what is being recorded belongs to neither."""
        self._client_turn = None
        self._drop_input()

    def stop(self) -> None:
        """The session ends."""
        self._drop_input()

    # What hearing tells.

    def start_speech(self, fact: SpeechStarted) -> None:
        """Voice activity found speech."""
        if self._is_manual or self._speech is not None:
            return
        detection = self._configuration.now.turn_detection
        is_tentative = (
            isinstance(detection, AzureSemanticVadEn)
            and detection.remove_filler_words
            and detection.interrupt_response
            and self._responder.is_answering()
        )
        item_id = self._plan.new_id("item")
        self._speech = Speech(item_id, max(0, fact.audio_start_ms), is_tentative)
        self._plan.do(BeginUtterance(item_id, self._speech.start_ms))
        if is_tentative:
            self._plan.do(SetTimer(_filler_timer(item_id), FILLER_MS))
        else:
            self._tell_started(self._speech)

    def stop_speech(self, fact: SpeechStopped) -> None:
        """Voice activity found the end of the turn."""
        speech = self._speech
        if speech is None:
            return
        self._end_speech(speech)
        speech.end_ms = max(speech.start_ms, fact.audio_end_ms)
        if speech.is_tentative:
            self._doubtful[speech.item_id] = speech
            self._plan.do(FinishUtterance(speech.item_id, speech.end_ms))
        else:
            self._complete(speech)

    def expire(self, timer: str) -> None:
        """A timer ran out; those of others are no business of this."""
        if self._speech is not None and timer == _filler_timer(self._speech.item_id):
            self._confirm(self._speech)

    def take_partial(self, fact: PartialTranscript) -> None:
        """A part of an utterance was recognised."""
        speech = self._speech
        if speech is not None and speech.item_id == fact.item_id and speech.is_tentative:
            if _is_filler(fact.text):
                return
            self._confirm(speech)
        is_open = speech is not None and speech.item_id == fact.item_id
        # Of what a client records itself it is told nothing before it commits.
        if is_open or self._transcripts.is_expected(fact.item_id):
            self._transcripts.take_partial(fact)

    def take_transcript(self, fact: FinalTranscript | TranscriptionFailed) -> bool:
        """An utterance was recognised, or can't be; whether a turn wants to be answered."""
        outcome = fact.transcript if isinstance(fact, FinalTranscript) else fact.message
        speech = self._doubtful.pop(fact.item_id, None)
        if speech is not None:
            if isinstance(outcome, str) or _is_filler(outcome.text):
                self._transcripts.drop_partial(fact.item_id)
                return False
            self._tell_started(speech)
            self._complete(speech)
        return self._transcripts.take_outcome(fact.item_id, outcome)

    def _tell_started(self, speech: Speech) -> None:
        self._call.note_speech()
        self._plan.send(
            "input_audio_buffer.speech_started",
            audio_start_ms=speech.start_ms,
            item_id=speech.item_id,
        )
        detection = self._configuration.now.turn_detection
        if detection is not None and detection.interrupt_response:
            self._responder.interrupt()

    def _confirm(self, speech: Speech) -> None:
        """It is no filler word."""
        if speech.is_tentative:
            speech.is_tentative = False
            self._plan.do(ClearTimer(_filler_timer(speech.item_id)))
            self._tell_started(speech)

    def _end_speech(self, speech: Speech) -> str:
        self._speech = None
        if speech.is_tentative:
            self._plan.do(ClearTimer(_filler_timer(speech.item_id)))
        return speech.item_id

    def _complete(self, speech: Speech) -> None:
        """The client knows of the speech; it has ended, and is a turn."""
        end_ms = speech.start_ms if speech.end_ms is None else speech.end_ms
        self._plan.send(
            "input_audio_buffer.speech_stopped", audio_end_ms=end_ms, item_id=speech.item_id
        )
        detection = self._configuration.now.turn_detection
        wants_answer = detection is not None and detection.create_response
        item = self._commit(
            speech.item_id,
            None if speech.is_tentative else end_ms,
            wants_answer=wants_answer,
            is_finished=speech.is_tentative,
        )
        item.audio_ms = end_ms - speech.start_ms

    def _commit(
        self, item_id: str, end_ms: int | None, *, wants_answer: bool, is_finished: bool = False
    ) -> ConversationItem:
        """The buffer becomes a user's item, which the client learns of with its transcript."""
        self._buffered_bytes = 0
        self._plan.send(
            "input_audio_buffer.committed",
            previous_item_id=self._conversation.last_id(),
            item_id=item_id,
        )
        item = ConversationItem(
            {
                "type": "message",
                "role": "user",
                "status": "completed",
                "content": [{"type": "input_audio", "transcript": None}],
            },
            item_id,
        )
        self._conversation.append(item)
        self._transcripts.expect(item, wants_answer=wants_answer)
        if not is_finished:
            self._plan.do(FinishUtterance(item_id, end_ms))
        return item

    def _drop_input(self) -> None:
        self._buffered_bytes = 0
        if self._recording is not None:
            self._discard(self._recording)
            self._recording = None
        if self._speech is not None:
            self._discard(self._end_speech(self._speech))
        for item_id in self._doubtful:
            self._discard(item_id)
        self._doubtful.clear()
        self._plan.do(ClearInput())

    def _discard(self, item_id: str) -> None:
        self._plan.do(DiscardUtterance(item_id))
        self._transcripts.drop_partial(item_id)


def _filler_timer(item_id: str) -> str:
    return f"filler:{item_id}"


def _is_filler(text: str) -> bool:
    """Whether nothing was said but filler words."""
    words = text.replace("-", " ").split()
    return all(word.strip(".,!?").lower() in FILLER_WORDS for word in words)
