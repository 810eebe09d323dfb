"""The application's agent: what it says, shows and remembers, turn by turn."""

import ast
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from app import agent
from tests.server.serving import read_events, serve
from voicelive_agent import ClientEvent, EndCall, Turn
from voicelive_agent.server.app import create_app
from voicelive_agent.server.settings import Settings


class Caller:
    """One conversation; the state goes through JSON as a store would send it."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.outputs: list[agent.Output] = []

    async def greet(self) -> str:
        return await self._take(Turn("greeting"))

    async def say(self, text: str) -> str:
        return await self._take(Turn("speech", text))

    async def click(self, action: dict[str, Any]) -> str:
        return await self._take(Turn("action", action=action))

    async def _take(self, turn: Turn) -> str:
        turn.state = json.loads(json.dumps(self.state))
        self.outputs = [output async for output in agent.reply(turn)]
        self.state = turn.state
        return "".join(self.deltas)

    @property
    def deltas(self) -> list[str]:
        return [output for output in self.outputs if isinstance(output, str)]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [output.payload for output in self.outputs if isinstance(output, ClientEvent)]

    @property
    def buttons(self) -> dict[str, dict[str, Any]]:
        shown = next(event for event in self.events if event["type"] == "ui.buttons")
        return {button["label"]: button["action"] for button in shown["buttons"]}


@pytest.fixture
def caller() -> Caller:
    return Caller()


def test_it_is_short_and_imports_one_name_of_the_library() -> None:
    source = Path(agent.__file__).read_text()
    imports = [
        node.module
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module and "voicelive" in node.module
    ]
    assert imports == ["voicelive_agent"]
    assert len(source.splitlines()) < 100


async def test_it_greets_with_what_it_can_do_and_buttons(caller: Caller) -> None:
    assert await caller.greet() == (
        "Hello! I know the weather in Seattle, Portland and Vancouver. Which would you like?"
    )
    assert list(caller.buttons) == ["Seattle", "Portland", "Vancouver"]


@pytest.mark.parametrize(
    "asked", ["what is the weather in Seattle", "What's the weather in seattle?", "and in Seattle"]
)
async def test_the_weather_comes_in_the_documents_words_with_a_card_and_buttons(
    caller: Caller, asked: str
) -> None:
    assert await caller.say(asked) == "The weather in Seattle is 52°F and partly cloudy."
    assert caller.deltas == ["The weather ", "in Seattle ", "is 52°F ", "and partly cloudy."]
    card, buttons = caller.events
    assert card == {
        "type": "ui.card",
        "title": "Weather in Seattle",
        "lines": ["52°F", "Partly cloudy"],
    }
    assert caller.outputs[2] == ClientEvent(**card)
    assert [button["label"] for button in buttons["buttons"]] == ["Portland", "Vancouver"]


async def test_a_click_is_answered_like_the_question(caller: Caller) -> None:
    await caller.greet()
    assert "The weather in Portland" in await caller.click(caller.buttons["Portland"])


@pytest.mark.parametrize(
    "action",
    [{}, {"type": "order"}, {"type": "weather", "city": "Rome"}, {"type": "weather", "city": [1]}],
)
async def test_another_click_is_told_so(caller: Caller, action: dict[str, Any]) -> None:
    assert await caller.click(action) == "I don't know that button."


@pytest.mark.parametrize(
    "corrected",
    [
        "no, Portland",
        "No Portland.",
        "I meant Portland",
        "no not Seattle, Portland",
        "Portland, not Seattle",
    ],
)
async def test_it_corrects_itself(caller: Caller, corrected: str) -> None:
    await caller.say("what is the weather in Seattle")
    said = await caller.say(corrected)
    assert said == "Sorry, Portland. The weather in Portland is 55°F and rainy."


async def test_it_remembers_where_the_caller_lives(caller: Caller) -> None:
    assert "told me" in await caller.say("where do I live")
    assert "You live in Portland" in await caller.say("I live in Portland")
    await caller.say("what is the weather in Seattle")
    assert "in Portland" in await caller.say("what is the weather like")
    assert await caller.say("where do I live") == "You live in Portland."
    assert (await caller.greet()).startswith("Welcome back!")


async def test_where_the_caller_lives_is_corrected_too(caller: Caller) -> None:
    await caller.say("I live in Portland")
    assert "You live in Vancouver" in await caller.say("no, Vancouver")
    assert await caller.say("where do I live") == "You live in Vancouver."


async def test_a_city_that_it_does_not_know_is_asked_for(caller: Caller) -> None:
    assert "I know the weather" in await caller.say("what is the weather like")
    await caller.say("Seattle")
    assert "in Seattle" in await caller.say("is it raining")
    assert "I know the weather" in await caller.say("what is the weather in Rome")


async def test_goodbye_ends_the_call(caller: Caller) -> None:
    assert "Goodbye" in await caller.say("Thank you, goodbye.")
    assert caller.outputs[-1] == EndCall()


async def test_anything_else_is_answered_with_what_can_be_asked(caller: Caller) -> None:
    assert await caller.say("thank you") == "You're welcome."
    assert "Ask me" in await caller.say("who won the game last night")
    assert not any(isinstance(output, EndCall) for output in caller.outputs)


async def test_it_remembers_over_a_restart_of_the_server(tmp_path: Path) -> None:
    async def ask(text: str) -> str:
        settings = Settings(agent="app.agent:reply", conversations=f"sqlite:///{tmp_path}/kept")
        async with (
            serve(create_app(settings=settings)) as url,
            httpx.AsyncClient(base_url=url) as client,
        ):
            body = {"type": "input_audio.transcription", "input": text}
            answer = await client.post(
                "/invocations", params={"agent_session_id": "one"}, json=body
            )
        events = read_events(answer.text)
        return str(next(event["text"] for event in events if "text" in event))

    await ask("I live in Portland")
    assert await ask("where do I live") == "You live in Portland."
