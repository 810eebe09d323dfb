"""The face: its mouth follows the visemes of what is heard, and rests when nothing is."""

from typing import Any

import pytest

from tests.emulator import fakes
from tests.emulator.console.conftest import Microphone
from tests.emulator.console.rig import Desk, Screen, open_console
from tests.emulator.console.test_call import answer

pytestmark = [pytest.mark.component, pytest.mark.alone, pytest.mark.timeout(120)]

REST = "0.06"
WORD_MS = 600
WATCH = """() => {
  const svg = document.querySelector("console-face svg");
  window.mouths = [];
  const note = () => {
    const [entry] = voiceConsole.call.session.entries;
    window.mouths.push({ mouth: svg.dataset.mouth, playedMs: entry?.playedMs });
  };
  new MutationObserver(note).observe(svg, { attributes: true, attributeFilter: ["data-mouth"] });
}"""


def watch(screen: Screen) -> list[dict[str, Any]]:
    mouths: list[dict[str, Any]] = screen.page.evaluate("window.mouths")
    return mouths


def test_the_mouth_moves_with_what_is_heard_and_stops_with_a_cut(
    microphone: Microphone, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It is drawn five times a second: more often than a shape of this voice lasts.
    monkeypatch.setattr(fakes, "WORD_MS", WORD_MS)
    with Desk() as desk, open_console(desk, microphone()) as screen:
        desk.tts.visemes = (2, 21)
        desk.agent.answer = answer(" ".join(["word"] * 40))
        screen.page.evaluate(WATCH)
        screen.talk()
        screen.wait_for("voiceConsole.call.session.entries[0]?.playedMs > 4000")
        screen.page.keyboard.press("Escape")
        screen.wait_for_state("interrupted")
        screen.page.wait_for_timeout(100)
        moved = watch(screen)
        # Wide open and shut, turn and turn about: one of each in a word.
        shapes = [one["mouth"] for one in moved]
        assert set(shapes) == {"1", "0", REST}
        assert shapes.count("1") >= 3
        assert shapes[-1] == REST
        # Open where the first half of a word is heard, and shut in the second.
        phases = [one["playedMs"] % WORD_MS for one in moved if one["mouth"] == "1"]
        assert sorted(phases)[len(phases) // 2] < WORD_MS / 2
        screen.page.wait_for_timeout(400)
        assert len(watch(screen)) == len(moved), "a mouth that goes on after a cut"


def test_who_wants_less_motion_gets_none(microphone: Microphone) -> None:
    with Desk() as desk, open_console(desk, microphone(), reduced_motion="reduce") as screen:
        desk.tts.visemes = (2, 21)
        desk.agent.answer = answer("word word word word")
        screen.page.evaluate(WATCH)
        screen.talk()
        screen.wait_for_state("speaking")
        screen.wait_for_state("listening")
        assert watch(screen) == []
