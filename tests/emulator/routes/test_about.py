import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.emulator.conversing import AGENT, open_client, open_desk
from voicelive_agent.emulator.routes import about
from voicelive_agent.emulator.routes.about import Reachability
from voicelive_agent.emulator.routes.agent_requests import AgentRequests


@contextlib.asynccontextmanager
async def answering(answer: bytes | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that answers each request with these bytes, or None: never; and who asked."""
    asked: list[bytes] = []
    taking: set[asyncio.Task[None] | None] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taking.add(asyncio.current_task())
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    await asyncio.gather(*(task for task in taking if task))


def http_answer(status: str, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


async def test_it_says_what_runs() -> None:
    async with (
        open_desk() as desk,
        httpx.AsyncClient(base_url=desk.url) as http,
        open_client(desk),
    ):
        said: dict[str, Any] = (await http.get("/about")).json()
    (agent,) = said["agents"]
    assert agent["name"] == "desk"
    assert agent["is_local"]
    assert not agent["reachable"]
    assert "nothing answers at http://127.0.0.1:1" in agent["detail"]
    assert said["tts"] == {"name": "fake voice", "sample_rate_hz": 16_000, "voices": ["tone"]}
    assert said["stt"] == {"name": "fake ears", "advice": None}
    assert said["open_sessions"] == 1
    assert said["limits"]["max_sessions"] == 256
    assert said["recording"] == {"on": False, "directory": None}
    assert not said["needs_key"]


@pytest.mark.parametrize(
    ("answer", "reachable", "detail"),
    [
        (http_answer("200 OK"), True, None),
        # Another framework's server knows no readiness.
        (http_answer("404 Not Found"), True, None),
        (http_answer("405 Method Not Allowed"), True, None),
        (http_answer("401 Unauthorized"), True, None),
        (
            http_answer("503 No", b'{"error": {"code": "agent_not_running", "message": "fix it"}}'),
            False,
            "agent_not_running: fix it",
        ),
        (b"no HTTP at all\r\n\r\n", False, "nothing answers"),
    ],
)
async def test_an_agent_is_asked_whether_it_answers(
    answer: bytes, reachable: bool, detail: str | None
) -> None:
    async with answering(answer) as (url, asked):
        is_reachable, said = await Reachability(AgentRequests()).ask(f"{url}/some/path?code=secret")
    assert asked[0].startswith(b"GET /readiness HTTP/1.1")
    assert is_reachable is reachable
    assert said is None if detail is None else detail in (said or "")


async def test_an_agent_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(about, "ASK_TIMEOUT_S", 0.05)
    async with answering(None) as (url, _):
        assert (await Reachability(AgentRequests()).ask(url))[0] is False


async def test_an_agent_is_asked_seldom() -> None:
    async with answering(http_answer("200 OK")) as (url, asked):
        reachability = Reachability(AgentRequests())
        for _ in range(20):
            await reachability.ask(url)
        assert len(asked) == 1


async def test_agents_are_asked_by_a_client_that_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question made a client of its own, which held up all sessions' sound for 25 ms."""
    made: list[httpx.AsyncClient] = []
    make = httpx.AsyncClient.__init__

    def note(client: httpx.AsyncClient, **options: Any) -> None:
        made.append(client)
        make(client, **options)

    monkeypatch.setattr(about, "KEPT_S", 0)
    async with (
        answering(http_answer("200 OK")) as (url, asked),
        open_desk(agents=[f"desk={url}"]) as desk,
        httpx.AsyncClient(base_url=desk.url) as http,
    ):
        monkeypatch.setattr(httpx.AsyncClient, "__init__", note)
        for _ in range(3):
            assert (await http.get("/about")).json()["agents"][0]["reachable"]
            await http.get("/conversations/conv_1?agent=desk")
    assert len(asked) == 6
    assert len(made) == 1
    assert made[0].is_closed


async def test_keys_in_an_agents_address_are_not_told() -> None:
    agents = ["desk=http://user:pass@127.0.0.1:1/x?code=secret"]
    async with open_desk(agents=agents) as desk, httpx.AsyncClient(base_url=desk.url) as http:
        said = await http.get("/about")
    assert said.json()["agents"][0]["url"] == "http://127.0.0.1:1/x"
    assert "secret" not in said.text
    assert "pass" not in said.text


async def test_it_answers_a_handshake_before_it_is_tried() -> None:
    """A wrong key, no such agent and no room all look the same to a page: closed with 1006."""
    async with open_desk(max_sessions=1) as desk, httpx.AsyncClient(base_url=desk.url) as http:
        assert (await http.get(f"/about?{AGENT}")).status_code == 200
        assert (await http.get("/about?model=local")).status_code == 200
        unknown = await http.get("/about?agent-name=nobody&agent-project-name=any")
        assert unknown.status_code == 404
        assert "'nobody'" in unknown.json()["error"]["message"]
        assert (await http.get("/about?agent-name=desk")).status_code == 404
        async with open_client(desk):
            full = await http.get(f"/about?{AGENT}")
            assert full.status_code == 429
            assert "--max-sessions" in full.json()["error"]["message"]
            # Whoever only looks is let in.
            assert (await http.get("/about")).status_code == 200
