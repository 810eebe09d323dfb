"""Accepting on uvloop: counted in steps of the event loop, never in seconds."""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from unittest.mock import Mock

import pytest

uvloop = pytest.importorskip("uvloop")

from voicelive_agent import accepting  # noqa: E402
from voicelive_agent.accepting import AcceptingLoop, AcceptingServer  # noqa: E402
from voicelive_agent.listening import bind  # noqa: E402


class Greeter(asyncio.Protocol):
    """Says hello to each caller, repeats what they say, and ends with them."""

    def __init__(self, made: list["Greeter"]) -> None:
        self.made = made

    def connection_made(self, transport: Any) -> None:
        self.transport: Any = transport
        transport.write(b"hello")
        self.made.append(self)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class PausingLoop(AcceptingLoop):
    """Its pauses end when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[tuple[asyncio.TimerHandle, Callable[..., Any]]] = []

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        if delay != accepting._PAUSE_SECONDS:
            return super().call_later(delay, callback, *args, context=context)
        handle = super().call_later(3600, callback, *args, context=context)
        self.pauses.append((handle, callback))
        return handle


def run(test: Callable[[], Any], loop_factory: Callable[[], Any] = AcceptingLoop) -> Any:
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(test())


@contextlib.contextmanager
def call(listener: socket.socket, callers: int) -> Iterator[list[socket.socket]]:
    """Callers who wait in the listener's queue."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection(listener.getsockname()))
            for _ in range(callers)
        ]


async def count_steps(callers: int) -> int:
    """How many steps the event loop takes until all who wait are connected."""
    made: list[Greeter] = []
    listener = bind("127.0.0.1", 0)
    with call(listener, callers):
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Greeter(made), sock=listener, backlog=2048)
        steps = 0
        while len(made) < callers:
            await asyncio.sleep(0)
            steps += 1
        for each in made:
            each.transport.close()
        server.close()
        await server.wait_closed()
    return steps


def test_two_hundred_callers_are_taken_in_a_few_steps() -> None:
    """uvloop takes one a step: the last of them waited until all others had been served."""

    async def count() -> int:
        return await count_steps(200)

    assert run(count) <= 5
    assert run(count, uvloop.new_event_loop) >= 200


class Listener(socket.socket):
    """Fails to accept as often as ``failures`` says."""

    def __init__(self, *failures: int) -> None:
        super().__init__()
        self.bind(("127.0.0.1", 0))
        self.listen(2048)
        self.failures = list(failures)
        self.asked = 0

    def accept(self) -> tuple[socket.socket, Any]:
        self.asked += 1
        if self.failures:
            raise OSError(self.failures.pop(0), "no")
        return super().accept()


@contextlib.asynccontextmanager
async def serve(listener: socket.socket) -> AsyncIterator[tuple[list[Greeter], Mock]]:
    """Those who were connected, and what the loop was told of."""
    made: list[Greeter] = []
    loop, told = asyncio.get_running_loop(), Mock()
    loop.set_exception_handler(told)
    async with await loop.create_server(lambda: Greeter(made), sock=listener, backlog=2048):
        yield made, told
    for each in made:
        each.transport.close()


async def pass_steps(steps: int) -> None:
    for _ in range(steps):
        await asyncio.sleep(0)


@pytest.mark.parametrize("failure", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_without_descriptors_it_pauses_says_so_once_and_goes_on(failure: int) -> None:
    """asyncio asks again for each place of the queue, and complains each time."""

    async def test() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, PausingLoop)
        listener = Listener(failure)
        with call(listener, 20):
            async with serve(listener) as (made, told):
                await pass_steps(20)
                assert (listener.asked, len(made), told.call_count) == (1, 0, 1)
                context = told.call_args.args[1]
                assert context["exception"].errno == failure
                assert context["socket"] is listener
                ((_, end_pause),) = loop.pauses
                end_pause()
                await pass_steps(20)
                assert (len(made), told.call_count) == (20, 1)

    run(test, PausingLoop)


