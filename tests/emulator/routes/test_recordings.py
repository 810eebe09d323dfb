"""Recordings by URL, on real sockets."""

import asyncio
import json
import wave
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from pydantic import SecretStr

from tests.emulator.conversing import Client, Desk, loud, open_client, open_desk, quiet
from voicelive_agent.client.check.scenario import parse_scenario
from voicelive_agent.emulator.agents import AgentEvent, AgentRequest, AnswerFinished, TextDelta

TRIES = 3


async def converse(client: Client, desk: Desk, listens_s: float = 0) -> str:
    """A greeting, a spoken turn and a typed one; the session's id.

    Who listens for long enough interrupts no answer.
    """
    await client.send("response.create")
    await client.receive("response.done")
    await asyncio.sleep(listens_s)
    desk.stt.texts = ["what time is it"]
    await client.append(quiet(200) + loud(600) + quiet(900))
    await client.receive("response.done")
    await asyncio.sleep(listens_s)
    await client.say_text("thank you")
    await client.receive("response.done")
    session_id: str = client.events[0]["session"]["id"]
    return session_id


async def record(desk: Desk, listens_s: float = 0, **options: Any) -> str:
    """The id of a recording of such a call that has ended."""
    async with open_client(desk, **options) as client:
        session_id = await converse(client, desk, listens_s)
    headers = dict(options.get("additional_headers", {}))
    async with httpx.AsyncClient(base_url=desk.url, headers=headers) as http, asyncio.timeout(5):
        while (await http.get(f"/sessions/{session_id}")).json()["state"] != "closed":
            await asyncio.sleep(0.01)
    return session_id


async def finish(http: httpx.AsyncClient, replay: httpx.Response) -> dict[str, Any]:
    assert replay.status_code == 202, replay.text
    async with asyncio.timeout(20):
        while (one := (await http.get(f"/replays/{replay.json()['id']}")).json())[
            "state"
        ] == "running":
            await asyncio.sleep(0.02)
    said: dict[str, Any] = one
    return said


async def replay(desk: Desk, http: httpx.AsyncClient, session_id: str) -> dict[str, Any]:
    """A replay whose events came in the order of the recorded ones.

    On a machine that stalls an answer may come after what is sent next.
    """
    for _ in range(TRIES):
        desk.stt.texts = ["what time is it"]
        options = {"speed": 0.25, "quiet_ms": 500}
        started = await http.post(f"/sessions/{session_id}/replays", json=options)
        one = await finish(http, started)
        assert one["state"] == "finished", one
        if one["result"]["events"]["same"]:
            return one
    pytest.fail(str(one["result"]["events"]))


def sounds(wav: bytes) -> tuple[bool, bool]:
    """Whether the person and the agent are heard in it."""
    with wave.open(BytesIO(wav)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 24_000)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    left, right = (bool(np.abs(samples[:, side]).max(initial=0) > 1000) for side in (0, 1))
    return left, right


async def test_a_recording_is_had_by_its_session(tmp_path: Path) -> None:
    async with open_desk(record=tmp_path) as desk, httpx.AsyncClient(base_url=desk.url) as http:
        session_id = await record(desk)
        (listed,) = (await http.get("/recordings")).json()["recordings"]
        assert (listed["id"], listed["state"]) == (session_id, "closed")
        assert listed["agent_name"] == "desk"
        sound = await http.get(f"/sessions/{session_id}/recording.wav")
        assert sound.headers["content-type"] == "audio/wav"
        assert sounds(sound.content) == (True, True)
        assert len(sound.content) == listed["wav_bytes"]
        part = await http.get(
            f"/sessions/{session_id}/recording.wav", headers={"Range": "bytes=0-3"}
        )
        assert (part.status_code, part.content) == (206, b"RIFF")
        whole = await http.get(f"/sessions/{session_id}/events.jsonl")
        short = await http.get(f"/sessions/{session_id}/events.jsonl?audio=0")
        assert len(short.content) < len(whole.content) / 3
        lines = [json.loads(line) for line in short.text.splitlines()]
        assert len(lines) == len(whole.text.splitlines())
        assert "connection" in lines[0]
        assert sum(line.get("event", {}).get("audio_bytes", 0) for line in lines) > 48_000


async def test_recordings_of_an_emulator_that_is_gone_are_there(tmp_path: Path) -> None:
    async with open_desk(record=tmp_path) as desk:
        session_id = await record(desk)
    (tmp_path / "other.jsonl").write_text("no recording\n")
    async with open_desk(record=tmp_path) as desk, httpx.AsyncClient(base_url=desk.url) as http:
        listed = (await http.get("/recordings")).json()["recordings"]
        assert [one["id"] for one in listed] == [session_id]
        for name in ("recording.wav", "events.jsonl", "check.yaml"):
            assert (await http.get(f"/sessions/{session_id}/{name}")).status_code == 200
        broken = await http.get("/sessions/other/check.yaml")
        assert broken.status_code == 422


async def test_an_open_session_is_heard_as_far_as_it_has_come(tmp_path: Path) -> None:
    async with (
        open_desk(record=tmp_path) as desk,
        httpx.AsyncClient(base_url=desk.url) as http,
        open_client(desk) as client,
    ):
        session_id = await converse(client, desk)
        first = await http.get(f"/sessions/{session_id}/recording.wav")
        assert sounds(first.content) == (True, True)
        await client.append(quiet(3000))
        await client.say_text("more")
        await client.receive("response.done")
        second = await http.get(f"/sessions/{session_id}/recording.wav")
        assert len(second.content) > len(first.content)
        assert (await http.get("/recordings")).json()["recordings"][0]["state"] == "open"
    # Nothing of it is left beside the recording itself.
    assert {path.suffix for path in tmp_path.iterdir()} == {".wav", ".jsonl"}


