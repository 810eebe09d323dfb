"""From the end of a person's speech to the first audible sample of the answer.

    python -m benchmarks.voice_to_voice [--turns 36] [--silence 500]

Real processes, the demo agent, the default engines, the official SDK. The person's voices are
others than the agent's. Reported without the silence that ends a turn (``silence_duration_ms``).
"""

import argparse
import asyncio
import itertools
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx

from benchmarks.services import start_services
from benchmarks.spoken import (
    audible_span_ms,
    call_agent,
    describe,
    first_audible_ms,
    percentile,
    synthesise,
)
from tests.emulator.caller import Caller
from voicelive_agent.emulator.watch.marks import STAGES

VOICES = ("heart-deep", "heart-bright")
SENTENCES = (
    "What is the weather in Seattle?",
    "Can I bring my dog?",
    "What is the weather in Portland?",
    "Where are you?",
    "What is the weather in San Francisco?",
    "Do you have parking?",
)
"""Questions with short answers, so that many turns fit into a few minutes."""
MEDIAN_GOAL_MS = 90
P95_GOAL_MS = 160


async def measure(turns: int, silence_ms: int) -> tuple[list[float], list[dict[str, Any]]]:
    """The latencies as the client sees them, and the turns as the service tells of them."""
    said = [(sentence, synthesise(sentence, voice)) for voice in VOICES for sentence in SENTENCES]
    session = {"turn_detection": {"type": "server_vad", "silence_duration_ms": silence_ms}}
    latencies_ms = []
    with tempfile.TemporaryDirectory() as directory:
        async with (
            start_services(Path(directory)) as url,
            call_agent(url, session) as caller,
            httpx.AsyncClient(base_url=url) as http,
        ):
            for _, pcm in itertools.islice(itertools.cycle(said), turns):
                latencies_ms.append(await measure_turn(caller, pcm))
            created = await caller.wait_for("session.created")
            answer = await http.get(f"/sessions/{created.event.session.id}")
    return latencies_ms, answer.json()["turns"]


async def measure_turn(caller: Caller, pcm: bytes) -> float:
    since = len(caller.happened)
    sent_ms = await caller.say(pcm)
    speech_end_ms = sent_ms - (len(pcm) / 48 - audible_span_ms(pcm)[1])
    await caller.wait_for("response.done", since=since)
    audible_ms = first_audible_ms(
        [
            (one.at_ms, one.event.delta)
            for one in caller.happened[since:]
            if one.type == "response.audio.delta"
        ]
    )
    await caller.hear_out()
    await asyncio.sleep(0.3)
    return (audible_ms or float("nan")) - speech_end_ms


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=36)
    parser.add_argument("--silence", type=int, default=500, metavar="MS")
    options = parser.parse_args()
    latencies_ms, turns = asyncio.run(measure(options.turns, options.silence))
    without_ms = [latency_ms - options.silence for latency_ms in latencies_ms]
    print(f"Voice to voice without the {options.silence} ms of silence, ms; {os.cpu_count()} cores")
    print(f"{'as the client hears it':24} {describe(without_ms)}")
    for name, start, end in STAGES:
        stage_ms = [
            marks[end] - marks[start] - (options.silence if name == "end of turn" else 0)
            for marks in (turn["marks_ms"] for turn in turns)
            if None not in (marks[start], marks[end])
        ]
        print(f"  {name:22} {describe(stage_ms)}")
    good = (
        percentile(without_ms, 50) <= MEDIAN_GOAL_MS and percentile(without_ms, 95) <= P95_GOAL_MS
    )
    print(f"Goal: median {MEDIAN_GOAL_MS}, p95 {P95_GOAL_MS}: {'met' if good else 'NOT met'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
