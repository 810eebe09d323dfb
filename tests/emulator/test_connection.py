import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from emulator.thinking import Finished, Request, TextDelta, ThinkingError, Thought
from tests.emulator.conversing import AGENT, Client, loud, open_client, open_desk, quiet
from tests.emulator.fakes import FakeUtterance


async def speak(client: Client, ms: int = 600) -> None:
    """A spoken turn, faster than real time."""
    await client.append(quiet(200) + loud(ms) + quiet(1000))


async def test_a_spoken_turn_in_the_documented_order() -> None:
    async with open_desk() as desk, open_client(desk) as client:
        desk.hearing.texts = ["good morning"]
        await speak(client)
        done = await client.receive("response.done")
    assert done["response"]["status"] == "completed"
    order: list[str] = []
    for kind in client.types():
        if not order or order[-1] != kind:
            order.append(kind)
    head = [
        "session.created",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.created",
        "response.created",
        "response.output_item.added",
        "conversation.item.created",
        "response.content_part.added",
    ]
    assert order[: len(head)] == head
    assert order[-5:] == [
        "response.audio.done",
        "response.audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    said = [event for event in client.events if event["type"] == "response.audio_transcript.done"]
    assert said[0]["transcript"] == "You said good morning."
    sound = b"".join(
        base64.b64decode(event["delta"])
        for event in client.events
        if event["type"] == "response.audio.delta"
    )
    # Four words of 200 ms at 24 kHz.
    assert abs(len(sound) / 48 - 800) < 40
    assert len({event["event_id"] for event in client.events}) == len(client.events)


async def test_speech_is_found_where_it_is_on_the_timeline() -> None:
    async with open_desk() as desk, open_client(desk) as client:
        await client.append(quiet(5000) + loud(1000) + quiet(1000))
        started = await client.receive("input_audio_buffer.speech_started")
        stopped = await client.receive("input_audio_buffer.speech_stopped")
        await client.receive("response.done")
    assert 4400 <= started["audio_start_ms"] <= 5050
    assert 5900 <= stopped["audio_end_ms"] <= 6150
    heard = desk.hearing.ears[0].utterances[0].audio
    assert 1000 <= len(heard) / 32 <= 2600


@pytest.mark.parametrize(("so_far", "turns"), [("my name is", 1), ("that is all", 2), ("", 2)])
async def test_a_pause_for_thought_does_not_end_a_semantic_turn(so_far: str, turns: int) -> None:
    async with open_desk() as desk, open_client(desk) as client:
        desk.hearing.so_far = so_far
        await client.send(
            "session.update", session={"turn_detection": {"type": "azure_semantic_vad"}}
        )
        await client.append(quiet(200) + loud(600) + quiet(900) + loud(600) + quiet(2500))
        for _ in range(turns):
            await client.receive("conversation.item.input_audio_transcription.completed")
        await client.receive("response.done")
    assert client.types().count("input_audio_buffer.speech_started") == turns


async def test_the_agents_stream_is_closed_within_50_ms_of_speech() -> None:
    async def talk_on(request: Request) -> AsyncIterator[Thought]:
        for number in range(1000):
            yield TextDelta(f"Sentence number {number}. ")
            await asyncio.sleep(0.01)
        yield Finished()

    async with open_desk() as desk, open_client(desk) as client:
        desk.thinking.answer = talk_on
        await client.say_text("go")
        await client.receive("response.audio.delta")
        assert desk.thinking.thinking == 1
        desk.thinking.stopped.clear()
        await client.append(quiet(100) + loud(600))
        await client.receive("input_audio_buffer.speech_started")
        heard_s = time.monotonic()
        async with asyncio.timeout(5):
            await desk.thinking.stopped.wait()
        assert time.monotonic() - heard_s < 0.05
        done = await client.receive("response.done")
        assert done["response"]["status"] == "cancelled"
        assert done["response"]["status_details"]["reason"] == "turn_detected"
        await client.append(quiet(1000))
        await client.receive("response.created")
        after = client.types()[client.events.index(done) + 1 :]
        assert "response.audio.delta" not in after


async def test_speech_starts_from_the_first_clause_while_the_agent_still_thinks() -> None:
    go_on = asyncio.Event()

    async def think_long(request: Request) -> AsyncIterator[Thought]:
        yield TextDelta("One moment please. ")
        yield TextDelta("I am looking. ")
        await go_on.wait()
        yield TextDelta("Here it is.")
        yield Finished()

    async with open_desk() as desk, open_client(desk) as client:
        desk.thinking.answer = think_long
        await client.say_text("go")
        await client.receive("response.audio.delta")
        assert desk.thinking.thinking == 1
        go_on.set()
        done = await client.receive("response.done")
        assert done["response"]["status"] == "completed"


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
        heard = desk.hearing.ears[0].utterances[0].audio
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
    async def talk_on(request: Request) -> AsyncIterator[Thought]:
        for number in range(400):
            yield TextDelta(f"This is sentence number {number} of many. ")
        yield Finished()

    async with open_desk() as desk, open_client(desk, max_queue=1) as slow:
        desk.thinking.answer = talk_on
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
            while spoken != len(desk.speaking.spoken):
                spoken = len(desk.speaking.spoken)
                await asyncio.sleep(0.3)
        assert spoken < 300
        # And nothing is lost when it reads on.
        done = await slow.receive("response.done", 60)
        assert done["response"]["status"] == "completed"
        assert len(desk.speaking.spoken) == 400
        sound = sum(
            len(base64.b64decode(event["delta"]))
            for event in slow.events
            if event["type"] == "response.audio.delta"
        )
        assert abs(sound / 48 - 400 * 7 * 200) < 400 * 5


async def test_a_client_that_goes_in_mid_sentence_leaves_nothing_running() -> None:
    async def talk_on(request: Request) -> AsyncIterator[Thought]:
        yield TextDelta("A sentence without an end, ")
        await asyncio.Event().wait()

    async with open_desk() as desk:
        desk.thinking.answer = talk_on
        async with open_client(desk) as client:
            await client.say_text("go")
            await client.receive("response.audio.delta")
            await client.append(loud(500))
            await client.receive("input_audio_buffer.speech_started")
            client.socket.transport.abort()
        async with asyncio.timeout(5):
            while not desk.hearing.ears[0].closed:
                await asyncio.sleep(0.01)
        assert desk.thinking.thinking == 0
        assert desk.speaking.speaking == 0
        assert all(utterance.discarded for utterance in desk.hearing.ears[0].utterances)
        assert desk.thinking.minds[0].closed


async def test_engines_may_fail_and_the_session_lives() -> None:
    async with open_desk() as desk, open_client(desk) as client:
        await client.say_text("fail")
        error = await client.receive("error")
        assert error["error"]["code"] == "agent_error"
        assert (await client.receive("response.done"))["response"]["status"] == "failed"

        await client.say_text("broken")
        error = await client.receive("error")
        assert error["error"]["code"] == "speech_synthesis_error"
        assert (await client.receive("response.done"))["response"]["status"] == "failed"

        desk.hearing.texts = ["!the microphone is under water"]
        await speak(client)
        failed = await client.receive("conversation.item.input_audio_transcription.failed")
        assert "under water" in failed["error"]["message"]

        desk.hearing.texts = ["still here"]
        await speak(client)
        completed = await client.receive("conversation.item.input_audio_transcription.completed")
        assert completed["transcript"] == "still here"
        done = await client.receive("response.done")
        assert done["response"]["status"] == "completed"


async def test_an_engine_that_fails_in_a_way_of_its_own_shows_no_exception_text() -> None:
    async def raise_secret(request: Request) -> AsyncIterator[Thought]:
        raise RuntimeError("key-1234")
        yield

    async with open_desk() as desk, open_client(desk) as client:
        desk.thinking.answer = raise_secret
        await client.say_text("go")
        error = await client.receive("error")
        assert "key-1234" not in json.dumps(error)
        assert (await client.receive("response.done"))["response"]["status"] == "failed"


async def test_an_unknown_voice_is_a_warning_once() -> None:
    async with open_desk() as desk, open_client(desk) as client:
        await client.send("session.update", session={"voice": "alloy"})
        await client.send(
            "session.update", session={"voice": {"type": "azure-standard", "name": "nobody"}}
        )
        # Before anything is said: who sets up a voice should not have to wait for an answer.
        await client.receive("warning")
        for _ in range(2):
            await client.say_text("hello")
            await client.receive("response.done")
    warnings = [event for event in client.events if event["type"] == "warning"]
    assert [event["warning"]["message"] for event in warnings] == ["no voice nobody"]


async def test_partial_results_come_as_deltas() -> None:
    async with open_desk() as desk, open_client(desk) as client:
        desk.hearing.gate.clear()
        await client.append(quiet(200) + loud(600))
        await client.receive("input_audio_buffer.speech_started")
        utterance = desk.hearing.ears[0].utterances[0]
        utterance.on_partial("good")
        utterance.on_partial("good morning")
        partial = await client.receive("conversation.item.input_audio_transcription.delta")
        assert partial["delta"] == "good"
        desk.hearing.gate.set()


async def test_phrases_of_the_service_and_of_the_session_reach_the_ear() -> None:
    async with open_desk() as desk, open_client(desk) as client:
        await client.send(
            "session.update",
            session={
                "input_audio_transcription": {"model": "azure-speech", "phrase_list": ["pool"]}
            },
        )
        await client.receive("session.updated")
        await speak(client)
        await client.receive("response.done")
        assert list(desk.hearing.ears[0].phrases) == ["book a room", "pool"]


async def test_manual_turns_hear_all_that_was_appended() -> None:
    async with open_desk() as desk, open_client(desk) as client:
        await client.send("session.update", session={"turn_detection": None})
        await client.append(loud(500))
        await client.append(quiet(700))
        await client.send("input_audio_buffer.commit")
        await client.append(loud(300))
        await client.send("input_audio_buffer.clear")
        await client.append(loud(400))
        await client.send("input_audio_buffer.commit")
        for _ in range(2):
            await client.receive("conversation.item.input_audio_transcription.completed")
        lengths = [
            len(utterance.audio) / 32
            for utterance in desk.hearing.ears[0].utterances
            if not utterance.discarded
        ]
        assert len(lengths) == 2
        assert abs(lengths[0] - 1200) < 60
        assert abs(lengths[1] - 400) < 60
        assert "input_audio_buffer.speech_started" not in client.types()


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


async def test_a_recording_holds_both_sides(tmp_path: Path) -> None:
    async with open_desk(record=tmp_path) as desk, open_client(desk) as client:
        await speak(client)
        await client.receive("response.done")
    (events_path,) = tmp_path.glob("*.jsonl")
    (wav_path,) = tmp_path.glob("*.wav")
    lines = [json.loads(line) for line in events_path.read_text().splitlines()]
    sent = [line["event"]["type"] for line in lines[1:] if line["from"] == "client"]
    received = [line["event"]["type"] for line in lines[1:] if line["from"] == "server"]
    assert sent == ["input_audio_buffer.append"]
    assert received == client.types()
    assert wav_path.stat().st_size > 48_000


async def test_a_client_that_never_reads_its_close_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such a session would have stayed for ever: its close waited behind what nobody read."""

    async def talk_on(request: Request) -> AsyncIterator[Thought]:
        for _ in range(300):
            yield TextDelta("All of this is said to somebody who does not listen. ")
        yield Finished()

    monkeypatch.setattr("emulator.connection.CLOSE_TIMEOUT_S", 0.2)
    async with (
        open_desk(session_minutes=0.05) as desk,
        open_client(desk, max_queue=1) as client,
    ):
        desk.thinking.answer = talk_on
        await client.say_text("go")
        async with asyncio.timeout(20):
            while not desk.hearing.ears[0].closed:
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
        resumed = [mind.conversation_id == thread_id for mind in desk.thinking.minds]
    assert resumed == [True, True, False]


async def test_a_model_is_asked_for_interim_responses() -> None:
    answered = asyncio.Event()

    async def think_long(request: Request) -> AsyncIterator[Thought]:
        await answered.wait()
        yield TextDelta("Here it is.")
        yield Finished()

    async def write(request: Request) -> AsyncIterator[Thought]:
        if not request.text:
            raise ThinkingError("model_error", "the model answered 500")
        yield TextDelta(f"Looking for {request.text}.")
        yield Finished()

    async with open_desk(model_url="http://127.0.0.1:1") as desk, open_client(desk) as client:
        desk.thinking.answer = think_long
        desk.model.answer = write
        interim = {"type": "llm_interim_response", "latency_threshold_ms": 10}
        await client.send("session.update", session={"interim_response": interim})
        await client.say_text("a room")
        said = await client.receive("response.audio_transcript.done")
        assert said["transcript"] == "Looking for a room."
        answered.set()
        await client.receive("response.done")
        answered.clear()
        await client.send("response.create")
        warning = await client.receive("warning")
        assert warning["warning"]["code"] == "interim_response_not_generated"
        assert "500" in warning["warning"]["message"]
        assert (await client.receive("response.audio_transcript.done"))["transcript"]
        answered.set()
        done = await client.receive("response.done")
        assert done["response"]["status"] == "completed"


async def test_an_agent_that_writes_without_end_waits_for_a_slow_reader() -> None:
    """Its text piled up in memory while the client read nothing."""
    written = 0

    async def write_on(request: Request) -> AsyncIterator[Thought]:
        nonlocal written
        while True:
            written += 1
            yield TextDelta("x" * 1000)

    async with open_desk() as desk, open_client(desk, max_queue=1) as slow:
        desk.thinking.answer = write_on
        await slow.send("session.update", session={"modalities": ["text"]})
        await slow.send("response.create")
        async with asyncio.timeout(30):
            before = -1
            while written == 0 or written != before:
                before = written
                await asyncio.sleep(0.3)


async def test_a_recording_is_recognised_apart_from_what_the_microphone_hears() -> None:
    """It took what was appended and not yet committed out of the input buffer."""
    async with open_desk() as desk, open_client(desk) as client:
        desk.hearing.texts = ["a recording", "the buffer"]
        await client.append(quiet(300))
        await client.send(
            "conversation.item.create",
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_audio", "audio": base64.b64encode(loud(500)).decode()}],
            },
        )
        completed = "conversation.item.input_audio_transcription.completed"
        assert (await client.receive(completed))["transcript"] == "a recording"
        await client.send("input_audio_buffer.commit")
        assert (await client.receive(completed))["transcript"] == "the buffer"
        recording, buffer = desk.hearing.ears[0].utterances
        assert abs(len(recording.audio) / 32 - 500) < 30
        assert abs(len(buffer.audio) / 32 - 300) < 50


async def test_a_session_that_lost_a_part_of_itself_ends_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It lived on without ears, and the client waited for ever."""

    def fail(self: FakeUtterance, pcm: bytes) -> None:
        raise RuntimeError("a mistake")

    async with open_desk() as desk, open_client(desk) as client:
        monkeypatch.setattr(FakeUtterance, "feed", fail)
        await client.append(quiet(200) + loud(600) + quiet(1000))
        error = await client.receive("error")
        assert error["error"]["code"] == "internal_error"
        assert "mistake" not in error["error"]["message"]
        with pytest.raises(ConnectionClosed) as closed:
            await client.socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1011
    assert "a mistake" in caplog.text
