"""What a caller is told where a model ends an answer itself, and that the next turn works.

An answer that a filter or the limit of tokens cut passed as whole. A prompt that Azure's filter
refused, and a model that declined, were told as a fault: "Please try that again".
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.frameworks.openai_server import Call, Frames, OpenAIServer, Refuse
from tests.server.engine.engine_room import EngineRoom
from voicelive_agent.agent import Output, Turn
from voicelive_agent.frameworks import load_agent
from voicelive_agent.frameworks.model_stops import ModelStoppedError, find_stop
from voicelive_agent.server.engine.ending import find_phrases

PHRASES = find_phrases("en")
HALF = [{"role": "assistant", "content": "We are open "}, {"content": "from nine to "}]
AZURE = {
    "error": {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content"
        " management policy. Please modify your prompt and retry.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}},
    }
}


@pytest.fixture
async def room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: OpenAIServer
) -> AsyncIterator[EngineRoom]:
    """The model agent in the engine; its model is the server's."""
    monkeypatch.chdir(tmp_path)
    async with open_room(monkeypatch, server) as room:
        yield room


@asynccontextmanager
async def open_room(
    monkeypatch: pytest.MonkeyPatch, server: OpenAIServer, **variables: str
) -> AsyncIterator[EngineRoom]:
    variables = {
        "VOICELIVE_AGENT_MODEL": "llama3:8b",
        "VOICELIVE_AGENT_MODEL_BASE_URL": server.url,
    } | variables
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    agent = load_agent("model")
    await agent.start()
    async with EngineRoom(agent.reply) as room:
        yield room
    await agent.stop()


async def test_an_ordinary_answer_is_whole(room: EngineRoom, server: OpenAIServer) -> None:
    server.answer("We are open.")
    heard = await room.say("hours?", typed=True)
    assert (heard.text, heard.error_code) == ("We are open.", "")


@pytest.mark.parametrize(
    ("finish", "code"),
    [
        ("content_filter", "content_filtered"),
        ("length", "answer_too_long"),
        ("max_tokens", "answer_too_long"),
        ("model_context_window_exceeded", "answer_too_long"),
        ("SAFETY", "content_filtered"),
        ("sensitive", "content_filtered"),
        ("guardrail_intervened", "content_filtered"),
    ],
)
async def test_an_answer_that_was_cut_says_so(
    room: EngineRoom, server: OpenAIServer, finish: str, code: str
) -> None:
    server.answer(Frames(*HALF, finish=finish))
    server.answer("Until five.")
    heard = await room.say("hours?", typed=True)
    sentence = PHRASES.filtered if code == "content_filtered" else PHRASES.too_long
    assert heard.text == f"We are open from nine to {sentence}"
    assert (heard.error_code, heard.record.status) == (code, "failed")
    heard = await room.say("and then?", typed=True)
    assert (heard.text, heard.record.status) == ("Until five.", "completed")
    assert "assistant: We are open from nine to" in "\n".join(server.requests[1].transcript())


@pytest.mark.parametrize(
    ("finish", "code"),
    [
        ("stop", ""),
        ("eos", ""),
        ("tool_calls", ""),
        ("error", "agent_failed"),
        ("network_error", "agent_failed"),
    ],
)
async def test_other_reasons_are_what_they_are(
    room: EngineRoom, server: OpenAIServer, finish: str, code: str
) -> None:
    server.answer(Frames(*HALF, finish=finish))
    assert (await room.say("hours?", typed=True)).error_code == code


@pytest.mark.parametrize(
    ("frames", "finish", "code", "text"),
    [
        ([{"role": "assistant", "content": ""}], "content_filter", "content_filtered", "filtered"),
        ([{"role": "assistant", "content": None}], "length", "answer_too_long", "too_long"),
        ([{"reasoning_content": "Hm."}], "content_filter", "content_filtered", "filtered"),
    ],
    ids=["filtered before a word", "full before a word", "filtered in thought"],
)
async def test_an_answer_of_which_nothing_came(
    room: EngineRoom,
    server: OpenAIServer,
    frames: list[dict[str, Any]],
    finish: str,
    code: str,
    text: str,
) -> None:
    server.answer(Frames(*frames, finish=finish))
    server.answer("Here.")
    heard = await room.say("hours?", typed=True)
    assert (heard.text, heard.error_code) == (getattr(PHRASES, text), code)
    assert (await room.say("hello?", typed=True)).text == "Here."


@pytest.mark.parametrize(
    "frames",
    [
        [{"role": "assistant", "refusal": "I can't help with that."}],
        [{"role": "assistant", "refusal": "I can't "}, {"refusal": "help with that."}],
        [{"role": "assistant", "content": None, "refusal": "I can't help with that."}],
    ],
)
@pytest.mark.parametrize("finish", ["stop", "content_filter"])
async def test_a_model_declines_in_its_own_words(
    room: EngineRoom, server: OpenAIServer, frames: list[dict[str, Any]], finish: str
) -> None:
    server.answer(Frames(*frames, finish=finish))
    server.answer("Gladly.")
    heard = await room.say("how do I pick a lock?", typed=True)
    assert (heard.text, heard.record.status) == ("I can't help with that.", "completed")
    assert (await room.say("something else", typed=True)).text == "Gladly."
    assert server.requests[1].transcript() == [
        "user: how do I pick a lock?",
        "assistant: I can't help with that.",
        "user: something else",
    ]


