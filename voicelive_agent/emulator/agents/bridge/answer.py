"""Response of an agent of the Bridge: its messages in order, and what they mean to a session."""

import asyncio
from collections import deque

from voicelive_agent.emulator.agents import (
    AgentEvent,
    AnswerError,
    ScreenEvent,
    TextDelta,
    TextDone,
    VoicePatch,
)
from voicelive_agent.wire.bridge import messages as bridge
from voicelive_agent.wire.bridge.frames import FrameError

_ROOM = 256
"""Messages that wait to be read; an agent that is faster waits."""
_ILLEGAL_STATE = 1008


class BridgeAnswer:
    """A response, or an input that has got none yet."""

    def __init__(
        self, input_id: str | None = None, response_id: str | None = None, *, is_asked: bool = True
    ) -> None:
        """``is_asked``: somebody waits for it already."""
        self.input_id = input_id
        self.response_id = response_id
        self.is_asked = is_asked
        self.is_admitted = input_id is not None
        """Whether there may be output of it; what answers an input needs nobody's leave."""
        self.is_over = False
        """Whether the agent has ended it."""
        self.is_cut = False
        """Whether the Bridge has ended it: what still comes of it is let go."""
        self.item_id: str | None = None
        self.text = ""
        self._streamed = ""
        self._items: set[str] = set()
        self._has_open_item = False
        self._messages: deque[bridge.ForBridge] = deque()
        self._error: AnswerError | None = None
        self._news = asyncio.Event()
        self._room = asyncio.Event()

    # The connection's side.

    async def put(self, message: bridge.ForBridge) -> None:
        """The next message of it. Raises FrameError where it can't be the next one."""
        self._check(message)
        while len(self._messages) >= _ROOM and not self.is_cut:
            self._room.clear()
            await self._room.wait()
        if not self.is_cut:
            self._messages.append(message)
            self._news.set()

    def fail(self, error: AnswerError) -> None:
        """Nothing more comes of it."""
        self._error = error
        self._news.set()

    def cut(self) -> None:
        """The Bridge ends it."""
        self.is_cut = True
        self._messages.clear()
        self._room.set()

    def _check(self, message: bridge.ForBridge) -> None:
        match message:
            case bridge.OutputTextDelta(item_id=item_id, delta=text):
                self._begin_item(item_id)
                self._streamed += text
                self.text += text
            case bridge.OutputTextDone(item_id=item_id, text=text):
                self._begin_item(item_id)
                if self._streamed and text != self._streamed:
                    raise FrameError(
                        "response.output_text.done: text is not that of the item's deltas"
                    )
                self.text += "" if self._streamed else text
                self._has_open_item = False
                self._items.add(item_id)
            case bridge.ResponseDone() if self._has_open_item:
                raise FrameError(
                    "response.done: an item has had no response.output_text.done", _ILLEGAL_STATE
                )

    def _begin_item(self, item_id: str) -> None:
        if not self.is_admitted:
            raise FrameError("output before response.accepted", _ILLEGAL_STATE)
        if self._has_open_item and item_id != self.item_id:
            raise FrameError(
                "an item begins before the one before has had its response.output_text.done",
                _ILLEGAL_STATE,
            )
        if item_id in self._items:
            raise FrameError("output of an item that is done", _ILLEGAL_STATE)
        if not self._has_open_item:
            self.item_id, self._has_open_item, self._streamed = item_id, True, ""

    # The session's side.

    async def next(self) -> bridge.ForBridge:
        """The next message. Raises AnswerError where none comes any more."""
        while not self._messages:
            if self._error is not None:
                raise self._error
            self._news.clear()
            await self._news.wait()
        self._room.set()
        return self._messages.popleft()


class AnswerReading:
    """What a response's messages mean, as they are read."""

    def __init__(self) -> None:
        self.has_output = False
        self._is_streamed = False

    def read(self, message: bridge.ForBridge) -> list[AgentEvent]:
        """Raises AnswerError where the agent gives it up."""
        match message:
            case bridge.OutputTextDelta(delta=delta, voice=voice):
                self.has_output = self._is_streamed = True
                return [*_patch(voice), TextDelta(delta)]
            case bridge.OutputTextDone(text=text, voice=voice):
                rest = "" if self._is_streamed else text
                self.has_output, self._is_streamed = True, False
                return [*_patch(voice), *([TextDelta(rest)] if rest else [])]
            case bridge.ResponseDone():
                return [TextDone()]
            case bridge.ResponseCancel(reason=reason):
                raise AnswerError(
                    "agent_error", f"the agent gave its answer up: {reason or 'no reason given'}"
                )
            case bridge.AgentError(code=code, message=text):
                return [ScreenEvent({"type": "error", "code": code, "message": text})]
        return []


def _patch(voice: dict[str, object] | None) -> list[AgentEvent]:
    return [VoicePatch(voice)] if voice else []