def test_a_caller_who_has_gone_is_passed_over_and_others_are_taken() -> None:
    async def test() -> None:
        listener = Listener(errno.ECONNABORTED, errno.ECONNABORTED)
        with call(listener, 20):
            async with serve(listener) as (made, told):
                await pass_steps(10)
                assert len(made) == 20
                assert not told.called

    run(test)


def test_a_failure_of_another_kind_is_told_and_does_not_end_the_server() -> None:
    async def test() -> None:
        listener = Listener(errno.EPERM)
        with call(listener, 2):
            async with serve(listener) as (made, told):
                await pass_steps(20)
                assert len(made) == 2
                assert told.call_count == 1

    run(test)


@pytest.mark.parametrize("failures", [(), (errno.EMFILE,)])
def test_a_closed_server_takes_nobody_and_keeps_those_it_has(failures: tuple[int, ...]) -> None:
    """A pause that ended after the close would have listened on a descriptor of somebody else."""

    async def test() -> None:
        listener = Listener(*failures)
        kept = socket.socket(fileno=os.dup(listener.fileno()))
        kept.setblocking(False)
        with call(kept, 1) as (early,):
            loop, made = asyncio.get_running_loop(), list[Greeter]()
            assert isinstance(loop, PausingLoop)
            server = await loop.create_server(lambda: Greeter(made), sock=listener)
            assert isinstance(server, AcceptingServer)
            assert server.is_serving()
            assert list(server.sockets) == [listener]
            await pass_steps(10)
            server.close()
            server.close()
            await server.wait_closed()
            assert not server.is_serving()
            assert not server.sockets
            assert [pause.cancelled() for pause, _ in loop.pauses] == [True] * len(failures)
            with call(kept, 1):
                await pass_steps(10)
                assert len(made) == (not failures)
                # As the worker that comes in this one's place does.
                taken, _ = kept.accept()
                taken.close()
            if made:
                early.setblocking(False)
                assert await loop.sock_recv(early, 5) == b"hello"
                await loop.sock_sendall(early, b"still here")
                assert await loop.sock_recv(early, 10) == b"still here"
                made[0].transport.close()
        kept.close()

    run(test, PausingLoop)


def test_a_caller_who_is_gone_before_the_first_word_is_no_error() -> None:
    async def test() -> None:
        listener = bind("127.0.0.1", 0)
        async with serve(listener) as (made, told):
            with call(listener, 50) as callers:
                for each in callers:
                    # Reset, not closed.
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            with call(listener, 1):
                while not made or made[-1].transport.is_closing():
                    await asyncio.sleep(0)
            assert not told.called

    run(test)


def test_it_speaks_tls() -> None:
    trustme = pytest.importorskip("trustme")

    async def test() -> None:
        authority = trustme.CA()
        ours, theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), None
        authority.issue_cert("localhost").configure_cert(ours)
        theirs = ssl.create_default_context()
        authority.configure_trust(theirs)
        loop, made = asyncio.get_running_loop(), list[Greeter]()
        listener = bind("127.0.0.1", 0)
        port = listener.getsockname()[1]
        factory = lambda: Greeter(made)  # noqa: E731
        async with await loop.create_server(factory, sock=listener, ssl=ours):
            with pytest.raises(ssl.SSLError):
                await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context())
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=theirs, server_hostname="localhost"
            )
            assert await reader.readexactly(5) == b"hello"
            writer.close()
            await writer.wait_closed()

    run(test)


def test_an_address_is_served_by_uvloop_itself() -> None:
    async def test() -> None:
        made: list[Greeter] = []
        loop = asyncio.get_running_loop()
        async with await loop.create_server(lambda: Greeter(made), "127.0.0.1", 0) as server:
            assert not isinstance(server, AcceptingServer)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            assert await reader.readexactly(5) == b"hello"
            writer.close()

    run(test)


def test_serving_for_ever_ends_with_its_cancellation() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(asyncio.Protocol, sock=bind("127.0.0.1", 0))
        assert server.get_loop() is loop
        await server.start_serving()
        forever = asyncio.create_task(server.serve_forever())
        await asyncio.sleep(0)
        forever.cancel()
        with pytest.raises(asyncio.CancelledError):
            await forever
        assert not server.is_serving()

    run(test)
