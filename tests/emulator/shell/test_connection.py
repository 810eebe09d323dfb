"""A session over a real socket, with engines that a test holds in its hand."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.emulator.conversing import Client, Desk, loud, open_client, open_desk, quiet
from tests.emulator.fakes import FakeUtterance, FakeVoiceActivity
from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerError,
    AnswerFinished,
    TextDelta,
)
from voicelive_agent.wire.audio.streams import Decoder


async def speak(client: Client, ms: int = 600) -> None:
    """A spoken turn, faster than real time."""
    await client.append(quiet(200) + loud(ms) + quiet(1000))


async def test_a_spoken_turn_in_the_documented_order() -> None:
    async with open_desk() as desk, open_client(desk) as client:
        desk.stt.texts = ["good morning"]
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


async def test_the_end_of_speech_is_when_it_arrived_however_late_it_is_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the machine was busy, half a second of silence took 23 ms by the session's marks."""
    is_free = threading.Event()
    judge = FakeVoiceActivity.probability

    def judge_when_free(self: FakeVoiceActivity, frame: bytes) -> float:
        is_free.wait(10)
        return judge(self, frame)

    monkeypatch.setattr(FakeVoiceActivity, "probability", judge_when_free)
    async with open_desk() as desk, open_client(desk) as client:
        await client.append(loud(600) + quiet(100))
        # The service has taken it in once it answers.
        await client.send("input_audio_buffer.retrieve")
        await client.receive("error")
        await asyncio.sleep(0.1)
        await client.append(quiet(900))
        is_free.set()
        await client.receive("response.done")
        async with httpx.AsyncClient(trust_env=False) as http:
            session_id = client.events[0]["session"]["id"]
            shown = (await http.get(f"{desk.url}/sessions/{session_id}")).json()
    marks = shown["turns"][0]["marks_ms"]
    assert marks["end_of_turn"] - marks["speech_end"] >= 100


async def test_speech_is_found_where_it_is_on_the_timeline() -> None:
    async with open_desk() as desk, open_client(desk) as client:
        await client.append(quiet(5000) + loud(1000) + quiet(1000))
        started = await client.receive("input_audio_buffer.speech_started")
        stopped = await client.receive("input_audio_buffer.speech_stopped")
        await client.receive("response.done")
    assert 4400 <= started["audio_start_ms"] <= 5050
    assert 5900 <= stopped["audio_end_ms"] <= 6150
    heard = desk.stt.recognizers[0].utterances[0].audio
    assert 1000 <= len(heard) / 32 <= 2600


@pytest.mark.parametrize(("so_far", "turns"), [("my name is", 1), ("that is all", 2), ("", 2)])
async def test_a_pause_for_thought_does_not_end_a_semantic_turn(so_far: str, turns: int) -> None:
    async with open_desk() as desk, open_client(desk) as client:
        desk.stt.so_far = so_far
        await client.send(
            "session.update", session={"turn_detection": {"type": "azure_semantic_vad"}}
        )
        await client.append(quiet(200) + loud(600) + quiet(900) + loud(600) + quiet(2500))
        for _ in range(turns):
            await client.receive("conversation.item.input_audio_transcription.completed")
        await client.receive("response.done")
    assert client.types().count("input_audio_buffer.speech_started") == turns


async def test_the_agents_stream_is_closed_within_50_ms_of_speech() -> None:
    async def talk_on(request: AgentRequest) -> AsyncIterator[AgentEvent]:
        for number in range(1000):
            yield TextDelta(f"Sentence number {number}. ")
            await asyncio.sleep(0.01)
        yield AnswerFinished()

    async def interrupt(client: Client, desk: Desk) -> float:
        """How long the stream outlives the news that someone speaks."""
        await client.receive("response.audio.delta")
        assert desk.agent.answering == 1
        desk.agent.stopped.clear()
        await client.append(quiet(100) + loud(600))
        await client.receive("input_audio_buffer.speech_started")
        heard_s = time.monotonic()
        async with asyncio.timeout(5):
            await desk.agent.stopped.wait()
        took_s = time.monotonic() - heard_s
        done = await client.receive("response.done")
        assert done["response"]["status"] == "cancelled"
        assert done["response"]["status_details"]["reason"] == "turn_detected"
        await client.append(quiet(1000))
        await client.receive("response.created")
        assert "response.audio.delta" not in client.types()[client.events.index(done) + 1 :]
        return took_s

    async with open_desk() as desk, open_client(desk) as client:
        desk.agent.answer = talk_on
        await client.say_text("go")
        # What another process has the machine for is not ours: the quickest of three counts.
        assert min([await interrupt(client, desk) for _ in range(3)]) < 0.05


