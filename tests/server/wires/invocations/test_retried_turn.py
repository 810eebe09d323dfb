"""A turn that is asked again with its invocation id: one run of the agent, whoever asks, wherever.

Public reports (case F18): an SDK that retries, a proxy that asks again; a booking agent booked
twice, and then a third time.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.conversations.backends import Backend, RedisServer
from tests.server.serving import read_events, serve, serve_agent
from voicelive_agent.agent import ClientEvent, EndCall, Output, Turn
from voicelive_agent.server.app import create_app
from voicelive_agent.server.settings import Settings

BOOK = {"type": "input_audio.transcription", "input": "book a table"}
DELTA = "output_audio_transcription.delta"
DONE = "output_audio_transcription.done"


class Booker:
    """Books once for each time that it is asked; waits for ``release`` in mid-answer."""

    def __init__(self) -> None:
        self.bookings = 0
        self.release = asyncio.Event()
        self.release.set()
        self.booked = asyncio.Event()

    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        self.bookings += 1
        self.booked.set()
        yield "Your booking "
        yield ClientEvent("ui.card", number=self.bookings, name="Ä")
        await self.release.wait()
        if turn.text == "fail":
            raise RuntimeError("on purpose")
        yield f"is number {self.bookings}."
        yield ClientEvent("ui.map")
        yield EndCall("booked")


@contextlib.asynccontextmanager
async def serve_from(agent: Booker, store: str) -> AsyncIterator[httpx.AsyncClient]:
    """A server of its own on a store that outlives it."""
    app = create_app(agent, Settings(conversations=store))
    async with serve(app) as url, httpx.AsyncClient(base_url=url, timeout=20) as client:
        yield client


async def ask(
    client: httpx.AsyncClient, body: Any = BOOK, invocation: str = "inv-1", **query: str
) -> httpx.Response:
    headers = {"x-agent-invocation-id": invocation}
    return await client.post("/invocations", json=body, headers=headers, params=query)


def tell(answer: httpx.Response) -> tuple[str, list[dict[str, Any]]]:
    """What was spoken, and what else came, with the place in the text at which it came."""
    assert answer.status_code == 200, answer.text
    events = read_events(answer.text)
    spoken, rest = "", []
    for event in events:
        if event["type"] == DELTA:
            spoken += event["delta"]
        elif event["type"] not in (DONE, "done"):
            rest.append({**event, "after": spoken})
    assert [event["type"] for event in events[-2:]] == [DONE, "done"]
    assert events[-2]["text"] == spoken
    return spoken, rest


async def test_the_public_case_asked_while_it_runs_and_after_its_end() -> None:
    agent = Booker()
    agent.release.clear()
    async with serve_agent(agent) as client:
        first = asyncio.create_task(ask(client, agent_session_id="s"))
        await agent.booked.wait()
        second = asyncio.create_task(ask(client, agent_session_id="s"))
        await asyncio.sleep(0.1)
        agent.release.set()
        answers = [await first, await second, await ask(client, agent_session_id="s")]
    told = [tell(answer) for answer in answers]
    assert agent.bookings == 1
    assert told[0] == told[1] == told[2]
    assert told[0][0] == "Your booking is number 1."
    assert [event["type"] for event in told[0][1]] == ["ui.card", "ui.map", "agent.end_call"]
    assert told[0][1][0] == {
        "type": "ui.card",
        "number": 1,
        "name": "Ä",
        "after": "Your booking ",
    }


async def test_many_at_the_same_moment_are_one_turn() -> None:
    agent = Booker()
    async with serve_agent(agent) as client:
        answers = await asyncio.gather(*(ask(client, agent_session_id="s") for _ in range(20)))
    assert agent.bookings == 1
    assert {tell(answer)[0] for answer in answers} == {"Your booking is number 1."}


async def test_a_caller_who_names_no_session_gets_the_session_of_the_turn() -> None:
    """Who lost the answer lost the session's id too."""
    agent = Booker()
    async with serve_agent(agent) as client:
        first, second = await ask(client), await ask(client)
    assert agent.bookings == 1
    assert tell(first) == tell(second)
    assert first.headers["x-agent-session-id"] == second.headers["x-agent-session-id"]


@pytest.mark.parametrize("running", [True, False])
async def test_another_body_with_the_same_id_is_refused(running: bool) -> None:
    agent = Booker()
    other = {"type": "input_audio.transcription", "input": "cancel it"}
    async with serve_agent(agent) as client:
        if running:
            agent.release.clear()
        first = asyncio.create_task(ask(client, agent_session_id="s"))
        await agent.booked.wait()
        if not running:
            await first
        for body in (other, {"action": "book"}, {}):
            refused = await ask(client, body, agent_session_id="s")
            assert refused.status_code == 409
            assert refused.json()["error"]["code"] == "invocation_id_reused"
            assert refused.headers["x-platform-error-source"] == "user"
            assert refused.headers["x-agent-invocation-id"] == "inv-1"
        agent.release.set()
        assert tell(await first)[0] == "Your booking is number 1."
        assert tell(await ask(client, other, "inv-2", agent_session_id="s"))[0]
    assert agent.bookings == 2


