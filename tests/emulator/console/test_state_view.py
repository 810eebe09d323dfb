"""State on the page: the history as the agent's engine has it, what was heard, what comes next."""

import pytest

from tests.emulator.console.conftest import Microphone
from tests.emulator.console.rig import Desk, Screen, open_console
from tests.emulator.console.test_call import answer

pytestmark = [pytest.mark.component, pytest.mark.timeout(180)]

LONG = " ".join(f"This is sentence {number} of many." for number in range(8))
AGENT = f"""
async def reply(turn):
    turn.state["guests"] = turn.state.get("guests", 0) + 1
    turn.notes["mood"] = "<b>calm</b>"
    yield "Hello." if turn.kind == "greeting" else {LONG!r}
"""


@pytest.fixture
def agent_code() -> str:
    return AGENT


def state(screen: Screen, selector: str) -> str:
    return screen.page.locator(f"console-state {selector}").first.inner_text()


def test_the_engines_history_with_what_was_heard_and_what_is_next(
    dev_desk: Desk, microphone: Microphone
) -> None:
    with open_console(dev_desk, microphone()) as screen:
        screen.page.get_by_role("tab", name="State").click()
        assert "talk first" in state(screen, "p")
        screen.talk()
        # Before its end a turn is none of what is next.
        screen.page.wait_for_selector(".next li", timeout=60_000)
        assert '"guests": 1' in state(screen, "pre")
        assert "greeting" in state(screen, ".past")
        assert "turn.history has 1 turn" in " ".join(state(screen, "h2:last-of-type + p").split())

        screen.wait_for_state("listening")
        screen.page.get_by_label("Say it in writing").fill("tell me all")
        screen.page.keyboard.press("Enter")
        screen.wait_for("voiceConsole.call.session.entries.at(-1).playedMs > 2500")
        screen.page.get_by_role("button", name="Interrupt").click()
        screen.wait_for_state("interrupted")
        # The estimate is made when the next turn comes; until then all that was delivered counts.
        screen.page.get_by_label("Say it in writing").fill("and now")
        screen.page.keyboard.press("Enter")
        screen.page.wait_for_selector(".next li:nth-child(3)")
        past = screen.page.locator(".past[data-sequence='2']")
        assert "tell me all" in past.inner_text()
        assert LONG.startswith(past.locator("p").nth(1).inner_text().split(" ✂")[0])
        assert "<b>calm</b>" in past.inner_text()
        given = screen.page.locator(".next li")
        assert given.count() == 3
        assert "tell me all" in given.nth(1).inner_text()
        shown = screen.page.evaluate(
            "async () => (await (await fetch(`/conversations/"
            "${voiceConsole.call.session.conversationId}`)).json()).next.history[1]"
        )
        struck = given.nth(1).locator("del").all_inner_texts()
        if shown["heard"] is None:
            assert struck == []
        else:
            assert f"{shown['heard']} {struck[0]}".split() == LONG.split()
            assert ("estimated" in given.nth(1).inner_text()) is not shown["heard_is_known"]


def test_an_agent_that_shows_nothing_says_why(microphone: Microphone) -> None:
    with Desk() as desk, open_console(desk, microphone()) as screen:
        desk.agent.answer = answer("Hi.")
        screen.talk()
        screen.wait_for_state("speaking", "listening")
        screen.page.get_by_role("tab", name="State").click()
        screen.page.wait_for_selector("console-state .note")
        assert "agent" in state(screen, ".note")
