"""A client of OpenAI Realtime GA on a real socket, by a bare WebSocket."""

import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.emulator.conversing import Client, open_desk

VOICE_AGENT = "/api/projects/boats/agents/desk/endpoint/protocols/voice?api-version=v1"
MODEL = "/openai/v1/realtime?model=gpt-realtime"


@pytest.mark.parametrize(("path", "model"), [(VOICE_AGENT, "desk"), (MODEL, "gpt-realtime")])
async def test_a_typed_turn_in_names_of_ga(path: str, model: str) -> None:
    async with open_desk() as desk, connect(desk.url.replace("http", "ws", 1) + path) as socket:
        client = Client(socket)
        created = await client.receive("session.created")
        assert created["session"]["type"] == "realtime"
        assert created["session"]["model"] == model
        await client.say_text("good morning")
        done = await client.receive("response.done")
    assert done["response"]["output"][0]["content"] == [
        {"type": "output_audio", "transcript": "You said good morning."}
    ]
    assert done["response"]["output_modalities"] == ["audio"]
    types = client.types()
    assert "response.output_audio.delta" in types
    assert not {"response.audio.delta", "conversation.item.created"} & set(types)
    assert types.count("conversation.item.added") == types.count("conversation.item.done") == 2


@pytest.mark.parametrize("path", [VOICE_AGENT, MODEL])
async def test_members_that_are_unknown_are_warned_of_by_their_own_path(path: str) -> None:
    audio = {"input": {"gain": 3}, "output": {"format": {"type": "audio/pcm"}}}
    async with open_desk() as desk, connect(desk.url.replace("http", "ws", 1) + path) as socket:
        client = Client(socket)
        await client.send("session.update", session={"type": "realtime", "audio": audio, "huh": 1})
        await client.receive("session.updated")
        first, second = await client.receive("warning"), await client.receive("warning")
    assert [one["warning"]["param"] for one in (first, second)] == [
        "session.huh",
        "session.audio.input.gain",
    ]


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 7}}}},
         "session.audio.input.turn_detection.threshold"),
        ({"audio": {"output": {"voice": {"type": "x"}}}}, "session.audio.output.voice.type"),
        ({"audio": {"input": {"format": {"type": "audio/opus"}}}}, "session.audio.input.format"),
        ({"max_output_tokens": -1}, "session.max_output_tokens"),
        ({"audio": 5}, "session.audio"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_told_by_its_own_path(session: Any, param: str) -> None:
    async with open_desk() as desk, connect(desk.url.replace("http", "ws", 1) + MODEL) as socket:
        client = Client(socket)
        await client.send("session.update", event_id="e_1", session=session)
        error = (await client.receive("error"))["error"]
        assert error["param"] == param
        assert param in error["message"]
        assert error["event_id"] == "e_1"
        # Nothing has changed, and the session goes on.
        await client.send("session.update", session={})
        updated = await client.receive("session.updated")
    assert updated["session"] == client.events[0]["session"]


async def test_an_address_that_is_none_names_those_there_are() -> None:
    async with open_desk() as desk:
        with pytest.raises(InvalidStatus) as refused:
            await connect(desk.url.replace("http", "ws", 1) + "/openai/realtime?deployment=x")
        body = (refused.value.response.body or b"").decode()
        assert "/v1/realtime" in body
        assert "/endpoint/protocols/voice" in body


async def test_webrtc_is_refused_in_words() -> None:
    async with open_desk() as desk:
        with pytest.raises(InvalidStatus) as refused:
            url = desk.url.replace("http", "ws", 1) + VOICE_AGENT + "&transport=webrtc"
            await connect(url)
        assert refused.value.response.status_code == 400
        assert "WebRTC" in (refused.value.response.body or b"").decode()


@pytest.mark.parametrize("path", [VOICE_AGENT, MODEL])
async def test_a_page_of_it_asks_for_an_upgrade(path: str) -> None:
    async with open_desk() as desk, httpx.AsyncClient() as http:
        assert (await http.get(desk.url + path)).status_code == 426


async def test_a_recording_of_it_can_be_replayed(tmp_path: Any) -> None:
    """It holds what the session saw, at the address that asks for the same agent."""
    async with (
        open_desk(record=tmp_path) as desk,
        connect(desk.url.replace("http", "ws", 1) + VOICE_AGENT) as socket,
    ):
        client = Client(socket)
        await client.send("session.update", session={"output_modalities": ["text"]})
        await client.receive("session.updated")
    lines = [json.loads(line) for line in next(tmp_path.glob("*.jsonl")).read_text().splitlines()]
    query = lines[0]["connection"]["query"]
    assert (query["agent-name"], query["agent-project-name"]) == ("desk", "boats")
    sent = [line["event"] for line in lines if line.get("from") == "client"]
    assert sent == [{"type": "session.update", "session": {"modalities": ["text"]}}]