async def test_speech_starts_from_the_first_clause_while_the_agent_still_thinks() -> None:
    go_on = asyncio.Event()

    async def think_long(request: AgentRequest) -> AsyncIterator[AgentEvent]:
        yield TextDelta("One moment please. ")
        yield TextDelta("I am looking. ")
        await go_on.wait()
        yield TextDelta("Here it is.")
        yield AnswerFinished()

    async with open_desk() as desk, open_client(desk) as client:
        desk.agent.answer = think_long
        await client.say_text("go")
        await client.receive("response.audio.delta")
        assert desk.agent.answering == 1
        go_on.set()
        done = await client.receive("response.done")
        assert done["response"]["status"] == "completed"


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

        desk.stt.texts = ["!the microphone is under water"]
        await speak(client)
        failed = await client.receive("conversation.item.input_audio_transcription.failed")
        assert "under water" in failed["error"]["message"]

        desk.stt.texts = ["still here"]
        await speak(client)
        completed = await client.receive("conversation.item.input_audio_transcription.completed")
        assert completed["transcript"] == "still here"
        done = await client.receive("response.done")
        assert done["response"]["status"] == "completed"


async def test_an_engine_that_fails_in_a_way_of_its_own_shows_no_exception_text() -> None:
    async def raise_secret(request: AgentRequest) -> AsyncIterator[AgentEvent]:
        raise RuntimeError("key-1234")
        yield

    async with open_desk() as desk, open_client(desk) as client:
        desk.agent.answer = raise_secret
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
        desk.stt.gate.clear()
        await client.append(quiet(200) + loud(600))
        await client.receive("input_audio_buffer.speech_started")
        utterance = desk.stt.recognizers[0].utterances[0]
        utterance.on_partial("good")
        utterance.on_partial("good morning")
        partial = await client.receive("conversation.item.input_audio_transcription.delta")
        assert partial["delta"] == "good"
        desk.stt.gate.set()


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
        assert list(desk.stt.recognizers[0].phrases) == ["book a room", "pool"]


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
            for utterance in desk.stt.recognizers[0].utterances
            if not utterance.discarded
        ]
        assert len(lengths) == 2
        assert abs(lengths[0] - 1200) < 60
        assert abs(lengths[1] - 400) < 60
        assert "input_audio_buffer.speech_started" not in client.types()


async def test_a_recording_holds_both_sides(tmp_path: Path) -> None:
    async with open_desk(record=tmp_path) as desk, open_client(desk) as client:
        await speak(client)
        await client.receive("response.done")
    (events_path,) = tmp_path.glob("*.jsonl")
    (wav_path,) = tmp_path.glob("*.wav")
    lines = [json.loads(line) for line in events_path.read_text().splitlines()]
    sent = [line["event"]["type"] for line in lines[1:] if line.get("from") == "client"]
    received = [line["event"]["type"] for line in lines[1:] if line.get("from") == "server"]
    assert sent == ["input_audio_buffer.append"]
    assert received == client.types()
    assert wav_path.stat().st_size > 48_000


async def test_a_model_is_asked_for_interim_responses() -> None:
    answered = asyncio.Event()

    async def think_long(request: AgentRequest) -> AsyncIterator[AgentEvent]:
        await answered.wait()
        yield TextDelta("Here it is.")
        yield AnswerFinished()

    async def write(request: AgentRequest) -> AsyncIterator[AgentEvent]:
        if not request.text:
            raise AnswerError("model_error", "the model answered 500")
        yield TextDelta(f"Looking for {request.text}.")
        yield AnswerFinished()

    async with open_desk(model_url="http://127.0.0.1:1") as desk, open_client(desk) as client:
        desk.agent.answer = think_long
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


