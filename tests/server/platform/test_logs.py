"""Logs in production: places and types of what agents raise, at any level, and nobody's words."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pydantic
import pytest

from tests.server.engine.engine_room import EngineRoom
from tests.virtual_time import run_virtual
from voicelive_agent.agent import ClientEvent, Output, Turn
from voicelive_agent.server.platform.logs import JsonFormatter, TextFormatter
from voicelive_agent.server.settings import load_settings

WORDS = "".join(("xy", "zzy"))
"""What a caller said; no line of source that a traceback shows holds it."""


class WordyError(Exception):
    def __repr__(self) -> str:
        return f"WordyError({WORDS})"


class Strict(pydantic.BaseModel):
    count: int


def with_note() -> BaseException:
    error = ValueError("no")
    error.add_note(WORDS)
    return error


def invalid() -> BaseException:
    try:
        Strict.model_validate({"count": WORDS})
    except pydantic.ValidationError as error:
        return error
    raise AssertionError


def refused() -> BaseException:
    request = httpx.Request("GET", f"http://models.example/{WORDS}?said={WORDS}")
    response = httpx.Response(500, request=request, text=WORDS)
    return httpx.HTTPStatusError(WORDS, request=request, response=response)


def chained() -> BaseException:
    error = RuntimeError("on the way")
    error.__cause__ = KeyError(WORDS)
    return error


RAISED: dict[str, Callable[[], BaseException]] = {
    "exception": lambda: RuntimeError(WORDS),
    "own": lambda: WordyError(WORDS),
    "closing": lambda: GeneratorExit(WORDS),
    "cancelled": lambda: asyncio.CancelledError(WORDS),
    "exit": lambda: SystemExit(WORDS),
    "interrupt": lambda: KeyboardInterrupt(WORDS),
    "group": lambda: BaseExceptionGroup(WORDS, [ValueError(WORDS), GeneratorExit(WORDS)]),
    "chained": chained,
    "note": with_note,
    "key": lambda: KeyError(WORDS),
    "codec": lambda: UnicodeEncodeError("ascii", WORDS, 0, 1, WORDS),
    "file": lambda: FileNotFoundError(2, "No such file", f"/{WORDS}"),
    "invalid": invalid,
    "refused": refused,
}
OUTPUTS: dict[str, Any] = {
    "number": {WORDS: 1},
    "bytes": WORDS.encode(),
    "no JSON": ClientEvent("ui.card", **{WORDS: object()}),
}


@pytest.fixture(params=[TextFormatter, JsonFormatter])
def log(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that is logged, at DEBUG, as it is in Foundry."""
    monkeypatch.setenv("FOUNDRY_AGENT_NAME", "mine")
    monkeypatch.setenv("VOICELIVE_LOG_LEVEL", "DEBUG")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(request.param(load_settings()))
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def say(reply: Callable[[Turn], AsyncIterator[Output]]) -> str:
    async def main() -> str:
        async with EngineRoom(reply) as room:
            return (await room.say(WORDS)).error_code

    return run_virtual(main())


@pytest.mark.parametrize("kind", RAISED)
def test_an_exception_is_logged_without_its_words(kind: str, log: io.StringIO) -> None:
    """At DEBUG its text stood in the log: ``GeneratorExit('…')``."""

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield "Well, "
        raise RAISED[kind]()

    assert say(reply) == "agent_failed"
    said = log.getvalue()
    assert WORDS not in said
    assert type(RAISED[kind]()).__name__ in said
    assert "test_logs.py" in said


@pytest.mark.parametrize("kind", RAISED)
def test_nor_where_it_cleans_up(kind: str, log: io.StringIO) -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        try:
            yield "Well, "
            yield OUTPUTS["number"]
        finally:
            raise RAISED[kind]()

    assert say(reply)
    assert WORDS not in log.getvalue()


@pytest.mark.parametrize("kind", OUTPUTS)
def test_a_wrong_output_is_logged_without_its_words(kind: str, log: io.StringIO) -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield OUTPUTS[kind]

    assert say(reply) == "agent_wrong_type"
    assert WORDS not in log.getvalue()


def test_each_line_of_json_is_one(log: io.StringIO) -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        raise RuntimeError(f"{WORDS}\n{WORDS}")
        yield

    say(reply)
    lines = log.getvalue().splitlines()
    if lines[0].startswith("{"):
        assert all(json.loads(line)["level"] for line in lines)
