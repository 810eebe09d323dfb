"""From the onset of a person's speech to the last audio byte of the answer that it cuts.

    python -m benchmarks.barge_in [--times 30]

A long text is read aloud, and the person talks into it at different moments. The answer ends for
the person when ``speech_started`` arrives, at which a client stops its loudspeaker, or with the
last byte of it that arrives after that.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from benchmarks.services import start_services
from benchmarks.spoken import audible_span_ms, call_agent, describe, percentile, synthesise
from tests.emulator.caller import Caller

P95_GOAL_MS = 300
VOICES = ("heart-deep", "heart-bright")
INTERRUPTIONS = (
    "Wait a moment, please.",
    "Stop, I would like to book a table.",
    "What is the weather in Seattle?",
    "Excuse me, where are you?",
    "No, that is not what I asked.",
)

SESSION = {
    "turn_detection": {
        "type": "azure_semantic_vad",
        "auto_truncate": True,
        "create_response": False,
    }
}


async def measure(times: int) -> list[float]:
    interruptions = [synthesise(text, voice) for text in INTERRUPTIONS for voice in VOICES]
    delays_ms = []
    with tempfile.TemporaryDirectory() as directory:
        async with (
            start_services(Path(directory)) as url,
            call_agent(url, SESSION) as caller,
        ):
            for number in range(times):
                pcm = interruptions[number % len(interruptions)]
                delays_ms.append(await interrupt(caller, pcm, 0.4 + 0.1 * (number % 10)))
    return delays_ms


async def interrupt(caller: Caller, pcm: bytes, after_s: float) -> float:
    """Have a long answer spoken and talk into it; the delay in ms."""
    since = len(caller.happened)
    text = "This sentence is one of many that follow one another without an end. " * 8
    part = {"type": "text", "text": text}
    message = {"type": "message", "role": "assistant", "content": [part]}
    await caller.connection.response.create(response={"pre_generated_assistant_message": message})
    await caller.wait_for("response.audio.delta", since=since)
    await asyncio.sleep(after_s)
    began_ms = caller.now_ms()
    sent_ms = await caller.say(pcm)
    onset_ms = max(began_ms, sent_ms - len(pcm) / 48) + audible_span_ms(pcm)[0]
    started = await caller.wait_for("input_audio_buffer.speech_started", since=since)
    await caller.wait_for(
        "conversation.item.input_audio_transcription.completed", since=since, timeout_s=30
    )
    last_ms = max(
        (one.at_ms for one in caller.happened[since:] if one.type == "response.audio.delta"),
    )
    await asyncio.sleep(0.3)
    return max(last_ms, started.at_ms) - onset_ms


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=30)
    options = parser.parse_args()
    delays_ms = asyncio.run(measure(options.times))
    print("Barge-in: onset of speech to the end of the old answer, ms")
    print(f"{'as the client hears it':24} {describe(delays_ms)}")
    for number, voice in enumerate(VOICES):
        print(f"  {voice:22} {describe(delays_ms[number :: len(VOICES)])}")
    good = percentile(delays_ms, 95) <= P95_GOAL_MS
    print(f"Goal: p95 {P95_GOAL_MS}: {'met' if good else 'NOT met'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