class Filter(OpenAIServer):
    """Refuses each prompt in which a word occurs, as Azure does, and answers the others."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self._words = words

    async def _serve(self, request: Request, encoding: Any) -> Response:
        told = json.dumps((await request.json())["messages"])
        if any(word in told for word in self._words):
            self._answers.appendleft((Refuse(400, body=AZURE),))
        return await super()._serve(request, encoding)


async def test_refused_words_are_not_told_to_the_model_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Filter("dynamite") as server, open_room(monkeypatch, server) as room:
        server.answer("Hello Ann.")
        await room.say("I am Ann", typed=True)
        heard = await room.say("I like dynamite", typed=True)
        assert (heard.text, heard.error_code) == (PHRASES.filtered, "content_filtered")
        assert "again" not in heard.text
        server.answer("You are Ann.")
        heard = await room.say("who am I?", typed=True)
        assert (heard.text, heard.record.status) == ("You are Ann.", "completed")
        told = server.requests[-1].transcript()
        assert told[:2] == ["user: I am Ann", "assistant: Hello Ann."]
        assert "content filter" in told[2]
        assert told[3:] == [f"assistant: {PHRASES.filtered}", "user: who am I?"]
        # The record has what was said, for whoever looks into it.
        assert [turn["text"] for turn in await room.stored()][1] == "I like dynamite"


async def test_a_refused_history_does_not_silence_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A harmless caller was refused for ever by what an answer before had said."""
    async with Filter("dynamite") as server, open_room(monkeypatch, server) as room:
        server.answer("The song is called dynamite.")
        await room.say("which song is this?", typed=True)
        assert (await room.say("who sings it?", typed=True)).error_code == "content_filtered"
        server.answer("Hello again.")
        heard = await room.say("hello?", typed=True)
        assert (heard.text, heard.record.status) == ("Hello again.", "completed")
        assert server.requests[-1].transcript() == ["user: hello?"]
        server.answer("Nothing else.")
        await room.say("and now?", typed=True)
        assert server.requests[-1].transcript() == [
            "user: hello?",
            "assistant: Hello again.",
            "user: and now?",
        ]


async def test_who_says_it_again_and_again_is_told_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Filter("dynamite") as server, open_room(monkeypatch, server) as room:
        for _ in range(3):
            assert (await room.say("dynamite!", typed=True)).error_code == "content_filtered"
        server.answer("Yes?")
        assert (await room.say("all right", typed=True)).text == "Yes?"


async def test_a_tools_result_that_was_refused_is_not_told_again(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "song_tools.py").write_text('def find_song() -> str:\n    return "dynamite"\n')
    monkeypatch.syspath_prepend(tmp_path)
    tools = {"VOICELIVE_AGENT_TOOLS": "song_tools:find_song"}
    async with Filter("dynamite") as server, open_room(monkeypatch, server, **tools) as room:
        server.answer("Let me look.", Call("find_song"))
        heard = await room.say("which song?", typed=True)
        assert heard.text == f"Let me look. {PHRASES.filtered}"
        assert heard.error_code == "content_filtered"
        server.answer("Here.")
        assert (await room.say("hello?", typed=True)).text == "Here."


@pytest.mark.parametrize(
    "refusal",
    [
        Refuse(400, body=AZURE),
        Refuse(400, code="content_filter"),
        Refuse(400, code="content_policy_violation"),
        Refuse(400, code="invalid_prompt"),
        Refuse(400, body={"error": {"message": "litellm.ContentPolicyViolationError: content"
                                    " management policy", "code": "400", "type": None}}),
        Refuse(403, body={"error": {"message": "Blocked by content safety", "code": 403}}),
    ],
)  # fmt: skip
async def test_a_refused_prompt_asks_for_something_else(
    room: EngineRoom, server: OpenAIServer, refusal: Refuse
) -> None:
    server.answer(refusal)
    server.answer("Here.")
    heard = await room.say("hi", typed=True)
    assert (heard.text, heard.error_code) == (PHRASES.filtered, "content_filtered")
    assert (await room.say("hello?", typed=True)).text == "Here."


async def test_a_filter_that_strikes_in_the_stream(room: EngineRoom, server: OpenAIServer) -> None:
    server.answer(Frames(*HALF, AZURE, finish=None))
    heard = await room.say("hi", typed=True)
    assert heard.error_code == "content_filtered"
    assert heard.text.endswith(PHRASES.filtered)


@pytest.mark.parametrize(
    "refusal", [Refuse(400, code="bad_request"), Refuse(401, code="invalid_api_key")]
)
async def test_other_refusals_are_faults(
    room: EngineRoom, server: OpenAIServer, refusal: Refuse
) -> None:
    server.answer(refusal)
    heard = await room.say("hi", typed=True)
    assert (heard.text, heard.error_code) == (PHRASES.apology, "agent_failed")


async def test_an_agent_of_ones_own_that_meets_a_filter_is_understood_too() -> None:
    async with Filter("dynamite") as server:
        client = server.connect()

        async def reply(turn: Turn) -> AsyncIterator[Output]:
            messages: Any = turn.messages()
            stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
            async for chunk in stream:
                yield chunk.choices[0].delta.content or ""

        async with EngineRoom(reply) as room:
            heard = await room.say("dynamite", typed=True)
            assert (heard.text, heard.error_code) == (PHRASES.filtered, "content_filtered")
            server.answer("Hello.")
            assert (await room.say("hello", typed=True)).text == "Hello."


def test_what_stopped_a_model_is_found_behind_other_errors() -> None:
    error = RuntimeError("the agent failed")
    error.__cause__ = ModelStoppedError("answer_too_long", "full")
    assert find_stop(error) == "answer_too_long"
    assert find_stop(RuntimeError("content filter")) is None
    assert find_stop(KeyError("length")) is None
