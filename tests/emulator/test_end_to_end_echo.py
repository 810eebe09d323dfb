"""A loudspeaker that the microphone hears: the answer's own echo must not interrupt it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from azure.ai.voicelive.aio import connect
from azure.core.credentials import AzureKeyCredential

from tests.emulator.caller import FRAME_MS, Caller
from tests.emulator.service import Service, emulator, say
from voicelive_agent.emulator.vad.echo_cancellation import EchoReference

pytestmark = [pytest.mark.slow, pytest.mark.component, pytest.mark.timeout(300)]

RATE_HZ = 16_000
ECHO_DELAY_MS = 80
ECHO_GAIN = 0.4
STALL_MS = 60
ATTEMPTS = 4
TEXT = (
    "Our restaurant lies on the waterfront, with a terrace that looks over the bay. "
    "In summer we grill outside, and in winter there is a fire in every room. "
    "Ask us about the menu of the day, or about a table for tonight."
)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with emulator() as service:
        yield service


@dataclass
class Machine:
    """Whether it kept up: a loudspeaker and a microphone share one clock, which never stalls."""

    stalled: bool = False


@contextlib.asynccontextmanager
async def call_by_loudspeaker(
    service: Service, machine: Machine, **session: Any
) -> AsyncIterator[Caller]:
    """A caller whose microphone picks up what the loudspeaker plays."""
    async with connect(
        endpoint=service.url, credential=AzureKeyCredential("local"), model="local"
    ) as connection:
        caller = Caller(connection, RATE_HZ)
        played = EchoReference()
        played_to_ms = [0.0]

        def play(event: Any) -> None:
            if event.type == "response.audio.delta":
                machine.stalled |= 0 < played_to_ms[-1] < caller.now_ms()
                played_to_ms.append(caller.played_until_ms)
                played.play(caller.now_ms(), event.delta)
            elif event.type == "input_audio_buffer.speech_started":
                played.stop(caller.now_ms())

        def echo(at_ms: float, size_bytes: int) -> bytes:
            machine.stalled |= caller.now_ms() - at_ms > FRAME_MS + STALL_MS
            samples = np.frombuffer(played.take(at_ms - ECHO_DELAY_MS, size_bytes), "<i2")
            return (samples * ECHO_GAIN).astype("<i2").tobytes()

        caller.on_event = play
        caller.surroundings = echo
        caller.mute()
        async with caller:
            await caller.wait_for("session.created")
            await connection.session.update(
                session={
                    "input_audio_sampling_rate": RATE_HZ,
                    "output_audio_format": "pcm16_16000hz",
                    "turn_detection": {"type": "server_vad", "create_response": False},
                    **session,
                }
            )
            await caller.wait_for("session.updated")
            caller.mute(False)
            yield caller


async def read_aloud(caller: Caller) -> list[str]:
    """Have ``TEXT`` spoken to its end; the types of what happened meanwhile."""
    since = len(caller.happened)
    part = {"type": "text", "text": TEXT}
    message = {"type": "message", "role": "assistant", "content": [part]}
    await caller.connection.response.create(response={"pre_generated_assistant_message": message})
    await caller.wait_for("response.done", since=since)
    await asyncio.sleep(0.1)
    await caller.hear_out()
    await asyncio.sleep(0.5)
    return caller.types(since)


async def test_without_cancellation_the_answer_interrupts_itself(service: Service) -> None:
    async with call_by_loudspeaker(service, Machine()) as caller:
        assert "input_audio_buffer.speech_started" in await read_aloud(caller)


async def test_with_cancellation_it_is_heard_to_its_end_and_the_person_after_it(
    service: Service,
) -> None:
    """What was played before the canceller had loaded was unknown to it, so the first answer of a
    service interrupted itself.

    An echo whose delay jumps is no echo: a call in which the machine stalled is held again.
    """
    echo = {"type": "server_echo_cancellation"}
    for _ in range(ATTEMPTS):
        machine = Machine()
        async with call_by_loudspeaker(
            service, machine, input_audio_echo_cancellation=echo
        ) as caller:
            happened = await read_aloud(caller)
            assert "warning" not in happened
            interrupted = "input_audio_buffer.speech_started" in happened
            if interrupted and machine.stalled:
                continue
            assert not interrupted
            since = len(caller.happened)
            await caller.say(say("What is the weather in Seattle?", rate_hz=RATE_HZ))
            heard = await caller.wait_for(
                "conversation.item.input_audio_transcription.completed", since=since
            )
            assert "weather" in heard.event.transcript.lower()
            return
    pytest.fail(f"the machine stalled in each of {ATTEMPTS} calls")
