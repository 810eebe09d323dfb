"""Agents that send too much, for too long, or what is made to hurt a reader (D6)."""

import asyncio
import gc
import gzip
import json
import time
import zlib
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from tests.emulator.agents.servers import (
    EVENT_STREAM,
    Received,
    ServerScript,
    answering,
    lines_of,
    raw_server,
)
from voicelive_agent.emulator.agents import (
    AgentBackend,
    AgentEvent,
    AgentRequest,
    AnswerError,
    AnswerFinished,
    AnswerLimits,
    TextDelta,
)
from voicelive_agent.emulator.agents.chat import ChatBackend
from voicelive_agent.emulator.agents.invocations import InvocationsBackend
from voicelive_agent.emulator.agents.responses import ResponsesBackend
from voicelive_agent.emulator.shell.agent_stream import bound_text

HELLO = lines_of(
    {"type": "output_audio_transcription.delta", "delta": "Hello."},
    {"type": "output_audio_transcription.done", "text": "Hello."},
    {"type": "done"},
).encode()
BACKENDS: list[Callable[..., AgentBackend]] = [InvocationsBackend, ResponsesBackend, ChatBackend]
MOST_HELD_S = 0.5
"""What one session's agent may compute before others are served, on a slow machine."""


@pytest.fixture(autouse=True, scope="module")
def small_heap() -> None:
    """What other tests of this process left is no part of what a garbage collection takes."""
    gc.collect()
    gc.freeze()


def encoded(coding: str) -> str:
    return EVENT_STREAM.replace("\r\n\r\n", f"\r\ncontent-encoding: {coding}\r\n\r\n")


async def ask_script(
    script: ServerScript,
    backend_class: Callable[..., AgentBackend] = InvocationsBackend,
    **limits: Any,
) -> list[AgentEvent]:
    """The answer; asserts that the event loop is never held for long while it is read."""
    async with raw_server(script) as server:
        backend = backend_class(server.url, limits=AnswerLimits(**limits))
        await backend.start()
        watch = asyncio.create_task(longest_hold_s())
        await asyncio.sleep(0)
        try:
            answer = bound_text(
                backend.open_session("s").answer(AgentRequest(text="Hi")), 1_000_000
            )
            async with aclosing(answer) as agent_events:
                return [agent_event async for agent_event in agent_events]
        finally:
            await asyncio.sleep(0)
            watch.cancel()
            assert await watch < MOST_HELD_S
            await backend.stop()


async def longest_hold_s() -> float:
    # What this thread computed: other processes may have the machine for longer.
    clock = time.thread_time
    longest_s, before_s = 0.0, clock()
    try:
        while True:
            await asyncio.sleep(0)
            longest_s, before_s = max(longest_s, clock() - before_s), clock()
    except asyncio.CancelledError:
        return longest_s


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "deflate", "identity", ""])
async def test_a_compressed_answer_is_read_all_the_same(coding: str) -> None:
    body = {"": HELLO, "identity": HELLO, "deflate": zlib.compress(HELLO)}.get(coding)
    agent_events = await ask_script(answering(body or gzip.compress(HELLO), encoded(coding)))
    assert agent_events[0] == TextDelta("Hello.")
    assert agent_events[-1] == AnswerFinished()


