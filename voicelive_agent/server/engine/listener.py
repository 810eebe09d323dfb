"""Listener of a running turn: the events that one caller is sent, from the turn's beginning."""

from collections.abc import AsyncGenerator
from typing import Protocol

from voicelive_agent.server.conversations import TurnRecord
from voicelive_agent.server.engine.events import EngineEvent, SpeechDone
from voicelive_agent.server.engine.latch import Latch
from voicelive_agent.server.engine.outbox import Delivery, Reader


class FollowedTurn(Protocol):
    """What a listener needs of its turn."""

    settled: Latch
    delivery: Delivery

    def end_delivery(self) -> None: ...
    def lose_listener(self) -> None: ...
    def last_events(self) -> list[EngineEvent]: ...
    def snapshot(self) -> TurnRecord: ...


class Listener:
    """One of those who follow a turn. ``leave`` says that its peer has gone."""

    def __init__(self, turn: FollowedTurn, reader: Reader[EngineEvent]) -> None:
        self._turn = turn
        self._reader = reader
        self._present = True

    @property
    def record(self) -> TurnRecord:
        """The turn as it stands now."""
        return self._turn.snapshot()

    async def events(
        self, heartbeat_seconds: float | None = None
    ) -> AsyncGenerator[list[EngineEvent], None]:
        """What to send, in batches; an empty batch after each ``heartbeat_seconds`` of quiet.

        Ends with SpeechDone and Finished. A consumer that stops early (its peer has gone) closes
        the generator: what was taken before the last batch counts as delivered.
        """
        turn, reader = self._turn, self._reader
        try:
            spoken = False
            while not spoken:
                batch = await reader.take(heartbeat_seconds) or []
                turn.delivery.take(batch, reader.position)
                if spoken := reader.exhausted:
                    batch.append(SpeechDone(turn.delivery.text))
                yield batch
                turn.delivery.confirm(reader.position)
            turn.end_delivery()
            while not await turn.settled.wait(heartbeat_seconds):
                yield []
            yield turn.last_events()
        finally:
            self.leave()

    def leave(self) -> None:
        """The peer has gone, also before any of the events were asked for; or it has them all."""
        if self._present:
            self._present = False
            self._reader.close()
            self._turn.lose_listener()
