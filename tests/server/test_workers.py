"""``voicelive-agent serve --workers``: one server of several processes."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.server.processes import ServerProcess, launch_server, start_server, wait_until_ready

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux spreads connections"),
]
NAME = "tests.server.counting_agent:reply"
SERVE = ("-m", "voicelive_agent", "serve", NAME, "--workers", "2")


class Caller:
    """Turns of one session, each on a connection of its own."""

    def __init__(self, server: ServerProcess, session: str = "me") -> None:
        self._url = f"{server.url}/invocations"
        self._query = {"agent_session_id": session}

    async def say(self, text: str = "hello") -> tuple[int, int]:
        """The number of the turn and the process that answered it."""
        async with self.listen(text) as lines:
            number, pid = re.findall(r"(\d+) at (\d+)", await anext(lines))[0]
            async for _ in lines:
                pass
            return int(number), int(pid)

    @asynccontextmanager
    async def listen(self, text: str, **headers: str) -> AsyncIterator[AsyncIterator[str]]:
        """The lines of an answer that hold something."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            httpx.AsyncClient(timeout=60) as client,
            client.stream(
                "POST", self._url, params=self._query, json={"message": text}, headers=named
            ) as answer,
        ):
            assert answer.status_code == 200, await answer.aread()
            lines = aiter(answer.aiter_lines())
            yield (line async for line in lines if line)

    async def say_at_another(self, pid: int) -> tuple[int, int]:
        """Turns until another process than ``pid`` answers: which does, is the system's to say."""
        async with asyncio.timeout(60):
            while (said := await self.say())[1] == pid:
                pass
            return said


async def read_log(server: ServerProcess, what: str, times: int = 1) -> str:
    async with asyncio.timeout(60):
        while len(re.findall(what, log := server.log.read_text())) < times:
            await asyncio.sleep(0.05)
    return log


async def test_workers_are_one_server(tmp_path: Path) -> None:
    """A conversation goes on in whichever process; one turn is active in it, whichever runs it; a
    process that dies is told and replaced; SIGTERM ends all of them, and nothing stays behind.
    """
    async with start_server(tmp_path, SERVE) as server:
        await read_log(server, "Ask it:")
        caller = Caller(server)
        number, first = await caller.say()
        number, second = await caller.say_at_another(first)
        assert (await caller.say())[0] == number + 1

        # A turn that another process runs is superseded.
        async with caller.listen("wait") as lines:
            running = int(re.findall(r" at (\d+)", await anext(lines))[0])
            count, _ = await Caller(server).say_at_another(running)
            rest = [line async for line in lines]
            assert rest[-1] == 'data: {"type":"done"}'
            assert count >= number + 3

        os.kill(running, signal.SIGKILL)
        log = await read_log(server, rf"worker {running} was ended by SIGKILL")
        assert "another is started in its place" in log
        left = second if running == first else first
        _, new = await caller.say_at_another(left)
        assert new not in (first, second)

        server.signal(signal.SIGTERM)
        assert await server.wait() == 0
        for pid in (left, new):
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


async def test_a_turn_sent_again_is_followed_at_another_worker(tmp_path: Path) -> None:
    async with start_server(tmp_path, SERVE) as server:
        await read_log(server, "Ask it:")
        ids: dict[str, str] = {"x_agent_invocation_id": "again"}
        async with Caller(server).listen("hello", **ids) as lines:
            told = [line async for line in lines]
        for _ in range(6):
            async with Caller(server).listen("hello", **ids) as lines:
                assert [line async for line in lines] == told


async def test_sighup_replaces_each_worker_and_breaks_no_turn(tmp_path: Path) -> None:
    async with start_server(tmp_path, SERVE) as server:
        await read_log(server, "Ask it:")
        before, after, over = set[int](), set[int](), asyncio.Event()

        async def talk(session: str) -> None:
            caller = Caller(server, session)
            turns = 0
            while not over.is_set():
                number, pid = await caller.say()
                turns += 1
                assert number == turns
                before.add(pid)
                await asyncio.sleep(0.05)
            after.add((await caller.say())[1])

        async with asyncio.TaskGroup() as talking:
            for number in range(4):
                talking.create_task(talk(f"s{number}"))
            await asyncio.sleep(0.5)
            old = set(before)
            server.signal(signal.SIGHUP)
            await read_log(server, "is ready, conversations in", times=4)
            await asyncio.sleep(0.5)
            over.set()
        assert after.isdisjoint(old)


async def test_workers_go_with_their_supervisor(tmp_path: Path) -> None:
    """Also where it was killed, and could tell them nothing."""
    async with start_server(tmp_path, SERVE) as server:
        await read_log(server, "Ask it:")
        _, pid = await Caller(server).say()
        server.signal(signal.SIGKILL)
        async with asyncio.timeout(30):
            while Path(f"/proc/{pid}").exists():
                await asyncio.sleep(0.05)


async def test_an_agent_that_cannot_be_served_is_told_and_ends_it(tmp_path: Path) -> None:
    async with launch_server(
        tmp_path, VOICELIVE_AGENT="there_is_no_such:reply", VOICELIVE_WORKERS="2"
    ) as server:
        assert await server.wait() == 1
        assert "there_is_no_such" in server.log.read_text()


async def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    """Sockets that share a port would have shared it with another server, too."""
    async with start_server(tmp_path, SERVE) as server:
        await wait_until_ready(server)
        port = server.url.rpartition(":")[2]
        async with launch_server(tmp_path, SERVE, PORT=port) as second:
            assert await second.wait() == 1
            assert f"port {port} is taken" in second.log.read_text()


async def test_conversations_in_memory_are_refused(tmp_path: Path) -> None:
    async with launch_server(tmp_path, SERVE, VOICELIVE_CONVERSATIONS="memory:") as server:
        assert await server.wait() == 1
        assert "conversations in memory are those of one process" in server.log.read_text()
