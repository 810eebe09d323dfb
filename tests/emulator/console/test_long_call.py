"""A call of an hour: the page holds no more of it than of ten minutes, and is drawn as fast."""

import pytest

from tests.emulator.console.conftest import Microphone
from tests.emulator.console.long_call import keep_frames, pass_minutes, size_of
from tests.emulator.console.rig import Desk, Sound, open_console
from tests.emulator.console.test_call import answer

pytestmark = [pytest.mark.component, pytest.mark.timeout(180)]

DRAW = """async () => {
  const parts = ["console-conversation", "console-waterfall", "console-event-log", "console-bar"];
  const views = parts.map((name) => document.querySelector(name));
  const times = [];
  for (let at = 0; at < 50; at++) {
    const from = performance.now();
    for (const view of views) {
      view.requestUpdate();
      view.performUpdate();
    }
    document.body.scrollHeight;
    times.push(performance.now() - from);
  }
  return Math.min(...times);
}"""
"""Ms to draw all anew: the least of fifty, as a machine has other work."""


def test_an_hour_of_a_call_does_not_grow(microphone: Microphone) -> None:
    """The page drew each entry of the call and kept a sound of each run of the event log: with
    each turn there was more to draw and to hold."""
    with Desk() as desk, open_console(desk, microphone(Sound(2.0)), is_tapped=False) as screen:
        session = screen.page.context.new_cdp_session(screen.page)
        desk.agent.answer = answer(" ".join(["word"] * 8))
        desk.stt.texts = ["what are your opening hours"]
        screen.page.evaluate("() => voiceConsole.call.prefer({ isGreeting: false })")
        screen.talk()
        screen.wait_for("voiceConsole.call.session.isReady")
        keep_frames(screen)
        screen.wait_for("voiceConsole.call.session.entries.some((e) => e.isDone)")
        screen.wait_for("voiceConsole.call.session.playing === null")

        pass_minutes(screen, 10)
        early, drawn_ms = size_of(screen, session), screen.page.evaluate(DRAW)
        pass_minutes(screen, 50)
        late, drawn_later_ms = size_of(screen, session), screen.page.evaluate(DRAW)

        assert screen.call("call.session.entries.length") > 700
        assert screen.call("call.rows.length") == 360
        assert screen.call("call.lanes.endMs") > 3_500_000
        assert late.nodes == pytest.approx(early.nodes, rel=0.1)
        assert late.listeners == pytest.approx(early.listeners, rel=0.1)
        # What was said and done is kept as texts; nothing else is.
        assert late.all_mb < early.all_mb + 6, (early, late)
        assert drawn_later_ms < drawn_ms * 3 + 1
        # What was said first is still there for who asks for it.
        while (earlier := screen.page.locator(".earlier")).count():
            earlier.click()
        assert screen.page.locator("article.you").count() == 361
        screen.page.get_by_role("button", name="All 360 turns").click()
        assert screen.page.locator(".turn").count() == 360
