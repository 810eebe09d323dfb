"""What becomes of the agent's server while the page is open: reload, failure, log, back again."""

import os
import signal
from pathlib import Path

import pytest

from tests.emulator.console.conftest import Microphone
from tests.emulator.console.rig import Desk, Screen, open_console
from voicelive_agent.listening import bind, url_of

pytestmark = [pytest.mark.component, pytest.mark.timeout(180)]

AGENT = """
import asyncio, logging

async def reply(turn):
    if turn.text == "warn":
        logging.getLogger("menu").warning("the menu is old: see menu.py:7")
    yield "Version one."
    if turn.text == "long":
        for word in range(200):
            yield f" Word {word} of a long answer."
            await asyncio.sleep(0.2)
"""


@pytest.fixture
def agent_code() -> str:
    return AGENT


def kill_the_server() -> None:
    """The newest agent server that this process has started."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    threads = Path("/proc/self/task").glob("*/children")
    ids = {*children, *(one for path in threads for one in path.read_text().split())}
    servers = [one for one in ids if b"serve" in Path(f"/proc/{one}/cmdline").read_bytes()]
    os.kill(max(map(int, servers)), signal.SIGKILL)


def write(screen: Screen, text: str) -> None:
    screen.page.get_by_label("Say it in writing").fill(text)
    screen.page.keyboard.press("Enter")


def wait_for_answer(screen: Screen, text: str) -> None:
    screen.page.wait_for_selector(f"article.agent:last-of-type >> text={text}", timeout=60_000)


def test_reload_failure_and_log_are_told_in_place_with_file_and_line(
    dev_desk: Desk, agent_file: Path, microphone: Microphone
) -> None:
    with open_console(dev_desk, microphone()) as screen:
        write(screen, "hello")
        wait_for_answer(screen, "Version one.")

        write(screen, "warn")
        warning = screen.page.locator(".news.warning")
        assert "the menu is old" in warning.inner_text(timeout=60_000)
        assert warning.locator(".place").inner_text() == "menu.py:7"

        # Not only in the conversation: what is broken stays in sight until it is mended.
        agent_file.write_text(AGENT + "\nx = (\n")
        broken = screen.page.locator('[data-state="agent-broken"]')
        assert "goes on answering" in broken.inner_text(timeout=60_000)
        assert broken.locator(".place").inner_text() == "my_agent.py:13"
        failed = screen.page.locator(".news.error")
        assert "SyntaxError" in failed.inner_text()
        assert failed.locator(".place").inner_text() == "my_agent.py:13"
        write(screen, "and now?")
        wait_for_answer(screen, "Version one.")

        agent_file.write_text(AGENT.replace("one", "two"))
        screen.page.wait_for_selector(".news:has-text('answers with the new code')", timeout=60_000)
        assert broken.count() == 0
        write(screen, "and now?")
        wait_for_answer(screen, "Version two.")
        # All of it stands where it happened.
        kinds = screen.call("call.session.entries.map((entry) => entry.level ?? entry.kind)")
        # A line of the log comes by another way than the words: either may be the first.
        assert sorted(kinds[3:5]) == ["agent", "warning"]
        assert [*kinds[:3], *kinds[5:]] == [
            *("you", "agent", "you"),
            *("info", "error", "you", "agent", "info", "info", "you", "agent"),
        ]


def test_an_agent_that_is_killed_says_so_and_is_asked_again_when_it_is_back(
    dev_desk: Desk, agent_file: Path, microphone: Microphone
) -> None:
    with open_console(dev_desk, microphone()) as screen:
        write(screen, "long")
        wait_for_answer(screen, "Word 3")
        kill_the_server()
        screen.wait_for_state("agent-away")
        said = screen.page.locator('.trouble[data-state="agent-away"] p').inner_text()
        assert "in mid-answer" in said
        screen.page.wait_for_selector('[data-state="agent-broken"] >> text=code -9')
        # Still away: its own words, and the way out stays.
        screen.page.get_by_role("button", name="Retry").click()
        screen.wait_for("/has ended/.test(voiceConsole.call.session.failure?.message)")
        assert screen.call("call.state.way") == "ask"
        agent_file.write_text(AGENT.replace("one", "three"))
        screen.page.wait_for_selector(".news:has-text('answers with the new code')", timeout=60_000)
        screen.page.get_by_role("button", name="Retry").click()
        wait_for_answer(screen, "Version three. Word 0")
        assert screen.call("call.session.entries.filter((e) => e.kind === 'you').length") == 1


def test_an_agent_that_is_away_is_told_before_anybody_talks(microphone: Microphone) -> None:
    listener = bind("127.0.0.1", 0)
    url = url_of(listener, "127.0.0.1")
    listener.close()
    with Desk(urls={"*": url}) as desk, open_console(desk, microphone()) as screen:
        screen.wait_for_state("agent-away")
        said = screen.page.locator('.trouble[data-state="agent-away"] p').inner_text()
        assert said.startswith(f"Nothing answers at {url}: start the agent")
        screen.talk()
        screen.wait_for("voiceConsole.call.session.failure?.code === 'agent_unreachable'")
        assert "start the agent" in screen.call("call.state.sentence")
