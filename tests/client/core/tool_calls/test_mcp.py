"""MCP servers, by the unmodified SDK over a real socket: listed, approved, called, spoken of."""

import asyncio
import re

import pytest

from tests.client.mcp_service import LABEL, McpService
from tests.client.stage import NotingScreen
from tests.client.test_talk import answers, open_talk
from voicelive_agent.client.core import wait_for_quiet as quiet
from voicelive_agent.client.talk import NO_ANSWER

PATIENCE_S = 20


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "SETTLE_S", 0.1)


async def run(
    service: McpService, *lines: str, approval: str = "always"
) -> tuple[int, NotingScreen]:
    screen = NotingScreen()
    options = {"model": "m", "mcp_server": [f"{LABEL}=https://example.com/mcp"]}
    async with service.running(), asyncio.timeout(PATIENCE_S):
        talk = open_talk(service.url, screen, *lines, mcp_approval=approval, **options)
        return await talk.run(), screen


def shown(screen: NotingScreen, *patterns: str) -> None:
    """All of these are shown, in this order."""
    text = "\n".join(screen.notices)
    at = 0
    for pattern in patterns:
        found = re.compile(pattern).search(text, at)
        assert found, f"{pattern!r} is missing behind {text[:at]!r} in {text!r}"
        at = found.end()


async def test_the_server_is_declared_and_everything_it_does_is_shown() -> None:
    service = McpService(asks="never")
    code, screen = await run(service, "when are you open", approval="never")
    assert code == 0
    [update] = service.of("session.update")
    assert update["session"]["tools"] == [
        {
            "type": "mcp",
            "server_label": LABEL,
            "server_url": "https://example.com/mcp",
            "require_approval": "never",
        }
    ]
    shown(
        screen,
        "docs offers search",
        "docs lists its tools",
        "docs is ready",
        r"The model calls docs: search\(.*opening hours",
        "docs: search runs",
        "docs: search is done",
    )
    # The result is spoken of because the client asks for it, once.
    assert len(service.of("response.create")) == 2
    assert len(answers(screen)) == 1


@pytest.mark.parametrize("asks", ["within", "after"])
@pytest.mark.parametrize("word", ["y", "no"])
async def test_the_person_is_asked(asks: str, word: str) -> None:
    """An approval may be asked for while its response is active, or after that."""
    service = McpService(asks=asks)
    code, screen = await run(service, "when are you open", word, "thank you")
    assert code == 0
    shown(screen, r"May the model use docs: search\(.*opening hours.*\)\? Type y or n")
    [approval] = [
        event["item"]
        for event in service.of("conversation.item.create")
        if event["item"]["type"] == "mcp_approval_response"
    ]
    assert approval["approve"] is (word == "y")
    shown(screen, "Approved: docs" if word == "y" else "Denied: docs")
    # The call, what follows from it, and the answer to the next line.
    assert len(service.of("response.create")) == 3
    assert len(answers(screen)) == 2


async def test_a_tool_that_fails_is_spoken_of_as_well() -> None:
    service = McpService(asks="within", fails=True)
    code, screen = await run(service, "when are you open", "y")
    assert code == 0
    shown(screen, "docs: search failed", "docs: search reports an error")
    assert len(answers(screen)) == 1


async def test_nobody_left_to_ask_ends_the_talk() -> None:
    """Typed lines used to wait for an answer that itself waited for the next line."""
    code, screen = await run(McpService(), "when are you open")
    assert code == NO_ANSWER
    assert "--mcp-approval never" in screen.errors[0]
