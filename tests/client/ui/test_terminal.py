import io
import re
import sys
from typing import Any

import pytest

from voicelive_agent.client.ui.screen import Summary, TurnTimes
from voicelive_agent.client.ui.terminal import Terminal


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "20")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def show(screen: Terminal) -> None:
    screen.status("listening")
    screen.transcript("you", "u", "what is", final=False)
    screen.transcript("you", "u", "What is it?", final=True)
    screen.transcript("agent", "a", "It is", final=False)
    screen.cut("a", "It")
    screen.level(-20, muted=False)
    screen.turn(TurnTimes(transcript_ms=100, first_sound_ms=512.4))
    screen.error("It failed.")


def test_plain_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    screen = Terminal(out)
    show(screen)
    screen.close()
    assert out.getvalue().splitlines() == [
        "[listening]",
        "  you  What is it?",
        "agent  It — (interrupted)",
        "⏱ transcript 100 ms · first sound 512 ms",
        "✗ It failed.",
    ]


def test_live_part_shows_what_is_said_right_now() -> None:
    out = Tty()
    screen = Terminal(out)
    screen.transcript("agent", "a", "It is", final=False)
    screen.status("speaking")
    assert "It is" in out.getvalue()
    assert "speaking" in out.getvalue()
    show(screen)
    screen.summary(Summary())
    screen.close()
    assert "\x1b[" in out.getvalue()


def test_live_part_on_the_real_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rich redirects used to come back to it, and nothing was seen at all."""
    out = Tty()
    monkeypatch.setattr(sys, "stdout", out)
    screen = Terminal()
    show(screen)
    screen.close()
    assert "What is it?" in out.getvalue()
    assert "listening" in out.getvalue()


def test_what_is_spoken_right_now_is_in_sight() -> None:
    screen = Terminal(Tty(), prompted=True)
    screen.speaking("before " * 30 + "NOW", "then " + "after " * 30)
    line = screen.toolbar().splitlines()[0]
    assert "NOW" in line
    assert "then" in line
    assert len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= 60
    screen.speaking("", "")
    assert "NOW" not in screen.toolbar()


@pytest.mark.parametrize("columns", [10, 24, 60])
def test_long_lines_are_wrapped_between_words(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    out = Tty()
    screen = Terminal(out, prompted=True)
    screen.transcript("agent", "a", "The weather in Seattle is partly cloudy.", final=True)
    screen.notice("The microphone is silent.")
    screen.card({"type": "ui.card", "title": "Weather", "lines": ["Partly cloudy"]})
    screen.speaking("The weather in", "Seattle is partly cloudy.")
    assert screen.toolbar()
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()).splitlines()
    assert max(map(len, lines)) <= columns
    if columns == 24:
        text = [line.rstrip() for line in lines[:3]]
        assert text == ["agent  The weather in", "       Seattle is partly", "       cloudy."]


def test_toolbar_of_a_prompt_has_the_live_part() -> None:
    out = Tty()
    screen = Terminal(out, prompted=True)
    screen.transcript("agent", "a", "word " * 40 + "end", final=False)
    screen.level(-30, muted=False)
    screen.status("speaking")
    assert out.getvalue() == ""
    toolbar = screen.toolbar()
    assert "end" in toolbar
    assert "speaking" in toolbar
    assert toolbar.count("▮") == 10
    assert len(toolbar.splitlines()) == 2
    screen.level(-30, muted=True)
    assert "muted" in screen.toolbar()


def test_cards_and_their_buttons() -> None:
    out = io.StringIO()
    screen = Terminal(out)
    screen.card({"type": "ui.card", "title": "Weather [bold]", "lines": ["52°F", "Cloudy"]})
    action = {"type": "click", "action": "book"}
    buttons: list[dict[str, Any]] = [{"label": "Book", "action": action}, {"label": "Call"}]
    screen.card({"type": "ui.buttons", "buttons": buttons})
    text = out.getvalue()
    for expected in ("Weather [bold]", "52°F", "Cloudy", " 1  Book", " 2  Call", "type a number"):
        assert expected in text
    assert screen.choose(1) == action
    screen.turn(TurnTimes())
    assert screen.choose(1) == action
    screen.card({"type": "ui.buttons", "buttons": [{"label": "Other", "action": {"a": 2}}]})
    assert screen.choose(1) == {"a": 2}
    assert screen.choose(2) is None


def test_a_long_line_of_a_card_is_not_cut_off() -> None:
    out = io.StringIO()
    Terminal(out).card({"type": "ui.card", "title": "Hours", "lines": ["word " * 30 + "LAST"]})
    assert "LAST" in out.getvalue()


def test_text_of_the_service_does_not_steer_the_terminal() -> None:
    out = io.StringIO()
    screen = Terminal(out)
    screen.transcript("agent", "a", "evil \x1b[2J\x07[red]text[/red]\nmore", final=True)
    screen.card({"type": "ui.card", "title": "\x1b]0;title\x07", "lines": ["\x1b[H"]})
    assert "\x1b" not in out.getvalue()
    assert "[red]text[/red] more" in out.getvalue()


def test_summary_has_a_table_of_latency() -> None:
    out = io.StringIO()
    turns = [TurnTimes(first_sound_ms=ms) for ms in (100.0, 200.0, 900.0)]
    turns[0].interrupted = True
    Terminal(out).summary(Summary(turns=turns, seconds=61, reconnects=1, dropped_input_ms=40))
    text = out.getvalue()
    for expected in ("3 turns in 61 s", "1 interruption ", "1 reconnect", "40 ms", "200", "900"):
        assert expected in text