async def test_a_recording_is_recognised_apart_from_what_the_microphone_hears() -> None:
    """It took what was appended and not yet committed out of the input buffer."""
    async with open_desk() as desk, open_client(desk) as client:
        desk.stt.texts = ["a recording", "the buffer"]
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
        recording, buffer = desk.stt.recognizers[0].utterances
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


async def test_a_recogniser_that_is_behind_holds_back_short_frames_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Frames of 20 ms are taken as they come; all of an hour would wait for the recogniser."""
    held = asyncio.Event()
    may_go_on = asyncio.Event()
    enough_bytes = 16_000 * 2

    def is_full(self: FakeUtterance) -> bool:
        return len(self.audio) >= enough_bytes and not may_go_on.is_set()

    async def drain(self: FakeUtterance) -> None:
        if is_full(self):
            held.set()
            await may_go_on.wait()

    monkeypatch.setattr(FakeUtterance, "is_full", property(is_full))
    monkeypatch.setattr(FakeUtterance, "drain", drain)
    sound = (loud(600) + quiet(200)) * 4 + quiet(1000)
    frames = [sound[at : at + 960] for at in range(0, len(sound), 960)]
    async with open_desk() as desk, open_client(desk) as client:
        for frame in frames:
            await client.append(frame)
        async with asyncio.timeout(10):
            await held.wait()
        (utterance,) = desk.stt.recognizers[0].utterances
        # Two frames are taken at a time.
        assert len(utterance.audio) < enough_bytes + 4 * 640
        may_go_on.set()
        await client.receive("response.done")
    # From the first sound to the pause that ended the turn.
    assert len(utterance.audio) > 3 * enough_bytes


@pytest.mark.parametrize("frame_ms", [5, 10, 20, 30, 50, 60])
async def test_turns_stand_where_they_are_however_audio_is_cut(frame_ms: int) -> None:
    sound = quiet(300) + loud(600) + quiet(1500)
    places = []
    for size in (len(sound), frame_ms * 48):
        async with open_desk() as desk, open_client(desk) as client:
            for at in range(0, len(sound), size):
                await client.append(sound[at : at + size])
            started = await client.receive("input_audio_buffer.speech_started")
            stopped = await client.receive("input_audio_buffer.speech_stopped")
            await client.receive("response.done")
        places.append((started["audio_start_ms"], stopped["audio_end_ms"]))
    assert places[0] == places[1]


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes of audio are decoded at a time."""
    decode = Decoder.decode
    sizes: list[int] = []

    def count(self: Decoder, audio: bytes) -> bytes:
        sizes.append(len(audio))
        return decode(self, audio)

    monkeypatch.setattr(Decoder, "decode", count)
    return sizes


async def test_outside_of_turns_audio_is_decoded_by_whole_frames_of_voice_activity(
    pieces: list[int],
) -> None:
    """Of each 20 ms all was done that a frame takes, and of most nothing could be found yet.

    Once a room is still, three of a client's frames are taken at once.
    """
    async with open_desk() as desk, open_client(desk) as client:
        for _ in range(80):
            await client.append(quiet(20))
        await client.append(quiet(200) + loud(600) + quiet(1000))
        await client.receive("response.done")
    assert max(pieces[:30]) == 2 * 960
    assert max(pieces[30:40]) == 3 * 960
    assert sum(pieces[:42]) >= 80 * 960


async def test_in_a_turn_audio_is_decoded_by_whole_frames_but_in_its_pauses(
    pieces: list[int],
) -> None:
    """A turn may end within a frame, so each 20 ms was judged by itself, of what went on too."""
    async with open_desk() as desk, open_client(desk) as client:
        for frame in [loud(20)] * 50 + [quiet(20)] * 40:
            await client.append(frame)
        await client.receive("response.done")
    # A second is 32 frames of voice activity.
    assert sum(pieces[:32]) >= 50 * 960
    # The pause, of 500 ms.
    assert 20 <= pieces[32:].count(960) <= 26


async def test_what_waits_for_the_rest_of_a_frame_is_committed_too() -> None:
    async with open_desk() as desk, open_client(desk) as client:
        await client.append(loud(20))
        await client.send("input_audio_buffer.commit")
        await client.receive("conversation.item.input_audio_transcription.completed")
        (utterance,) = desk.stt.recognizers[0].utterances
    # Some milliseconds are in the resampler.
    assert len(utterance.audio) >= 14 * 32
