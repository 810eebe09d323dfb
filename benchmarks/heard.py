"""The agent's estimate of what a caller heard, beside what the session says was played.

    python -m benchmarks.heard [--times 48] [--callers 2]

An agent reads texts aloud: at once (its stream has ended before it is interrupted), as fast as a
model writes, and slower than speech (it still streams). Callers talk into it at random moments.
The estimate is ``heard`` in the agent's store (``engine.heard``), and all of ``reply`` without it;
the truth is the session's own item. Reported: the difference in words, and how long the agent's
HTTP stream outlives ``speech_started`` where that cuts it.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.agents import PACES, READINGS
from benchmarks.services import start_services
from benchmarks.spoken import call_agent, percentile, synthesise
from benchmarks.spoken import describe as describe_ms
from tests.emulator.caller import Caller
from voicelive_agent.server.conversations.location import open_store

MEDIAN_GOAL_WORDS = 3
STREAM_GOAL_MS = 50
VOICES = ("heart-deep", "heart-bright")
INTERRUPTIONS = ("Stop please.", "What is the weather in Seattle?", "Thank you, that is enough.")
EARLIEST_S, LATEST_S = 1.0, 14.0
SESSION = {
    "turn_detection": {"type": "server_vad", "silence_duration_ms": 500, "auto_truncate": True}
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One interruption: what is read, how, and who says what into it when."""

    number: int
    text: int
    pace: str
    pcm: bytes
    after_s: float


@dataclass(frozen=True, slots=True)
class Played:
    """What the session says of a reading, and when the client learned that speech started."""

    text: str
    started_at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Interruption:
    pace: str
    reason: str
    """How the agent's turn ended: ``disconnected`` where it was still streaming."""
    played_words: int
    estimated_words: int
    outlived_ms: float
    """From ``speech_started`` to the end of the agent's turn; below 0 where that ended before."""

    @property
    def error_words(self) -> int:
        return self.estimated_words - self.played_words


def plan_interruptions(times: int, seed: int) -> list[Plan]:
    """As many of each pace, in an order that a seed gives."""
    choice = random.Random(seed)
    said = [synthesise(text, voice) for text in INTERRUPTIONS for voice in VOICES]
    return [
        Plan(
            number,
            choice.randrange(len(READINGS)),
            list(PACES)[number % len(PACES)],
            choice.choice(said),
            choice.uniform(EARLIEST_S, LATEST_S),
        )
        for number in range(times)
    ]


async def measure(times: int, callers: int, seed: int = 1) -> list[Interruption]:
    """Interrupt so many times, by callers that call at the same time."""
    plans = plan_interruptions(times, seed)
    with tempfile.TemporaryDirectory() as directory:
        database = f"sqlite://{directory}/conversations.sqlite3"
        environment = {
            "VOICELIVE_AGENT": "benchmarks.agents:read_aloud",
            "VOICELIVE_CONVERSATIONS": database,
        }
        async with start_services(Path(directory), record=False, environment=environment) as url:
            calls = await asyncio.gather(
                *(hold_call(url, plans[at::callers]) for at in range(callers))
            )
        played = dict(pair for call in calls for pair in call)
        return await compare(database, plans, played)


async def hold_call(url: str, plans: list[Plan]) -> list[tuple[int, Played]]:
    """What was played of each answer, by its number."""
    async with call_agent(url, SESSION) as caller:
        return [(plan.number, await interrupt(caller, plan)) for plan in plans]


async def interrupt(caller: Caller, plan: Plan) -> Played:
    """Have a text read and talk into it."""
    since = len(caller.happened)
    action = {"action": "read", "number": plan.number, "text": plan.text, "pace": plan.pace}
    await caller.connection.response.create(response={"invoke_input": action})
    first = await caller.wait_for("response.audio.delta", since=since)
    await asyncio.sleep(plan.after_s)
    talking = len(caller.happened)
    await caller.say(plan.pcm)
    started = await caller.wait_for("input_audio_buffer.speech_started", since=talking)
    started_at = time.time() - (caller.now_ms() - started.at_ms) / 1000
    truncated = await caller.wait_for("conversation.item.truncated", since=talking)
    if truncated.event.item_id != first.event.item_id:
        raise RuntimeError("another item than the one that was read was cut")
    asked = len(caller.happened)
    await caller.connection.conversation.item.retrieve(item_id=truncated.event.item_id)
    retrieved = await caller.wait_for("conversation.item.retrieved", since=asked)
    heard = await caller.wait_for(
        "conversation.item.input_audio_transcription.completed", since=talking, timeout_s=60
    )
    if heard.event.transcript:
        created = await caller.wait_for("response.created", since=talking)
        await caller.wait_for("response.done", since=caller.happened.index(created))
    await caller.hear_out()
    await asyncio.sleep(0.3)
    return Played(str(retrieved.event.item["content"][0]["transcript"]), started_at)


async def compare(
    database: str, plans: list[Plan], played: dict[int, Played]
) -> list[Interruption]:
    """What the agent's store says of the readings, beside what was played."""
    store = open_store(database)
    await store.open(lambda key, invocation_id, reason: None)
    try:
        turns = [turn async for turn in store.export()]
    finally:
        await store.close()
    readings = {turn["action"]["number"]: turn for turn in turns if turn["action"] is not None}
    return [
        Interruption(
            plan.pace,
            readings[plan.number]["reason"],
            len(played[plan.number].text.split()),
            len(estimated_text(readings[plan.number]).split()),
            1000 * (readings[plan.number]["ended_at"] - played[plan.number].started_at),
        )
        for plan in plans
    ]


def estimated_text(turn: dict[str, Any]) -> str:
    """What the agent takes for heard."""
    return str(turn["reply"] if turn["heard"] is None else turn["heard"])


def describe(name: str, found: list[Interruption]) -> str:
    errors = [abs(one.error_words) for one in found]
    bias = sum(one.error_words for one in found) / len(found)
    return (
        f"{name:34} median {percentile(errors, 50):3.0f}   p95 {percentile(errors, 95):3.0f}   "
        f"max {max(errors):3}   bias {bias:+5.1f}   n {len(found)}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=48, help="default: %(default)s")
    parser.add_argument("--callers", type=int, default=2, help="at once; default: %(default)s")
    parser.add_argument("--verbose", action="store_true", help="print each interruption")
    options = parser.parse_args()
    found = asyncio.run(measure(options.times, options.callers))
    if options.verbose:
        for one in found:
            print(f"{one.pace:20}{one.reason:14}{one.played_words:4}{one.estimated_words:4}")
    print(f"Words between estimated and played; load {os.getloadavg()[0]:.1f}")
    for pace in PACES:
        of_pace = [one for one in found if one.pace == pace]
        for reason in sorted({one.reason for one in of_pace}):
            print(describe(f"{pace}, {reason}", [one for one in of_pace if one.reason == reason]))
    print(describe("all", found))
    cut = [one.outlived_ms for one in found if one.reason == "disconnected"]
    if cut:
        print(f"Stream outlives speech_started by ms: {describe_ms(cut)}; goal {STREAM_GOAL_MS}")
    good = percentile([abs(one.error_words) for one in found], 50) <= MEDIAN_GOAL_WORDS
    print(f"Goal: median {MEDIAN_GOAL_WORDS}: {'met' if good else 'NOT met'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
