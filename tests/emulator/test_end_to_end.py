"""A person talks to the demo agent: real processes, real sound both ways, the official SDK."""

import asyncio
import contextlib
import json
import re
import urllib.request
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from azure.ai.voicelive.aio import connect
from azure.ai.voicelive.models import (
    InputTextContentPart,
    RequestSession,
    ServerVad,
    UserMessageItem,
)
from azure.core.credentials import AzureKeyCredential

from tests.emulator.caller import Caller, Happened
from tests.emulator.service import Service, front_desk, say, silence

pytestmark = [pytest.mark.slow, pytest.mark.component, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with front_desk() as service:
        yield service
        assert service.stop() == 0


@contextlib.asynccontextmanager
async def call(service: Service, **options: Any) -> AsyncIterator[Caller]:
    """A caller in a session with the demo agent."""
    wish = options or {"agent_name": "demo", "project_name": "any"}
    async with (
        connect(endpoint=service.url, credential=AzureKeyCredential("local"), **wish) as connection,
        Caller(connection) as caller,
    ):
        await caller.wait_for("session.created")
        yield caller


async def configure(caller: Caller, **session: Any) -> Any:
    since = len(caller.happened)
    await caller.connection.session.update(session=RequestSession(**session))
    return (await caller.wait_for("session.updated", since=since)).event.session


async def speak(caller: Caller, text: str) -> tuple[str, str, str]:
    """Say something: what was heard, what was answered, and how the response ended."""
    since = len(caller.happened)
    await caller.say(say(text))
    heard = await caller.wait_for(
        "conversation.item.input_audio_transcription.completed", since=since
    )
    answer = await finish(caller, since)
    return heard.event.transcript, *answer


async def finish(caller: Caller, since: int) -> tuple[str, str]:
    done = await caller.wait_for("response.done", since=since)
    response = done.event.response
    said = [
        part["transcript"] if "transcript" in part else part["text"]
        for item in response.output
        for part in item.get("content") or []
    ]
    # A member of an enumeration with the wire's text as its value.
    return " ".join(said), getattr(response.status, "value", response.status)


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z']+", text.lower()))


def show(service: Service, path: str) -> Any:
    with urllib.request.urlopen(service.url + path, timeout=10) as answer:
        return json.load(answer)


async def test_six_spoken_turns(service: Service) -> None:
    questions = [
        ("What are your opening hours?", {"tuesday", "sunday"}),
        ("What is the weather in Seattle?", {"seattle"}),
        ("What is the weather in Portland?", {"portland"}),
        ("Are you open today?", {"open"}),
        ("What is the weather in San Francisco?", {"francisco"}),
        ("What is the weather in Vancouver?", {"vancouver"}),
    ]
    # Spoken beforehand: synthesis would hold up the audio of the call.
    for question, _ in questions:
        say(question)
    async with call(service) as caller:
        session = await configure(
            caller, turn_detection=ServerVad(silence_duration_ms=500), modalities=["text", "audio"]
        )
        session_id = session.id
        for question, expected in questions:
            heard, answer, status = await speak(caller, question)
            assert status == "completed"
            assert len(words(heard) & words(question)) >= len(words(question)) / 2, heard
            assert expected <= words(answer), (heard, answer)
            await caller.hear_out()
        sound = sum(
            len(one.event.delta) for one in caller.happened if one.type == "response.audio.delta"
        )
        assert sound / 48_000 > 10, "seconds of speech"
        # Of audio, not of time: on a busy machine it is sent, and arrives, in bursts.
        for one in caller.happened:
            if one.type == "input_audio_buffer.speech_stopped":
                assert 450 <= one.sent_ms - one.event.audio_end_ms < 2000

    turns = show(service, f"/sessions/{session_id}")["turns"]
    assert [turn["status"] for turn in turns] == ["completed"] * 6
    for turn in turns:
        marks = turn["marks_ms"]
        order = ["speech_end", "end_of_turn", "transcript", "post", "first_delta"]
        order += ["first_clause", "first_audio_byte", "end"]
        times = [marks[name] for name in order]
        assert times == sorted(times), marks
        assert turn["voice_to_voice_ms"] > 0


async def test_a_click_a_greeting_and_a_text(service: Service) -> None:
    async with call(service) as caller:
        caller.mute()
        connection = caller.connection
        await connection.response.create()
        greeting, status = await finish(caller, 0)
        assert (status, bool(greeting)) == ("completed", True)

        since = len(caller.happened)
        await connection.response.create(
            response={"invoke_input": {"action": "ask", "topic": "hours"}}
        )
        answer, status = await finish(caller, since)
        assert status == "completed"
        assert answer

        since = len(caller.happened)
        await connection.conversation.item.create(
            item=UserMessageItem(content=[InputTextContentPart(text="the weather in Seattle")])
        )
        await connection.response.create(response={"modalities": ["text"]})
        answer, status = await finish(caller, since)
        assert "seattle" in words(answer)
        assert "response.text.done" in caller.types(since)
        assert "response.audio.delta" not in caller.types(since)
        assert "response.invocation.delta" in caller.types(since)


async def test_a_barge_in_leaves_what_was_played(service: Service) -> None:
    async with call(service) as caller:
        await configure(
            caller,
            turn_detection={
                "type": "azure_semantic_vad",
                "silence_duration_ms": 500,
                "auto_truncate": True,
            },
        )
        since = len(caller.happened)
        await caller.connection.response.create(
            response={
                "pre_generated_assistant_message": {
                    "type": "message",
                    "role": "assistant",
                    "content": [
                        {
                            "type": "text",
                            "text": "One apple, two bananas, three cherries, four dates, five "
                            "elderberries, six figs, seven grapes, eight hazelnuts, nine lemons, "
                            "ten mangoes, eleven nectarines and twelve oranges.",
                        }
                    ],
                }
            }
        )
        first = await caller.wait_for("response.audio.delta", since=since)
        await asyncio.sleep(2)
        onset_ms = caller.now_ms()
        talking = asyncio.create_task(caller.say(say("What is the weather in Seattle?")))
        started = await caller.wait_for("input_audio_buffer.speech_started", since=since)
        truncated = await caller.wait_for("conversation.item.truncated", since=since)
        played_ms = started.at_ms - first.at_ms
        assert abs(truncated.event.audio_end_ms - played_ms) < 300
        assert started.at_ms - onset_ms < 1500
        await talking

        asked = len(caller.happened)
        await caller.connection.conversation.item.retrieve(item_id=truncated.event.item_id)
        item = (await caller.wait_for("conversation.item.retrieved", since=asked)).event.item
        kept = item["content"][0]["transcript"]
        assert "two bananas" in kept
        assert "twelve oranges" not in kept

        answered = await caller.wait_for(
            "response.done", since=since, where=lambda event: "Seattle" in said_in(event)
        )
        assert answered.event.response.status == "completed"
        late = [
            one
            for one in caller.happened[caller.happened.index(truncated) :]
            if one.type == "response.audio.delta" and one.event.item_id == truncated.event.item_id
        ]
        assert late == []


def said_in(event: Any) -> str:
    return json.dumps(event.as_dict() if hasattr(event, "as_dict") else dict(event))


async def test_a_manual_turn_waits_for_the_client(service: Service) -> None:
    async with call(service) as caller:
        caller.mute()
        session = await configure(caller, turn_detection=None)
        assert session.turn_detection is None
        since = len(caller.happened)
        await caller.connection.input_audio_buffer.append(
            audio=say("What are your opening hours?") + silence(300)
        )
        await caller.connection.input_audio_buffer.commit()
        completed = await caller.wait_for(
            "conversation.item.input_audio_transcription.completed", since=since
        )
        assert {"opening", "hours"} & words(completed.event.transcript)
        await asyncio.sleep(1)
        assert "response.created" not in caller.types(since)
        assert not any("speech_st" in one for one in caller.types(since))
        await caller.connection.response.create()
        answer, status = await finish(caller, since)
        assert status == "completed"
        assert "sunday" in words(answer)


async def test_a_whole_file_faster_than_real_time(service: Service) -> None:
    """Clients append a WAV file in one frame, header included, and then zero bytes."""
    async with call(service) as caller:
        caller.mute()
        pcm = say("What is the weather in Seattle?")
        header = b"RIFF" + (36 + len(pcm)).to_bytes(4, "little") + b"WAVEfmt "
        header += (16).to_bytes(4, "little") + (1).to_bytes(2, "little") + (1).to_bytes(2, "little")
        header += (24_000).to_bytes(4, "little") + (48_000).to_bytes(4, "little")
        header += (2).to_bytes(2, "little") + (16).to_bytes(2, "little")
        header += b"data" + len(pcm).to_bytes(4, "little")
        since = len(caller.happened)
        await caller.connection.input_audio_buffer.append(audio=header + pcm)
        await caller.connection.input_audio_buffer.append(audio=silence(1500) + b"\0")
        answer, status = await finish(caller, since)
        assert status == "completed"
        assert "seattle" in words(answer)
        stopped = await caller.wait_for("input_audio_buffer.speech_stopped", since=since)
        assert abs(stopped.event.audio_end_ms - len(pcm) / 48) < 250


async def test_a_function_call_in_model_mode(service: Service) -> None:
    async with call(service, model="local") as caller:
        caller.mute()
        await configure(
            caller,
            tools=[
                {
                    "type": "function",
                    "name": "get_weather",
                    "description": "Get current weather",
                    "parameters": {
                        "type": "object",
                        "properties": {"location": {"type": "string"}},
                        "required": ["location"],
                    },
                }
            ],
        )
        connection = caller.connection
        since = len(caller.happened)
        await connection.conversation.item.create(
            item=UserMessageItem(
                content=[InputTextContentPart(text="What is the weather in Seattle?")]
            )
        )
        await connection.response.create()
        called: Happened = await caller.wait_for(
            "response.function_call_arguments.done", since=since
        )
        assert called.event.name == "get_weather"
        assert isinstance(json.loads(called.event.arguments), dict)
        await caller.wait_for("response.done", since=since)
        since = len(caller.happened)
        await connection.send(
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "function_call_output",
                    "call_id": called.event.call_id,
                    "output": json.dumps({"temperature": 52}),
                },
            }
        )
        await connection.response.create()
        answer, status = await finish(caller, since)
        assert status == "completed"
        assert answer


