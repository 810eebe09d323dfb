"""The waterfall on the page is what the emulator measured, turn by turn, to the millisecond."""

import itertools
import re
from typing import Any

import pytest

from tests.emulator.console.conftest import Microphone
from tests.emulator.console.rig import Desk, Screen, Sound, open_console
from tests.emulator.console.test_call import answer

pytestmark = [pytest.mark.component, pytest.mark.timeout(120)]

STAGES = {
    "end of turn": "end_of_turn",
    "transcript": "transcript",
    "POST → first delta": "first_delta",
    "first clause → audio": "first_audio_byte",
}


def read_turn(screen: Screen, number: int) -> dict[str, tuple[int, int]]:
    """Each stage of a turn as its tooltip says it: from and to, in ms."""
    titles = screen.page.locator(f'.turn[data-turn="{number}"] title').all_text_contents()
    found = [re.fullmatch(r"(.+): \d+ ms \((\d+) to (\d+)\)", title) for title in titles]
    return {one[1]: (int(one[2]), int(one[3])) for one in found if one}


def total(screen: Screen, number: int) -> str:
    return screen.page.locator(f'.turn[data-turn="{number}"] .total').inner_text()


def test_each_row_is_what_was_measured(microphone: Microphone) -> None:
    with (
        Desk() as desk,
        open_console(desk, microphone(Sound(2.5, 0.8), Sound(5.5, 0.8), Sound(9.5, 0.8))) as screen,
    ):
        desk.agent.answer = answer("Hi.")
        desk.stt.texts = ["first", "second", "third"]
        screen.talk()
        screen.wait_for("voiceConsole.call.rows.length === 1")
        desk.agent.answer = answer(" ".join(["word"] * 40))
        screen.wait_for("voiceConsole.call.session.entries.some((e) => e.cutMs > 0)")
        desk.agent.answer = answer("Yes.")
        # From now on nobody answers by itself: a turn ends, and no answer is asked for.
        screen.wait_for("voiceConsole.call.session.entries.some((e) => e.text === 'Yes.')")
        screen.page.evaluate(
            "() => voiceConsole.call.update({ turn_detection:"
            " { type: 'server_vad', create_response: false } })"
        )
        screen.wait_for("voiceConsole.call.session.entries.some((e) => e.text === 'third')")
        screen.page.evaluate("() => voiceConsole.call.loadTurns()")
        screen.page.wait_for_selector('.turn[data-turn="4"]')
        screen.page.wait_for_timeout(500)
        measured: list[dict[str, Any]] = screen.page.evaluate(
            "async () => (await voiceConsole.call.service.json("
            "`/sessions/${voiceConsole.call.session.id}`)).turns"
        )
        assert [turn["number"] for turn in measured] == [1, 2, 3, 4]
        for turn in measured[:3]:
            marks = turn["marks_ms"]
            zero = marks["speech_end"] if turn["kind"] == "speech" else marks["post"]
            shown = read_turn(screen, turn["number"])
            assert shown, turn
            for title, name in STAGES.items():
                if title in shown:
                    assert shown[title][1] == pytest.approx(marks[name] - zero, abs=1), title
            # One stage ends where the next begins, and the last is when it was audible.
            spans = list(shown.values())
            assert spans[0][0] == 0
            assert all(
                one[1] == pytest.approx(other[0], abs=1) for one, other in itertools.pairwise(spans)
            )
            assert f"{spans[-1][1]} ms" in total(screen, turn["number"])
            assert shown["first clause → audio"][1] <= shown["page"][0] + 1
        # A greeting begins when it is asked for, a cut turn says so, an unanswered one too.
        assert "end of turn" not in read_turn(screen, 1)
        assert "greeting" in screen.page.locator('.turn[data-turn="1"]').inner_text()
        assert "✂" in total(screen, 2)
        assert "✂" not in total(screen, 3)
        assert "no answer asked for" in total(screen, 4)
        # The median leaves out what was interrupted, and the greeting.
        assert "· 1 turn" in screen.page.locator("footer").inner_text()
