"""A caller of the demo agent: speaks, clicks, interrupts, and keeps what the engine would keep."""

import datetime as dt
import json
from typing import Any

from examples.front_desk import FrontDesk
from voicelive_agent.agent import ClientEvent, EndCall, Output, PastTurn, Turn

NOW = dt.datetime(2026, 11, 18, 15, 0, tzinfo=dt.UTC)
"""A Wednesday afternoon."""
MILLER = "a table for four tomorrow at half past seven under the name Miller"


class Caller:
    def __init__(self, now: dt.datetime = NOW, session_id: str = "session") -> None:
        self.now = now
        self.session_id = session_id
        self.desk = FrontDesk(lambda: self.now)
        self.state: dict[str, Any] = {}
        self.history: list[PastTurn] = []
        self.outputs: list[Output] = []

    async def greet(self) -> str:
        return await self._take_turn(Turn("greeting"))

    async def say(self, text: str) -> str:
        return await self._take_turn(Turn("speech", text))

    async def click(self, action: dict[str, Any]) -> str:
        return await self._take_turn(Turn("action", action=action))

    async def press(self, label: str) -> str:
        """Click the last answer's button that bears ``label``."""
        return await self.click(self.buttons[label])

    def interrupt(self, heard: str) -> None:
        """The last answer was cut off after ``heard``."""
        last = self.history[-1]
        self.history[-1] = PastTurn(last.kind, last.text, last.action, heard, True, last.notes)

    @property
    def deltas(self) -> list[str]:
        return [output for output in self.outputs if isinstance(output, str)]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [output.payload for output in self.outputs if isinstance(output, ClientEvent)]

    @property
    def buttons(self) -> dict[str, dict[str, Any]]:
        events = [event for event in self.events if event["type"] == "ui.buttons"]
        return {button["label"]: button["action"] for one in events for button in one["buttons"]}

    @property
    def is_over(self) -> bool:
        return any(isinstance(output, EndCall) for output in self.outputs)

    @property
    def bookings(self) -> list[dict[str, Any]]:
        bookings: list[dict[str, Any]] = self.state["call"].get("bookings", [])
        return bookings

    async def _take_turn(self, turn: Turn) -> str:
        turn.state = json.loads(json.dumps(self.state))
        turn.history = tuple(self.history)
        turn.session_id = self.session_id
        self.outputs = [output async for output in self.desk.reply(turn)]
        self.state = turn.state
        reply = "".join(self.deltas)
        past = PastTurn(turn.kind, turn.text, turn.action, reply, False, turn.notes)
        self.history.append(past)
        return reply