@pytest.mark.parametrize("name", ["recording.wav", "events.jsonl", "check.yaml"])
@pytest.mark.parametrize("session_id", ["nothing", "..%2F..%2Fsecret", "%2e%2e", ".hidden", "a%00"])
async def test_nothing_else_is_had(tmp_path: Path, name: str, session_id: str) -> None:
    folder = tmp_path / "one" / "two"
    folder.mkdir(parents=True)
    for secret in (tmp_path / "secret.jsonl", tmp_path / "secret.wav", folder / ".hidden.jsonl"):
        secret.write_text("hush")
    async with open_desk(record=folder) as desk, httpx.AsyncClient(base_url=desk.url) as http:
        answer = await http.get(f"/sessions/{session_id}/{name}")
        assert answer.status_code == 404
        assert "hush" not in answer.text


async def test_without_recordings_their_list_is_empty() -> None:
    async with open_desk() as desk, httpx.AsyncClient(base_url=desk.url) as http:
        assert (await http.get("/recordings")).json() == {"recordings": []}
        refused = await http.post("/sessions/x/replays")
        assert refused.status_code == 404
        assert "--record" in refused.json()["error"]["message"]


async def test_a_replay_says_turn_by_turn_that_nothing_changed(tmp_path: Path) -> None:
    async with open_desk(record=tmp_path) as desk, httpx.AsyncClient(base_url=desk.url) as http:
        session_id = await record(desk)
        replayed = await replay(desk, http, session_id)
        assert replayed["session_id"] not in (None, session_id)
        result = replayed["result"]
        assert [turn["recorded"]["kind"] for turn in result["turns"]] == [
            *("greeting", "speech", "text")
        ]
        assert result["same"], result
        spoken = result["turns"][1]["replayed"]
        assert spoken["user_text"] == "what time is it"
        assert spoken["agent_text"] == "You said what time is it."
        assert spoken["latency_ms"]["first_audio"] > 0


async def test_a_replay_says_which_turn_changed(tmp_path: Path) -> None:
    async with open_desk(record=tmp_path) as desk, httpx.AsyncClient(base_url=desk.url) as http:
        session_id = await record(desk)

        async def answer(request: AgentRequest) -> AsyncIterator[AgentEvent]:
            thanks = request.text == "thank you"
            yield TextDelta("Goodbye." if thanks else f"You said {request.text or request.kind}.")
            yield AnswerFinished()

        desk.agent.answer = answer
        result = (await replay(desk, http, session_id))["result"]
        assert not result["same"]
        assert [turn["same"] for turn in result["turns"]] == [True, True, False]
        changed = result["turns"][2]
        assert changed["recorded"]["agent_text"] == "You said thank you."
        assert changed["replayed"]["agent_text"] == "Goodbye."


async def test_a_replay_works_with_a_key(tmp_path: Path) -> None:
    key = {"api-key": "s3cret"}
    async with (
        open_desk(record=tmp_path, api_key=SecretStr("s3cret")) as desk,
        httpx.AsyncClient(base_url=desk.url, headers=key) as http,
    ):
        session_id = await record(desk, additional_headers=key)
        started = await http.post(f"/sessions/{session_id}/replays", json={"quiet_ms": 200})
        assert (await finish(http, started))["state"] == "finished"


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"speed": 0}', b'{"speed": 1e999}', b'{"fast": 1}', b"x" * 20_000]
)
async def test_a_replay_that_is_asked_for_wrongly_is_refused(tmp_path: Path, body: bytes) -> None:
    async with open_desk(record=tmp_path) as desk, httpx.AsyncClient(base_url=desk.url) as http:
        async with open_client(desk) as client:
            session_id = client.events[0]["session"]["id"]
            answer = await http.post(f"/sessions/{session_id}/replays", content=body)
        assert answer.status_code == 400
        assert "speed" in answer.json()["error"]["message"]


async def test_no_page_of_others_reads_or_starts_anything(tmp_path: Path) -> None:
    async with open_desk(record=tmp_path) as desk:
        session_id = await record(desk)
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example:8090"}):
            async with httpx.AsyncClient(base_url=desk.url, headers=headers) as http:
                for name in ("recording.wav", "events.jsonl", "check.yaml"):
                    answer = await http.get(f"/sessions/{session_id}/{name}")
                    assert answer.status_code == 403
                assert (await http.get("/recordings")).status_code == 403
                assert (await http.post(f"/sessions/{session_id}/replays")).status_code == 403


async def test_a_check_is_made_of_a_recording(tmp_path: Path) -> None:
    async with open_desk(record=tmp_path) as desk, httpx.AsyncClient(base_url=desk.url) as http:
        session_id = await record(desk, listens_s=1)
        text = (await http.get(f"/sessions/{session_id}/check.yaml")).text
    scenario = parse_scenario(text, directory=tmp_path)
    assert scenario.settings == {"greet": True}
    assert [(str(step.action), step.words) for step in scenario.steps] == [
        ("listen", "You said greeting."),
        ("say: what time is it", "You said what time is it."),
        ("type: thank you", "You said thank you."),
    ]
