"""Replays: recordings that are played again to the agent that runs now, and what that changed."""

import asyncio
import contextlib
import ssl
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import InvalidHandshake

from voicelive_agent.emulator.settings import Settings
from voicelive_agent.emulator.watch.feed import Feed
from voicelive_agent.emulator.watch.replay import Events, replay
from voicelive_agent.emulator.watch.replay_changes import describe_changes
from voicelive_agent.wire.voice_live.frames import new_id

MOST_RUNNING = 4
_KEPT = 50


class TooManyReplays(Exception):
    """So many run already; the message says what to do."""


@dataclass(slots=True)
class Replay:
    """One of them, while it runs and after."""

    recording: str
    recorded: Events
    running: Events = field(default_factory=Events)
    id: str = field(default_factory=lambda: new_id("replay"))
    state: str = "running"
    error: str | None = None
    result: dict[str, Any] | None = None

    def describe(self) -> dict[str, Any]:
        sessions = (
            event["session"]["id"]
            for _, event in self.running.server_events()
            if event.get("type") == "session.created"
        )
        return {
            "id": self.id,
            "recording": self.recording,
            "session_id": next(sessions, None),
            "state": self.state,
            "error": self.error,
            "result": self.result,
        }


class Replays:
    """Those of one emulator, which calls itself for each; ``feed`` is told when one ends."""

    def __init__(self, settings: Settings, feed: Feed) -> None:
        self._key = settings.api_key.get_secret_value() if settings.api_key else "local"
        self._feed = feed
        self._kept: OrderedDict[str, Replay] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(
        self, recording: str, recorded: Events, endpoint: str, *, speed: float, quiet_s: float
    ) -> Replay:
        """``endpoint`` is where this emulator listens. Raises TooManyReplays."""
        if len(self._tasks) >= MOST_RUNNING:
            raise TooManyReplays(
                f"{MOST_RUNNING} replays run already: wait until one has ended (GET /replays/ID)"
            )
        one = Replay(recording, recorded)
        self._kept[one.id] = one
        ended = [kept.id for kept in self._kept.values() if kept.state != "running"]
        for old in ended[: max(0, len(self._kept) - _KEPT)]:
            del self._kept[old]
        task = asyncio.create_task(self._run(one, endpoint, speed, quiet_s), name=one.id)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return one

    def find(self, replay_id: str) -> Replay | None:
        return self._kept.get(replay_id)

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, one: Replay, endpoint: str, speed: float, quiet_s: float) -> None:
        try:
            await replay(
                one.recorded,
                endpoint,
                api_key=self._key,
                quiet_s=quiet_s,
                speed=speed,
                running=one.running,
                tls=_trust_itself() if endpoint.startswith("https") else None,
            )
            one.result = await asyncio.to_thread(describe_changes, one.recorded, one.running)
            one.state = "finished"
        except (OSError, InvalidHandshake) as error:
            one.state, one.error = "failed", f"the emulator did not take the session: {error}"
        finally:
            if one.state == "running":
                one.state, one.error = "failed", "the replay was broken off"
            with contextlib.suppress(RuntimeError):
                self._feed.add("replay", one.describe())


def _trust_itself() -> ssl.SSLContext:
    """For the address that this very process listens at, whatever name its certificate has."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
