"""Clients of every kind: those that send anything, read slowly, come back, or are gone."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.emulator.conversing import AGENT, loud, open_client, open_desk, quiet
from voicelive_agent.emulator.agents import AgentEvent, AgentRequest, AnswerFinished, TextDelta


@pytest.mark.parametrize(
    "frame",
    [
        "not json",
        "[]",
        "42",
        "null",
        '"hello"',
        "{}",
        '{"type": 7}',
        '{"type": "no.such.event"}',
        '{"type": "input_audio_buffer.append"}',
        '{"type": "input_audio_buffer.append", "audio": "@@@"}',
        '{"type": "session.update", "session": []}',
        "",
        b"\xff\xfe\x00",
        "[" * 5000,
    ],
)
async def test_garbage_is_answered_and_the_session_lives(frame: str | bytes) -> None:
    async with open_desk() as desk, open_client(desk) as client:
        await client.socket.send(frame)
        error = await client.receive("error")
        assert error["error"]["message"]
        assert error["error"]["type"] == "invalid_request_error"
        await client.say_text("hello")
        assert (await client.receive("response.done"))["response"]["status"] == "completed"


async def test_binary_frames_and_double_encoded_json_are_understood() -> None:
    event = json.dumps({"type": "session.update", "session": {"instructions": "x"}})
    async with open_desk() as desk, open_client(desk, "model=local") as client:
        await client.socket.send(json.dumps(event))
        await client.receive("session.updated")
        await client.socket.send(event.encode())
        await client.receive("session.updated")


async def test_one_append_may_carry_21_mb_of_text() -> None:
    async with open_desk() as desk, open_client(desk) as client:
        await client.send("session.update", session={"turn_detection": None})
        await client.receive("session.updated")
        pcm = bytes(21 * 1024 * 1024 // 4 * 3)
        await client.append(pcm)
        await client.send("input_audio_buffer.commit")
        await client.receive("input_audio_buffer.committed", timeout_s=60)
        await client.receive("conversation.item.input_audio_transcription.completed", 60)
        heard = desk.stt.recognizers[0].utterances[0].audio
        assert abs(len(heard) / 32 - len(pcm) / 48) < 50


async def test_a_larger_frame_than_that_ends_only_its_own_session() -> None:
    async with open_desk() as desk, open_client(desk) as other:
        async with open_client(desk) as client:
            with pytest.raises(ConnectionClosed):
                await client.socket.send("x" * 40_000_000)
                await client.receive("error")
        await other.say_text("hello")
        await other.receive("response.done")


async def test_a_slow_reader_is_held_back_alone() -> None:
    async def talk_on(request: AgentRequest) -> AsyncIterator[AgentEvent]:
        for number in range(150):
            yield TextDelta(f"This is sentence number {number} of many. ")
        yield AnswerFinished()

    async with open_desk() as desk, open_client(desk, max_queue=1, close_timeout=0.1) as slow:
        desk.agent.answer = talk_on
        await slow.say_text("go")
        async with open_client(desk) as other:
            for _ in range(20):
                began_s = time.monotonic()
                await other.send("conversation.item.retrieve", item_id="none")
                await other.receive("error")
                assert time.monotonic() - began_s < 2
        # Once the buffers of both sockets are full, speaking stands still.
        async with asyncio.timeout(30):
            spoken = -1
            while spoken != len(desk.tts.spoken):
                spoken = len(desk.tts.spoken)
                await asyncio.sleep(0.3)
        assert spoken < 100
        # And nothing is lost when it reads on.
        done = await slow.receive("response.done", 60)
        assert done["response"]["status"] == "completed"
        assert len(desk.tts.spoken) == 150
        sound = sum(
            len(base64.b64decode(event["delta"]))
            for event in slow.events
            if event["type"] == "response.audio.delta"
        )
        assert abs(sound / 48 - 150 * 7 * 200) < 150 * 5


async def test_a_client_that_goes_in_mid_sentence_leaves_nothing_running() -> None:
    async def talk_on(request: AgentRequest) -> AsyncIterator[AgentEvent]:
        yield TextDelta("A sentence without an end, ")
        await asyncio.Event().wait()

    async with open_desk() as desk:
        desk.agent.answer = talk_on
        async with open_client(desk) as client:
            await client.say_text("go")
            await client.receive("response.audio.delta")
            await client.append(loud(500))
            await client.receive("input_audio_buffer.speech_started")
            client.socket.transport.abort()
        async with asyncio.timeout(5):
            while not desk.stt.recognizers[0].closed:
                await asyncio.sleep(0.01)
        assert desk.agent.answering == 0
        assert desk.tts.speaking == 0
        assert all(utterance.discarded for utterance in desk.stt.recognizers[0].utterances)
        assert desk.agent.sessions[0].closed


async def test_a_session_ends_at_its_limit() -> None:
    async with open_desk(session_minutes=0.02) as desk, open_client(desk) as client:
        error = await client.receive("error")
        assert error["error"]["code"] == "session_expired"
        with pytest.raises(ConnectionClosed) as closed:
            await client.socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001


async def test_an_hour_of_talk_in_a_second_is_no_hour() -> None:
    """The limit was counted in audio, so ``expires_at`` was untrue for a client with files."""
    async with open_desk(session_minutes=1) as desk, open_client(desk) as client:
        await client.append(quiet(70_000) + loud(600) + quiet(1000))
        stopped = await client.receive("input_audio_buffer.speech_stopped", 50)
        assert stopped["audio_end_ms"] > 70_000
        await client.receive("response.done")
        assert "error" not in client.types()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("agent-name=nobody&agent-project-name=any", "agent_not_found"),
        ("agent-name=desk", "missing_agent"),
        ("", "missing_agent"),
    ],
)
async def test_who_asks_for_nobody_is_told_so(query: str, code: str) -> None:
    async with open_desk() as desk:
        url = desk.url.replace("http", "ws", 1) + f"/voice-live/realtime?{query}"
        async with connect(url) as socket:
            error = json.loads(await socket.recv())
            assert (error["type"], error["error"]["code"]) == ("error", code)
            with pytest.raises(ConnectionClosed):
                await socket.recv()


@pytest.mark.slow
async def test_a_client_that_never_reads_its_close_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such a session would have stayed for ever: its close waited behind what nobody read."""

    async def talk_on(request: AgentRequest) -> AsyncIterator[AgentEvent]:
        for _ in range(300):
            yield TextDelta("All of this is said to somebody who does not listen. ")
        yield AnswerFinished()

    monkeypatch.setattr("voicelive_agent.emulator.shell.connection.CLOSE_TIMEOUT_S", 0.2)
    async with (
        open_desk(session_minutes=0.05) as desk,
        open_client(desk, max_queue=1, close_timeout=0.1) as client,
    ):
        desk.agent.answer = talk_on
        await client.say_text("go")
        async with asyncio.timeout(20):
            while not desk.stt.recognizers[0].closed:
                await asyncio.sleep(0.05)