async def test_the_same_id_is_another_turn_of_another_user_or_session() -> None:
    agent = Booker()
    async with serve_agent(agent) as client:
        for session in ("s", "t"):
            for user in ("a", "b"):
                headers = {"x-agent-invocation-id": "inv-1", "x-agent-user-id": user}
                params = {"agent_session_id": session}
                answer = await client.post(
                    "/invocations", json=BOOK, headers=headers, params=params
                )
                assert answer.status_code == 200
    assert agent.bookings == 4


async def test_a_first_caller_who_goes_in_mid_stream_does_not_book_twice() -> None:
    """The usual retry: the connection breaks, and the SDK asks again."""
    agent = Booker()
    agent.release.clear()
    async with serve_agent(agent) as client:
        headers, params = {"x-agent-invocation-id": "inv-1"}, {"agent_session_id": "s"}
        async with client.stream(
            "POST", "/invocations", json=BOOK, headers=headers, params=params
        ) as first:
            await anext(first.aiter_bytes())
        spoken, rest = tell(await ask(client, agent_session_id="s"))
    assert agent.bookings == 1
    assert spoken == "Your booking "
    assert rest[-1]["type"] == "agent.error"
    assert rest[-1]["error"]["code"] == "disconnected"


async def test_the_first_caller_may_go_while_a_second_listens() -> None:
    agent = Booker()
    agent.release.clear()
    listens = asyncio.Event()

    async def listen(**asked: Any) -> httpx.Response:
        async with client.stream("POST", "/invocations", **asked) as stream:
            text = ""
            async for piece in stream.aiter_text():
                text += piece
                listens.set()
        return httpx.Response(stream.status_code, text=text)

    async with serve_agent(agent) as client:
        headers, params = {"x-agent-invocation-id": "inv-1"}, {"agent_session_id": "s"}
        asked: dict[str, Any] = {"json": BOOK, "headers": headers, "params": params}
        async with client.stream("POST", "/invocations", **asked) as first:
            await anext(first.aiter_bytes())
            second = asyncio.create_task(listen(**asked))
            await listens.wait()
        await asyncio.sleep(0.2)
        agent.release.set()
        spoken, _ = tell(await second)
        state = (await client.get("/invocations/inv-1", params=params)).json()
    assert agent.bookings == 1
    assert spoken == "Your booking is number 1."
    assert state["status"] == "completed"


async def test_a_failed_turn_is_repeated_as_it_failed() -> None:
    """What it did before it failed is done; who wants a new try sends a new id."""
    agent = Booker()
    body = {"message": "fail"}
    async with serve_agent(agent, apology="Sorry.") as client:
        first = tell(await ask(client, body, agent_session_id="s"))
        again = tell(await ask(client, body, agent_session_id="s"))
        assert agent.bookings == 1
        # Why it failed is told to its developer at that moment only; it is not stored.
        assert again[0] == first[0]
        assert again[1][-1]["error"]["code"] == first[1][-1]["error"]["code"]
        assert first[0] == "Your booking Sorry."
        assert first[1][-1]["error"]["code"] == "agent_failed"
        await ask(client, body, "inv-2", agent_session_id="s")
    assert agent.bookings == 2


async def test_a_repetition_does_not_interrupt_the_turn_that_runs() -> None:
    agent = Booker()
    async with serve_agent(agent) as client:
        first = tell(await ask(client, agent_session_id="s"))
        agent.release.clear()
        agent.booked.clear()
        running = asyncio.create_task(ask(client, invocation="inv-2", agent_session_id="s"))
        await agent.booked.wait()
        assert tell(await ask(client, agent_session_id="s")) == first
        agent.release.set()
        assert tell(await running)[0] == "Your booking is number 2."


async def test_without_an_id_each_request_is_a_turn() -> None:
    agent = Booker()
    async with serve_agent(agent) as client:
        for _ in range(2):
            await client.post("/invocations", json=BOOK, params={"agent_session_id": "s"})
    assert agent.bookings == 2


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.component)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that several servers share."""
    server: RedisServer | None = None
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
    return Backend(request.param, tmp_path, server).url


async def test_a_restart_does_not_forget_the_answer(place: str) -> None:
    agent = Booker()
    async with serve_from(agent, place) as client:
        first = tell(await ask(client, agent_session_id="s"))
    async with serve_from(agent, place) as client:
        assert tell(await ask(client, agent_session_id="s")) == first
        refused = await ask(client, {"message": "other"}, agent_session_id="s")
    assert agent.bookings == 1
    assert refused.status_code == 409


async def test_another_replica_waits_for_the_end_and_repeats_the_answer(place: str) -> None:
    agent = Booker()
    agent.release.clear()
    async with serve_from(agent, place) as one, serve_from(agent, place) as other:
        first = asyncio.create_task(ask(one, agent_session_id="s"))
        await agent.booked.wait()
        second = asyncio.create_task(ask(other, agent_session_id="s"))
        await asyncio.sleep(0.5)
        assert not second.done()
        refused = await ask(other, {"message": "other"}, agent_session_id="s")
        assert refused.status_code == 409
        agent.release.set()
        assert tell(await first) == tell(await second)
    assert agent.bookings == 1


async def test_replicas_that_are_asked_at_the_same_moment_run_one_turn(place: str) -> None:
    agent = Booker()
    async with serve_from(agent, place) as one, serve_from(agent, place) as other:
        answers = await asyncio.gather(
            *(ask(client, agent_session_id="s") for client in (one, other) * 4)
        )
    assert agent.bookings == 1
    assert {tell(answer)[0] for answer in answers} == {"Your booking is number 1."}
