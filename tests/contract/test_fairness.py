"""Verdicts on agents such as Microsoft's samples: what does no harm is no breach."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.emulator.agents.servers import (
    EVENT_STREAM,
    Received,
    ServerScript,
    answering,
    lines_of,
    raw_server,
)
from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.requests import Wire
from voicelive_agent.contract.stream import judge_stream
from voicelive_agent.contract.target import Target

DELTA, DONE = "output_audio_transcription.delta", "output_audio_transcription.done"


@asynccontextmanager
async def wire_to(script: ServerScript, timeout_s: float = 30) -> AsyncIterator[Wire]:
    async with (
        raw_server(script) as server,
        Wire(Target(server.url, timeout_seconds=timeout_s)) as w,
    ):
        yield w


def saying(*deltas: str, text: str) -> ServerScript:
    events = [{"type": DELTA, "delta": delta} for delta in deltas]
    return answering(lines_of(*events, {"type": DONE, "text": text}, {"type": "done"}))


@pytest.mark.parametrize(
    ("deltas", "text"),
    [
        (["Two ", "rooms ", "left. "], "Two rooms left."),
        (["Two", " rooms"], "Two  rooms "),
        (["\nTwo ", "rooms"], "Two rooms"),
    ],
)
async def test_spaces_that_differ_are_advice(deltas: list[str], text: str) -> None:
    """Microsoft's hotel-booking sample sends each word and a space: 37 tests failed for that."""
    async with wire_to(saying(*deltas, text=text)) as wire:
        judge = Judge(strict=False)
        with pytest.raises(pytest.xfail.Exception, match="SSE-9"):
            judge_stream(judge, await wire.say("hi"))
        assert ("advice", "SSE-9") in judge.findings
        with pytest.raises(pytest.fail.Exception, match="SSE-9"):
            judge_stream(Judge(strict=True), await wire.say("hi"))


@pytest.mark.parametrize(("delta", "text"), [("Two rooms", "Two room"), ("Two", "two"), ("a", "")])
async def test_words_that_differ_are_a_breach(delta: str, text: str) -> None:
    async with wire_to(saying(delta, text=text)) as wire:
        with pytest.raises(pytest.fail.Exception, match="SSE-9 is broken"):
            judge_stream(Judge(strict=False), await wire.say("hi"))


@pytest.mark.parametrize(
    ("deltas", "text"),
    [
        (["Hi \ud83d", "\ude00 there."], "Hi \U0001f600 there."),
        (["\ud83d", "\ude00"], "\ud83d\ude00"),
        (["a\ud83c", "\udf89b"], "a\U0001f389b"),
    ],
)
async def test_halves_of_an_emoji_are_the_text(deltas: list[str], text: str) -> None:
    async with wire_to(saying(*deltas, text=text)) as wire:
        judge_stream(Judge(strict=True), await wire.say("hi"))


async def test_an_answer_without_an_end_is_told_with_its_option() -> None:
    """Long input to a slow sample ended in a bare timeout of the test itself."""

    async def word_by_word(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(EVENT_STREAM.encode())
        while True:
            writer.write(lines_of({"type": DELTA, "delta": "word "}).encode())
            await writer.drain()
            await asyncio.sleep(0.01)

    async with wire_to(word_by_word, timeout_s=0.5) as wire:
        with pytest.raises(pytest.fail.Exception, match="--agent-timeout-seconds"):
            judge_stream(Judge(strict=False), await wire.say("tell me more " * 1000))


async def test_no_answer_at_all_is_a_sentence_too() -> None:
    async def silent(request: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with wire_to(silent, timeout_s=0.2) as wire:
        with pytest.raises(pytest.fail.Exception, match=r"no answer began in 0\.2 s"):
            await wire.say("hi")
