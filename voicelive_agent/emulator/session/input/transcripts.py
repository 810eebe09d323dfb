"""Transcripts of what the person said: those on their way, told in the order of the turns."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

from voicelive_agent.emulator.session.configuration import Configuration
from voicelive_agent.emulator.session.conversation import ConversationItems
from voicelive_agent.emulator.session.effects import DiscardUtterance, TranscribeAudio
from voicelive_agent.emulator.session.facts import PartialTranscript
from voicelive_agent.emulator.session.items import ConversationItem
from voicelive_agent.emulator.session.plan import Plan
from voicelive_agent.emulator.stt import Transcript
from voicelive_agent.wire.voice_live.shapes import ProtocolError

_EVENT = "conversation.item.input_audio_transcription"
_LEAST_PROBABILITY = 1e-6


@dataclass(slots=True)
class Pending:
    """A user's item whose transcript is on its way."""

    item: ConversationItem
    wants_answer: bool
    """Otherwise the client asks for the response, and silence counts as input too."""
    outcome: Transcript | str | None = None
    """The transcript, or why there is none."""


class Partial:
    """An utterance's text so far, and how much of it the client knows."""

    def __init__(self) -> None:
        self._last: list[str] = []
        self._told = 0

    def take(self, text: str) -> str:
        """What is new and stood in the last partial already, so it will hardly be revised."""
        words = text.split()
        stable = 0
        for word, before in zip(words, self._last, strict=False):
            if word != before:
                break
            stable += 1
        self._last = words
        if stable <= self._told:
            return ""
        new = words[self._told : stable]
        delta = " ".join(new) if self._told == 0 else " " + " ".join(new)
        self._told = stable
        return delta


class Transcripts:
    """The user's items of one session that wait for what was said in them."""

    def __init__(
        self, plan: Plan, configuration: Configuration, conversation: ConversationItems
    ) -> None:
        self._plan = plan
        self._configuration = configuration
        self._conversation = conversation
        self._pending: deque[Pending] = deque()
        self._partials: dict[str, Partial] = {}

    def is_waiting(self) -> bool:
        return bool(self._pending)

    def is_expected(self, item_id: str) -> bool:
        return any(
            pending.item.id == item_id and pending.outcome is None for pending in self._pending
        )

    def expect(self, item: ConversationItem, *, wants_answer: bool) -> None:
        """A transcript is on its way for this item of the conversation."""
        self._pending.append(Pending(item, wants_answer))

    def recognise(self, item: ConversationItem) -> None:
        """An item came with a recording: have it recognised, if it did."""
        audio, item.audio = item.audio, None
        if audio is not None:
            self._plan.do(TranscribeAudio(item.id, audio))
            self.expect(item, wants_answer=False)

    def forget(self, item: ConversationItem) -> bool:
        """The client deleted the item; whether a turn behind it wants to be answered."""
        for pending in self._pending:
            if pending.item is item and pending.outcome is None:
                self._plan.do(DiscardUtterance(item.id))
                pending.outcome = Transcript("")
        return self._settle()

    def stop(self) -> None:
        """The session ends."""
        for pending in self._pending:
            if pending.outcome is None:
                self._plan.do(DiscardUtterance(pending.item.id))
        self._pending.clear()

    def take_partial(self, fact: PartialTranscript) -> None:
        """A part of an utterance was recognised."""
        if not self._configuration.now.input_audio_transcription:
            return
        delta = self._partials.setdefault(fact.item_id, Partial()).take(fact.text)
        if delta:
            self._plan.send(f"{_EVENT}.delta", item_id=fact.item_id, content_index=0, delta=delta)

    def take_outcome(self, item_id: str, outcome: Transcript | str) -> bool:
        """An utterance was recognised, or can't be; whether a turn wants to be answered."""
        for pending in self._pending:
            if pending.item.id == item_id and pending.outcome is None:
                pending.outcome = outcome
        return self._settle()

    def drop_partial(self, item_id: str) -> None:
        """The utterance came to nothing."""
        self._partials.pop(item_id, None)

    def _settle(self) -> bool:
        """Tell of transcripts in the order of the turns; whether one wants to be answered."""
        wants_answer = False
        while self._pending and self._pending[0].outcome is not None:
            wants_answer |= self._settle_one(self._pending.popleft())
        return wants_answer

    def _settle_one(self, pending: Pending) -> bool:
        """Whether the turn wants an answer."""
        item, outcome = pending.item, pending.outcome
        self._partials.pop(item.id, None)
        if self._conversation.find(item.id) is not item:
            return False
        text = outcome.text.strip() if isinstance(outcome, Transcript) else ""
        if self._configuration.now.input_audio_transcription:
            self._tell_outcome(item, outcome)
        if isinstance(outcome, Transcript):
            for part in item.fields["content"]:
                if part["type"] == "input_audio" and part["transcript"] is None:
                    part["transcript"] = outcome.text
        if not item.is_announced:
            item.awaits_answer = bool(text) or not pending.wants_answer
            self._conversation.announce(item)
        return pending.wants_answer and bool(text)

    def _tell_outcome(self, item: ConversationItem, outcome: Transcript | str | None) -> None:
        index = next(
            index
            for index, part in enumerate(item.fields["content"])
            if part["type"] == "input_audio"
        )
        if isinstance(outcome, Transcript):
            self._plan.send(
                f"{_EVENT}.completed",
                item_id=item.id,
                content_index=index,
                transcript=outcome.text,
                **self._details(outcome),
            )
        else:
            error = ProtocolError(outcome or "", code="transcription_failed", type="server_error")
            self._plan.send(
                f"{_EVENT}.failed", item_id=item.id, content_index=index, error=error.describe()
            )

    def _details(self, transcript: Transcript) -> dict[str, Any]:
        """What ``session.include`` asks for."""
        include = self._configuration.now.include or ()
        details: dict[str, Any] = {}
        if "item.input_audio_transcription.logprobs" in include:
            details["logprobs"] = [
                {
                    "token": word.text,
                    "logprob": math.log(min(1.0, max(word.confidence, _LEAST_PROBABILITY))),
                    "bytes": list(word.text.encode()),
                }
                for word in transcript.words
                if word.confidence is not None
            ]
        if "item.input_audio_transcription.phrases" in include and transcript.text:
            words = [
                {
                    "text": word.text,
                    "offset_milliseconds": word.offset_ms,
                    "duration_milliseconds": word.duration_ms,
                }
                for word in transcript.words
            ]
            start_ms = transcript.words[0].offset_ms if words else 0
            last = transcript.words[-1] if words else None
            details["phrases"] = [
                {
                    "offset_milliseconds": start_ms,
                    "duration_milliseconds": last.offset_ms + last.duration_ms - start_ms
                    if last
                    else 0,
                    "text": transcript.text,
                    "words": words,
                    "locale": transcript.language,
                    "confidence": transcript.confidence,
                }
            ]
        return details
