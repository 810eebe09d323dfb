"""Several agents side by side: one microphone, one loudspeaker, one scale."""

from collections.abc import Iterator

import pytest

from tests.emulator.console.conftest import Microphone
from tests.emulator.console.rig import Desk, Screen, Sound, loud_s, open_console
from tests.emulator.console.test_call import answer
from tests.emulator.fakes import FakeAgentBackend

pytestmark = [pytest.mark.component, pytest.mark.timeout(180)]

CALLS = "voiceConsole.comparison.calls"


@pytest.fixture
def agents() -> dict[str, FakeAgentBackend]:
    agents = {"short": FakeAgentBackend(), "long": FakeAgentBackend()}
    agents["short"].answer = answer("One two three.")
    agents["long"].answer = answer("one two three four five six seven eight nine ten")
    return agents


@pytest.fixture
def desk(agents: dict[str, FakeAgentBackend]) -> Iterator[Desk]:
    with Desk(names=(), fakes=agents) as desk:
        desk.stt.texts = ["what is new", "what is new"]
        yield desk


def start(screen: Screen) -> None:
    screen.wait_for("voiceConsole.about")
    screen.page.evaluate(
        """() => {
          window.asked = 0; window.contexts = 0;
          const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = (what) => (window.asked++, ask(what));
          const Context = AudioContext;
          window.AudioContext = class extends Context {
            constructor(...a) { super(...a); window.contexts++; }
          };
          voiceConsole.call.prefer({ isGreeting: false });
        }"""
    )
    screen.page.get_by_role("button", name="+ Compare").click()
    screen.page.wait_for_selector("section.column:nth-of-type(2)")
    screen.talk()
    screen.wait_for(f"{CALLS}.every((call) => call.phase === 'open' && call.session.isReady)")


def wait_until_quiet(screen: Screen, turns: int) -> None:
    screen.wait_for(
        f"{CALLS}.every((call) => call.session.playing === null && call.session.active === null"
        f" && call.session.entries.filter((e) => e.kind === 'agent').length >= {turns})"
    )
    screen.page.wait_for_timeout(150)


def test_two_agents_hear_one_person_and_one_of_them_is_heard(
    desk: Desk, agents: dict[str, FakeAgentBackend], microphone: Microphone
) -> None:
    with open_console(desk, microphone(Sound(2.0, 1.0))) as screen:
        start(screen)
        wait_until_quiet(screen, 1)
        assert [agents[name].requests[0].text for name in agents] == ["what is new"] * 2
        assert screen.page.evaluate("[window.asked, window.contexts]") == [1, 0], "made at first"
        contexts = f"new Set({CALLS}.map(({{ engine }}) => engine.context)).size"
        assert screen.page.evaluate(contexts) == 1
        assert loud_s(screen.heard()) == pytest.approx(0.6, abs=0.15)
        played = screen.page.evaluate(f"() => {CALLS}.map((c) => c.session.entries[1].playedMs)")
        assert played == pytest.approx([600, 2000], abs=150)

        # The other one is heard from now on; what is written goes to both.
        screen.page.locator("section.column").nth(1).get_by_label("heard").check()
        before = len(screen.heard())
        screen.page.get_by_label("Say it in writing").fill("and now")
        screen.page.keyboard.press("Enter")
        wait_until_quiet(screen, 2)
        assert [agents[name].requests[1].text for name in agents] == ["and now"] * 2
        assert loud_s(screen.heard()[before:]) == pytest.approx(2.0, abs=0.25)

        # One scale, and each turn of each agent on it.
        screen.wait_for(f"{CALLS}.every((call) => call.rows.length >= 2)")
        screen.page.wait_for_timeout(100)
        legends = screen.page.locator("section.column .legend").all_inner_texts()
        scales = {legend[legend.index("scale") :].split(" ms")[0] for legend in legends}
        assert len(legends) == 2 and len(scales) == 1
        assert [one.locator(".turn").count() for one in screen.page.locator(".column").all()] == [
            2,
            2,
        ]
        assert screen.frames("error", "server") == []

        # One turn is looked at in all columns: its events, and the sound of the one clicked.
        before = len(screen.heard())
        columns = screen.page.locator("section.column")
        columns.nth(1).locator('.turn[data-turn="2"]').click()
        screen.page.wait_for_selector("section.column:nth-of-type(2) console-event-log .event")
        selected = screen.page.locator('.turn[aria-selected="true"]')
        assert [one.get_attribute("data-turn") for one in selected.all()] == ["2", "2"]
        for column in columns.all():
            assert column.locator("console-event-log .event").count() > 2
        screen.wait_for("voiceConsole.stage.isPlaying")
        screen.wait_for("!voiceConsole.stage.isPlaying")
        assert loud_s(screen.heard()[before:]) == pytest.approx(2.0, abs=0.3)
        columns.nth(0).locator('.turn[data-turn="2"]').click()
        screen.wait_for("document.querySelector('console-compare console-event-log') === null")


def test_interrupting_cuts_all_and_each_tells_what_it_played(
    desk: Desk, agents: dict[str, FakeAgentBackend], microphone: Microphone
) -> None:
    for agent in agents.values():
        agent.answer = answer(" ".join(["word"] * 30))
    with open_console(desk, microphone()) as screen:
        start(screen)
        screen.page.get_by_label("Say it in writing").fill("go on")
        screen.page.keyboard.press("Enter")
        screen.wait_for(f"{CALLS}.every((c) => c.session.entries[1]?.playedMs > 400)")
        screen.page.keyboard.press("Escape")
        screen.wait_for(f"{CALLS}.every((c) => c.session.entries[1].serverMs !== null)")
        for entry in screen.page.evaluate(f"() => {CALLS}.map((c) => c.session.entries[1])"):
            assert entry["serverMs"] == entry["cutMs"] > 400
        screen.page.get_by_role("button", name="Hang up").click()
        screen.wait_for(f"{CALLS}.every((call) => call.phase === 'ended')")
        screen.page.get_by_role("button", name="Back to one agent").click()
        screen.page.wait_for_selector("console-lanes")


def test_one_that_is_not_there_says_so_in_its_column_and_disturbs_nobody(
    desk: Desk, agents: dict[str, FakeAgentBackend], microphone: Microphone
) -> None:
    with open_console(desk, microphone()) as screen:
        screen.page.evaluate(
            "() => { voiceConsole.isComparing = true;"
            " voiceConsole.comparison.add({ agent: 'nobody', model: '' }); }"
        )
        screen.page.wait_for_selector("section.column:nth-of-type(2)")
        screen.page.get_by_label("Say it in writing").fill("hello")
        screen.page.keyboard.press("Enter")
        column = screen.page.locator("section.column").nth(1)
        assert "knows no agent" in column.locator(".note.error").inner_text()
        screen.wait_for("voiceConsole.call.session.entries.some((e) => e.kind === 'agent')")
        # Another one is chosen, and joins the call that runs.
        column.get_by_label("Who answers").select_option("long")
        column.get_by_role("button", name="Retry").click()
        screen.wait_for(f"{CALLS}[1].session.entries.some((e) => e.kind === 'agent')")
        column.get_by_label("Remove this agent").click()
        screen.page.wait_for_selector("console-lanes")
        assert screen.call("call.phase") == "open"
