"""Something that a caller says or does, and the answer to it, read from a session's events."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from voicelive_agent.testing.answer import AgentFailed, Answer
from voicelive_agent.testing.caller import RATE_HZ, Caller, Event, Received
from voicelive_agent.wire.invocations import AGENT_ERROR, END_CALL

_TRANSCRIPTION = "conversation.item.input_audio_transcription."
_TEXT_DELTAS = ("response.audio_transcript.delta", "response.text.delta")


class Exchange:
    """``begin`` it, act, and ``listen``: what came to the caller before is no part of it."""

    def __init__(self, caller: Caller, timeout_s: float, heard: str = "") -> None:
        self._caller = caller
        self._timeout_s = timeout_s
        self._read_to = 0
        self._status = ""
        self._item_id = ""
        self._audio_from_ms: float | None = None
        self._audio_ms = 0.0
        self._truncated = False
        self._is_over = False
        self.answer = Answer(heard=heard)
        self.response_id = ""

    def begin(self) -> None:
        """What was received before belongs to earlier exchanges."""
        self._read_to = len(self._caller.received)

    async def hear_transcript(self) -> None:
        """Wait for what the recogniser understood. Raises TimeoutError and HungUpError."""
        await self._wait(lambda event: event["type"].startswith(_TRANSCRIPTION + "completed"))

    async def listen(self, listen_ms: float | None) -> None:
        """Wait for the answer's end, or until ``listen_ms`` of it have been played.

        Raises TimeoutError and HungUpError.
        """
        if listen_ms is None:
            await self._wait(self._is_answered)
            return
        began_ms = await self._wait(
            lambda event: (
                event["type"] in ("response.audio.delta", *_TEXT_DELTAS) or self._is_answered(event)
            )
        )
        await asyncio.sleep(max(0.0, began_ms + listen_ms - self._caller.now_ms()) / 1000)
        self._read()

    async def interrupt(self) -> None:
        """Stop the answer as a client does whose user types or clicks into it."""
        self._read()
        if not self._status:
            await self._caller.send("response.cancel")
            await self._wait(lambda event: bool(self._status))
        played_ms = self._caller.now_ms() - (self._audio_from_ms or self._caller.now_ms())
        if self._item_id and played_ms < self._audio_ms:
            await self._caller.send(
                "conversation.item.truncate",
                item_id=self._item_id,
                content_index=0,
                audio_end_ms=int(played_ms),
            )
            await self._wait(lambda event: self._truncated)
        self._caller.stop_playing()

    def end(self) -> None:
        """What the caller says next begins another exchange."""
        self._is_over = True

    async def settle(self) -> None:
        """Find out what the caller heard of an answer that went on, once it was talked into.

        Raises HungUpError.
        """
        self._read()
        answer = self.answer
        answer.interrupted = self._truncated or self._status == "cancelled"
        if self._truncated:
            await self._caller.send("conversation.item.retrieve", item_id=self._item_id)
            retrieved = await self._caller.wait_for(self._is_retrieved, since=self._read_to)
            parts = retrieved.event["item"].get("content") or []
            answer.text = "".join(part.get("transcript") or "" for part in parts)

    def explain(self) -> str:
        """What there was instead of an answer."""
        self._read()
        heard = f" to {self.answer.heard!r}" if self.answer.heard else ""
        said = f"; it had said {self.answer.text!r}" if self.answer.text else ""
        return f"no whole answer{heard} came within {self._timeout_s:g} s{said}"

    async def _wait(self, is_it: Callable[[Event], bool]) -> float:
        """Read on to the first event of which this holds; when it came."""
        async with asyncio.timeout(self._timeout_s):
            while True:
                received = await self._caller.wait_for(lambda event: True, since=self._read_to)
                self._read_to += 1
                self._take(received)
                if is_it(received.event):
                    return received.at_ms

    def _read(self) -> None:
        while self._read_to < len(self._caller.received):
            self._read_to += 1
            self._take(self._caller.received[self._read_to - 1])

    def _is_retrieved(self, event: Event) -> bool:
        is_item = event["type"] == "conversation.item.retrieved"
        return is_item and bool(event["item"]["id"] == self._item_id)

    def _is_answered(self, event: Event) -> bool:
        return event["type"] == "response.done" and self._status not in ("", "cancelled")

    def _take(self, received: Received) -> None:
        event, answer = received.event, self.answer
        kind = event["type"]
        if kind == "conversation.item.truncated":
            self._truncated |= event["item_id"] == self._item_id
        elif kind == _TRANSCRIPTION + "completed" and not self._is_over:
            answer.heard = f"{answer.heard} {event['transcript']}".strip()
        elif kind == "response.created" and not self._is_over:
            self._begin(event["response"]["id"])
        elif kind == "response.done" and event["response"]["id"] == self.response_id:
            self._finish(event["response"])
        elif kind == "response.invocation.delta" and not self._is_over:
            self._take_card(event["delta"])
        elif event.get("response_id") == self.response_id != "":
            self._take_output(received)

    def _begin(self, response_id: str) -> None:
        """A response; another one where a pause was taken for the end of what was said."""
        self.response_id, self._status, self._item_id = response_id, "", ""
        self._audio_from_ms, self._audio_ms = None, 0.0
        self.answer.text = ""

    def _take_output(self, received: Received) -> None:
        event, kind = received.event, received.event["type"]
        if kind in _TEXT_DELTAS:
            self.answer.text += event["delta"]
        elif kind == "response.audio.delta":
            self._item_id = event["item_id"]
            self._audio_from_ms = self._audio_from_ms or received.at_ms
            self._audio_ms += len(event["delta"]) * 3 / 4 / 2 / RATE_HZ * 1000

    def _take_card(self, card: Mapping[str, Any]) -> None:
        if card.get("type") == END_CALL:
            self.answer.ends_call = True
        elif card.get("type") == AGENT_ERROR:
            error = card.get("error") or {}
            self.answer.error = AgentFailed(
                str(error.get("code")), str(error.get("message") or "The agent failed.")
            )
        else:
            self.answer.cards.append(dict(card))

    def _finish(self, response: Mapping[str, Any]) -> None:
        self._status = response["status"]
        if self._status == "failed" and self.answer.error is None:
            error = (response.get("status_details") or {}).get("error") or {}
            self.answer.error = AgentFailed(
                str(error.get("code")), str(error.get("message") or "The answer failed.")
            )
