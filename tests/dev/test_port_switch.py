"""The agent's port while developing: who is let through, waits, or is refused."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from voicelive_agent.dev.port_switch import Door
from voicelive_agent.listening import bind


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that says everything twice, and how the connection ended."""
    said = await reader.read()
    writer.write(said * 2)
    writer.write_eof()
    await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def open_door() -> AsyncIterator[tuple[Door, int]]:
    listener = bind("127.0.0.1", 0)
    door = Door(listener)
    async with door.serving():
        yield door, listener.getsockname()[1]


@contextlib.asynccontextmanager
async def open_server() -> AsyncIterator[int]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def ask(port: int, words: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words)
    writer.write_eof()
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def test_bytes_pass_both_ways_however_many() -> None:
    async with open_server() as server, open_door() as (door, port):
        await door.open_to(server)
        assert await ask(port, b"hello ") == b"hello hello "
        many = bytes(1_000_000)
        assert await ask(port, many) == many * 2


async def test_whoever_comes_while_no_server_is_ready_waits() -> None:
    async with open_server() as server, open_door() as (door, port):
        await door.hold()
        waiting = asyncio.create_task(ask(port, b"hello "))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await door.open_to(server)
        assert await waiting == b"hello hello "


async def test_without_an_agent_the_answer_says_why_at_once() -> None:
    async with open_door() as (door, port):
        await door.refuse("the agent doesn't run: see above")
        said = await ask(port, b"POST /invocations HTTP/1.1\r\nhost: localhost\r\n\r\n{}")
        assert said.startswith(b"HTTP/1.1 503 ")
        assert b'"code": "agent_not_running"' in said
        assert b"see above" in said


async def test_a_caller_that_goes_is_gone_for_the_server_too() -> None:
    """An agent whose caller has interrupted it would have gone on talking."""
    gone = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()
        writer.close()

    async with (
        await asyncio.start_server(listen, "127.0.0.1", 0) as server,
        open_door() as (door, port),
    ):
        await door.open_to(server.sockets[0].getsockname()[1])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST")
        await writer.drain()
        writer.close()
        await asyncio.wait_for(gone.wait(), 5)


async def test_a_server_that_is_gone_ends_the_connection() -> None:
    async with open_server() as closed:
        pass
    async with open_door() as (door, port):
        await door.open_to(closed)
        assert await ask(port, b"hello") == b""


async def test_whoever_waits_at_the_end_is_let_go_and_nothing_is_left_running() -> None:
    """`dev` ended with "Task was destroyed but it is pending" where a call was open."""
    async with open_door() as (door, port):
        await door.hold()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) == 2
    assert asyncio.all_tasks() == {asyncio.current_task()}
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
