"""Feeds on real sockets: a call that somebody else makes is seen as it happens."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from tests.emulator.conversing import Desk, open_client, open_desk


class Reader:
    """Somebody who follows a feed; ``events`` are (id, kind, data)."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.events: list[tuple[str, str, dict[str, Any]]] = []

    async def read_one(self) -> tuple[str, str, dict[str, Any]] | None:
        fields: dict[str, str] = {}
        async for line in self._lines:
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
            elif not line and fields:
                event = fields["id"], fields["event"], json.loads(fields["data"])
                self.events.append(event)
                return event
        return None

    async def read_until(self, kind: str, type: str = "") -> dict[str, Any]:
        async with asyncio.timeout(10):
            while (event := await self.read_one()) is not None:
                if event[1] == kind and (not type or event[2]["event"]["type"] == type):
                    return event[2]
        raise AssertionError(f"the feed ended without {kind} {type}")

    async def read_all(self) -> None:
        async with asyncio.timeout(10):
            while await self.read_one():
                pass


@contextlib.asynccontextmanager
async def follow(desk: Desk, path: str, last_id: str = "") -> AsyncIterator[Reader]:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with (
        httpx.AsyncClient(base_url=desk.url, timeout=10) as http,
        http.stream("GET", path, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Reader(answer.aiter_lines())


async def test_a_call_of_others_is_seen_as_it_happens() -> None:
    async with open_desk() as desk, open_client(desk) as client:
        session_id = client.events[0]["session"]["id"]
        async with follow(desk, f"/sessions/{session_id}/feed") as reader:
            opened = await reader.read_until("opened")
            assert (opened["id"], opened["agent_name"]) == (session_id, "desk")
            await client.say_text("good morning")
            await reader.read_until("client", "conversation.item.create")
            shown = await reader.read_until("server", "response.audio.delta")
            assert shown["event"]["delta"] == ""
            assert shown["event"]["audio_bytes"] > 0
            while (turn := (await reader.read_until("turn"))["turn"])["status"] != "completed":
                pass
            assert turn["user_text"] == "good morning"
            assert turn["agent_text"] == "You said good morning."
            assert turn["marks_ms"]["first_audio_byte"] is not None
            # What the client got stands in the feed, in its order.
            await client.send("session.update", session={})
            await client.receive("session.updated")
            await reader.read_until("server", "session.updated")
        seen = [data["event"]["type"] for _, kind, data in reader.events if kind == "server"]
        assert seen == client.types()


async def test_a_reader_goes_on_where_it_was_and_knows_when_all_is_told() -> None:
    async with open_desk() as desk:
        async with open_client(desk) as client:
            path = f"/sessions/{client.events[0]['session']['id']}/feed"
            async with follow(desk, path) as first:
                await first.read_until("server", "session.created")
            await client.say_text("hello")
            await client.receive("response.done")
        async with follow(desk, path, first.events[-1][0]) as second:
            await second.read_all()
        async with follow(desk, path) as whole:
            await whole.read_all()
        assert first.events + second.events == whole.events
        assert whole.events[-1][1] == "closed"
        last_id = whole.events[-1][0]
        async with httpx.AsyncClient(base_url=desk.url) as http:
            assert (await http.get(path, headers={"Last-Event-ID": last_id})).status_code == 204
            assert (await http.get(path, params={"after": last_id})).status_code == 204
            missing = await http.get("/sessions/nothing/feed")
        assert missing.status_code == 404
        assert "GET /sessions" in missing.json()["error"]["message"]


async def test_sessions_that_open_and_close_are_told() -> None:
    async with open_desk() as desk, follow(desk, "/feed") as reader:
        async with open_client(desk) as client:
            opened = await reader.read_until("opened")
            assert opened["id"] == client.events[0]["session"]["id"]
        closed = await reader.read_until("closed")
        assert (closed["id"], closed["state"]) == (opened["id"], "closed")


async def test_a_service_that_stops_waits_for_no_reader() -> None:
    """Each open page held it up for five seconds."""
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        async with open_desk() as desk:
            client = await stack.enter_async_context(open_client(desk))
            path = f"/sessions/{client.events[0]['session']['id']}/feed"
            readers = [
                await stack.enter_async_context(follow(desk, one)) for one in ("/feed", path)
            ]
            began_s = loop.time()
        assert loop.time() - began_s < 4
        for reader in readers:
            await reader.read_all()


async def test_a_client_that_is_hostile_to_the_feed_keeps_its_session() -> None:
    async with open_desk() as desk, open_client(desk) as client:
        await client.socket.send("no JSON")
        await client.socket.send('{"type": "input_audio_buffer.append", "audio": 7}')
        await client.socket.send('{"type": ' + "[" * 900 + "]" * 900 + "}")
        await client.say_text("still there")
        await client.receive("response.done")
