"""A page that nobody looks at, and one that nobody talks to."""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.emulator.console.conftest import Microphone
from tests.emulator.console.rig import Desk, Sound, open_console
from tests.emulator.console.test_call import answer, find, keep_sound, sent

pytestmark = [pytest.mark.component, pytest.mark.alone, pytest.mark.timeout(180)]

HIDE = """() => {
  Object.defineProperty(document, "hidden", { configurable: true, value: true });
  window.show = () => {
    delete document.hidden;
    document.dispatchEvent(new Event("visibilitychange"));
  };
}"""
"""What a hidden tab tells a page."""
IDLE_S = 3


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


def test_a_hidden_tab_talks_on(desk: Desk, microphone: Microphone) -> None:
    """Sound and log go on where no frame is drawn; the page shows it all when it is seen again."""
    desk.agent.answer = answer("one two three")
    desk.stt.texts = ["what is the weather"]
    with open_console(desk, microphone(Sound(2.0))) as screen:
        keep_sound(screen)
        screen.talk()
        screen.wait_for_state("speaking")
        screen.wait_for_state("listening")
        screen.page.evaluate(HIDE)
        screen.wait_for("voiceConsole.call.session.entries.some((e) => e.kind === 'you')")
        screen.wait_for(
            "voiceConsole.call.log.rows.filter((r) => r.type === 'response.done').length > 1"
        )
        screen.page.wait_for_timeout(1500)
        heard, wanted = screen.heard(), sent(screen)
        at = find(heard, wanted)
        assert at >= 0
        assert np.abs(heard[at : at + len(wanted)].astype(int) - wanted).max() <= 1
        assert screen.page.locator("article.you").count() == 0
        screen.page.evaluate("window.show()")
        screen.page.wait_for_selector("article.you")


def test_an_idle_page_leaves_the_machine_alone(desk: Desk, microphone: Microphone) -> None:
    """Of a second it takes less than 50 ms; `benchmarks.console` counts all of the browser."""
    with open_console(desk, microphone()) as screen:
        session = screen.page.context.new_cdp_session(screen.page)
        session.send("Performance.enable")

        def busy_s() -> float:
            metrics = session.send("Performance.getMetrics")["metrics"]
            return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")

        screen.page.wait_for_timeout(1000)
        before_s = busy_s()
        screen.page.wait_for_timeout(IDLE_S * 1000)
        assert busy_s() - before_s < 0.05 * IDLE_S