async def test_speech_is_a_sentence_and_a_place_in_it_the_argument_of_a_call(
    service: Service,
) -> None:
    """The official SDK's own tests compare a transcript with its capital and question mark, and
    arguments as text: '{"location": "Beijing"}' was not '{"location":"Beijing"}'.
    """
    location = {"type": "object", "properties": {"location": {"type": "string"}}}
    weather = {"type": "function", "name": "get_weather", "parameters": location}
    clock = {"type": "function", "name": "get_time", "parameters": location}
    async with call(service, model="local") as caller:
        await configure(
            caller,
            tools=[weather, clock],
            turn_detection=ServerVad(prefix_padding_ms=300, silence_duration_ms=200),
        )
        heard, _, status = await speak(caller, "What's the largest lake in the world?")
        assert (heard, status) == ("What's the largest lake in the world?", "completed")
        await caller.hear_out()

        since = len(caller.happened)
        await caller.say(say("What is the weather in Beijing?"))
        called = await caller.wait_for("response.function_call_arguments.done", since=since)
        assert (called.event.name, called.event.arguments) == (
            "get_weather",
            '{"location":"Beijing"}',
        )
        await finish(caller, since)
        since = len(caller.happened)
        result = json.dumps({"location": "Beijing", "weather": "sunny", "temp_c": 25})
        output = {"type": "function_call_output", "call_id": called.event.call_id, "output": result}
        await caller.connection.send({"type": "conversation.item.create", "item": output})
        await caller.connection.response.create()
        answer, _ = await finish(caller, since)
        assert "sunny" in answer
        assert "25" in answer


async def test_two_sessions_side_by_side(service: Service) -> None:
    async with call(service) as one, call(service) as other:
        both = await asyncio.gather(
            speak(one, "What is the weather in Seattle?"),
            speak(other, "What is the weather in Portland?"),
        )
    assert "seattle" in words(both[0][1])
    assert "portland" in words(both[1][1])
