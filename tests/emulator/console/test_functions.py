"""Functions of a model from the page: given, called, answered by the person or always alike."""

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.emulator.console.conftest import Microphone
from tests.emulator.console.rig import Desk, Screen, open_console
from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerFinished,
    ArgumentsDelta,
    FunctionCall,
    FunctionCallBegan,
    TextDelta,
)

pytestmark = [pytest.mark.component, pytest.mark.timeout(180)]

ARGUMENTS = '{"city": "<img src=x onerror=alert(1)>"}'
TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}


async def weather(request: AgentRequest) -> AsyncIterator[AgentEvent]:
    """Asks for the weather where it has a function for that, and says what came back."""
    results = [item for item in request.items if item["type"] == "function_call_output"]
    asked = [item for item in request.items if item.get("role") == "user"]
    if len(results) < len(asked) and request.tools:
        yield FunctionCallBegan("call_1", "get_weather")
        yield ArgumentsDelta("call_1", ARGUMENTS)
        yield FunctionCall("call_1", "get_weather", ARGUMENTS)
    else:
        yield TextDelta(f"It is {results[-1]['output']}." if results else "Hello.")
    yield AnswerFinished()


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        desk.agent.answer = weather
        yield desk


def ask(screen: Screen, text: str) -> None:
    screen.page.get_by_label("Say it in writing").fill(text)
    screen.page.keyboard.press("Enter")


def open_functions(screen: Screen) -> None:
    screen.page.get_by_label("Who answers").select_option("model:")
    screen.page.get_by_role("tab", name="Functions").click()


def test_functions_are_given_called_and_answered(desk: Desk, microphone: Microphone) -> None:
    with open_console(desk, microphone()) as screen:
        assert screen.page.get_by_role("tab", name="Functions").count() == 0
        open_functions(screen)
        screen.page.get_by_label("Tools as JSON").fill(json.dumps([TOOL]))
        screen.page.get_by_role("button", name="Use these tools").click()
        ask(screen, "how is the weather")
        panel = screen.page.locator("console-functions .call")
        screen.page.wait_for_selector('console-functions .call[data-status="waits"]')
        # Its arguments are text, as everything of a model.
        assert json.loads(panel.locator("pre").inner_text()) == json.loads(ARGUMENTS)
        assert screen.page.locator("console-functions img").count() == 0
        panel.get_by_label("Result of get_weather").fill("sunny")
        panel.get_by_label("always answer so").check()
        panel.get_by_role("button", name="Send the result").click()
        screen.page.wait_for_selector("article.agent >> text=It is sunny.")
        items = [one for one in desk.agent.requests[-1].items if one["type"].startswith("func")]
        assert [one["type"] for one in items] == ["function_call", "function_call_output"]
        assert items[1]["output"] == "sunny"
        # From now on it is answered without anybody.
        ask(screen, "and tomorrow")
        screen.wait_for(
            "voiceConsole.call.session.entries.filter((e) => e.kind === 'agent').length === 2"
        )
        assert screen.page.locator('[data-status="waits"]').count() == 0
        screen.page.get_by_role("button", name="ask me again").click()
        ask(screen, "and then")
        screen.page.wait_for_selector('console-conversation .call[data-status="waits"]')
        assert screen.frames("error", "server") == []


def test_tools_that_are_wrong_say_so_where_they_are_written(
    desk: Desk, microphone: Microphone
) -> None:
    with open_console(desk, microphone()) as screen:
        open_functions(screen)
        screen.page.get_by_label("Tools as JSON").fill("[")
        screen.page.get_by_role("button", name="Use these tools").click()
        assert "no JSON" in screen.page.locator("console-functions [role=alert]").inner_text()
        ask(screen, "hello")
        screen.page.wait_for_selector("article.agent >> text=Hello.")
        wrong = json.dumps([{"type": "function"}])
        screen.page.get_by_label("Tools as JSON").fill(wrong)
        screen.page.get_by_role("button", name="Use these tools").click()
        screen.wait_for("voiceConsole.call.updates.status.get('tools')?.outcome === 'refused'")
        screen.page.wait_for_selector("console-functions [role=alert] >> text=name")
        assert screen.page.get_by_label("Tools as JSON").input_value() == wrong