async def test_a_client_that_comes_back_goes_on_with_its_conversation() -> None:
    """Clients resume by the thread that they were told, after a drop or at the session's limit."""
    async with open_desk() as desk:
        async with open_client(desk) as client:
            thread_id = client.events[0]["session"]["agent"]["thread_id"]
        async with open_client(desk, f"{AGENT}&conversation-id={thread_id}") as client:
            assert client.events[0]["session"]["agent"]["thread_id"] == thread_id
        async with open_client(desk) as client:
            assert client.events[0]["session"]["agent"]["thread_id"] != thread_id
        resumed = [session.conversation_id == thread_id for session in desk.agent.sessions]
    assert resumed == [True, True, False]


async def test_an_agent_that_writes_without_end_waits_for_a_slow_reader() -> None:
    """Its text piled up in memory while the client read nothing."""
    written = 0

    async def write_on(request: AgentRequest) -> AsyncIterator[AgentEvent]:
        nonlocal written
        while True:
            written += 1
            yield TextDelta("x" * 1000)

    async with open_desk() as desk, open_client(desk, max_queue=1, close_timeout=0.1) as slow:
        desk.agent.answer = write_on
        await slow.send("session.update", session={"modalities": ["text"]})
        await slow.send("response.create")
        async with asyncio.timeout(30):
            before = -1
            while written == 0 or written != before:
                before = written
                await asyncio.sleep(0.3)