@pytest.mark.parametrize("backend_class", BACKENDS)
@pytest.mark.parametrize(
    "filling", [b"x", b": \n", b"\n", b'data: {"type":"x"}\n', b"data: {}\r", b"event: a\n"]
)
async def test_a_gzip_bomb_stops_nobody(
    backend_class: Callable[..., AgentBackend], filling: bytes
) -> None:
    """A few KB that become a gigabyte were inflated in one go: every session stood still, and so
    did the process at SIGTERM.
    """
    bomb = gzip.compress(filling * (8 * 1024**2 // len(filling)), compresslevel=1)
    limit = 256 * 1024
    with pytest.raises(AnswerError) as failure:
        await ask_script(answering(bomb, encoded("gzip")), backend_class, body_bytes=limit)
    assert failure.value.code.endswith("_contract_violation")
    message = failure.value.message
    assert "--max-answer-bytes" in message or "not JSON" in message


@pytest.mark.parametrize("status", [400, 404, 500])
async def test_a_bomb_in_an_error_is_no_better(status: int) -> None:
    bomb = gzip.compress(b"x" * 16 * 1024**2, compresslevel=1)
    head = encoded("gzip").replace("200 OK", f"{status} No")
    with pytest.raises(AnswerError, match=f"HTTP {status}"):
        await ask_script(answering(bomb, head))


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress", "x" * 9000])
async def test_a_coding_that_nobody_asked_for_is_named(coding: str) -> None:
    with pytest.raises(AnswerError, match="'identity' was asked for") as failure:
        await ask_script(answering(b"???", encoded(coding)))
    assert len(failure.value.message) < 300


async def test_what_is_no_gzip_is_said() -> None:
    with pytest.raises(AnswerError, match="can't be decoded as 'gzip'"):
        await ask_script(answering(HELLO, encoded("gzip")))


@pytest.mark.parametrize("backend_class", BACKENDS)
@pytest.mark.parametrize(
    "line", [b": keep-alive\n\n", b"\n", b"event: x\n", b"data", b"retry: 1\n"]
)
async def test_an_agent_that_says_nothing_for_ever_is_given_up(
    backend_class: Callable[..., AgentBackend], line: bytes
) -> None:
    """Comments count as signs of life, so a stream of them had no end."""

    async def script(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(EVENT_STREAM.encode())
        while True:
            writer.write(line)
            await writer.drain()
            await asyncio.sleep(0.01)

    with pytest.raises(AnswerError, match=r"in 0\.1 s \(--answer-timeout\)") as failure:
        await ask_script(script, backend_class, whole_s=0.1)
    assert failure.value.code.endswith("_timeout")


async def test_headers_without_end_are_given_up() -> None:
    async def slowly(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x-more: x\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    with pytest.raises(AnswerError, match="--answer-timeout"):
        await ask_script(slowly, whole_s=0.1)

    async def fast(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x-more: x\r\n" * 1000)
            await writer.drain()

    with pytest.raises(AnswerError) as failure:
        await ask_script(fast)
    assert failure.value.code == "agent_disconnected"


async def test_who_reads_slowly_costs_the_agent_no_time() -> None:
    """A client at a breakpoint holds its outbox full, and no answer fails for that."""
    async with raw_server(answering(HELLO)) as server:
        backend = InvocationsBackend(server.url, limits=AnswerLimits(whole_s=0.5))
        await backend.start()
        events = []
        async with aclosing(
            backend.open_session("s").answer(AgentRequest(text="Hi"))
        ) as agent_events:
            async for agent_event in agent_events:
                events.append(agent_event)
                await asyncio.sleep(0.4)
        await backend.stop()
    assert events[-1] == AnswerFinished()


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ('{"type":"x","a":' + "[" * 100_000 + "]" * 100_000 + "}", "not JSON|nested more than 64"),
        ('{"type":"x","a":' + "[" * 300 + "]" * 300 + "}", "nested more than 64"),
        ('{"type":"x","a":' + '{"a":' * 70 + "1" + "}" * 71, "nested more than 64"),
        ('{"type":"x","a":' + "9" * 5000 + "}", "not JSON"),
        ('{"a":' + "[" * 100_000, "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)
async def test_json_that_breaks_readers_reaches_no_client(event: str, why: str) -> None:
    """What Python reads at 900 levels, a browser's and the journal's writers may not write."""
    body = f"data: {event}\n\n".encode() + HELLO
    try:
        agent_events = await ask_script(answering(body))
    except AnswerError as error:
        told = error.message
    else:
        finished = agent_events[-1]
        assert isinstance(finished, AnswerFinished)
        told = str(finished.breaches)
    assert any(one in told for one in why.split("|"))


@pytest.mark.parametrize("backend_class", [ResponsesBackend, ChatBackend])
async def test_deep_json_of_other_protocols_is_an_answer_that_can_not_be_read(
    backend_class: Callable[..., AgentBackend],
) -> None:
    body = "data: " + "[" * 100_000 + "]" * 100_000 + "\n\n"
    with pytest.raises(AnswerError, match="not JSON"):
        await ask_script(answering(body), backend_class)


async def test_an_error_that_is_nested_without_end_is_told_as_text() -> None:
    head = EVENT_STREAM.replace("200 OK", "500 No")
    with pytest.raises(AnswerError, match="HTTP 500"):
        await ask_script(answering("[" * 100_000, head))


async def test_faults_in_each_of_many_lines_take_linear_time() -> None:
    """Each finding was compared with all before it: 200,000 lines took hours."""
    lines = b'data:{"type":"x"}\n' * 20_000
    agent_events = await ask_script(answering(lines + HELLO))
    assert agent_events[-1] == AnswerFinished()


async def test_a_huge_array_is_passed_on() -> None:
    event = {"type": "ui.rows", "rows": [[number, "cell"] for number in range(50_000)]}
    agent_events = await ask_script(answering(lines_of(event).encode() + HELLO))
    assert agent_events[0].payload == event  # type: ignore[union-attr]


def deltas(count: int, text: str) -> bytes:
    delta = {"type": "output_audio_transcription.delta", "delta": text}
    return f"data: {json.dumps(delta)}\n\n".encode() * count


async def bounded(*texts: str, limit: int) -> list[AgentEvent]:
    async def answer() -> Any:
        for text in texts:
            yield TextDelta(text)
        yield AnswerFinished()

    return [agent_event async for agent_event in bound_text(answer(), limit)]


async def test_long_text_comes_in_pieces_and_ends_at_its_limit() -> None:
    agent_events = await bounded("a" * 4500, "b", limit=4501)
    pieces = [one.text for one in agent_events if isinstance(one, TextDelta)]
    assert "".join(pieces) == "a" * 4500 + "b"
    assert max(map(len, pieces)) == 2000
    with pytest.raises(AnswerError, match="longer than 4500 characters"):
        await bounded("a" * 4500, "b", limit=4500)


async def test_a_million_tiny_deltas_meet_a_limit() -> None:
    with pytest.raises(AnswerError, match="--max-answer-bytes"):
        await ask_script(answering(deltas(100_000, "a")), body_bytes=1024**2)


async def test_a_model_calls_so_many_functions_and_no_more() -> None:
    """Each piece of arguments is looked for among all calls."""

    def chunk(number: int) -> dict[str, Any]:
        call = {"index": number, "id": f"c{number}", "function": {"name": "f", "arguments": "{}"}}
        return {"choices": [{"delta": {"tool_calls": [call]}}]}

    many = lines_of(*(chunk(number) for number in range(1000)))
    with pytest.raises(AnswerError, match="more than 128 functions"):
        await ask_script(answering(many), ChatBackend)
