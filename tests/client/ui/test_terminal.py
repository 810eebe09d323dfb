import io
import re
import sys
from typing import Any

import pytest

from voicelive_agent.client.core.cards import Cards
from voicelive_agent.client.core.latency import Summary, TurnTimes
from voicelive_agent.client.core.screen import (
    Failure,
    Interrupted,
    Level,
    Notice,
    Speaking,
    Status,
    Transcript,
)
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
    screen.show(Status("listening"))
    screen.show(Transcript("you", "u", "what is", final=False))
    screen.show(Transcript("you", "u", "What is it?", final=True))
    screen.show(Transcript("agent", "a", "It is", final=False))
    screen.show(Interrupted("a", "It"))
    screen.show(Level(-20, muted=False))
    screen.show(TurnTimes(transcript_ms=100, first_sound_ms=512.4))
    screen.show(Failure("It failed."))


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
    screen.show(Transcript("agent", "a", "It is", final=False))
    screen.show(Status("speaking"))
    assert "It is" in out.getvalue()
    assert "speaking" in out.getvalue()
    show(screen)
    screen.show(Summary())
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
    screen.show(Speaking("before " * 30 + "NOW", "then " + "after " * 30))
    line = screen.toolbar().splitlines()[0]
    assert "NOW" in line
    assert "then" in line
    assert len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= 60
    screen.show(Speaking("", ""))
    assert "NOW" not in screen.toolbar()


@pytest.mark.parametrize("columns", [10, 24, 60])
def test_long_lines_are_wrapped_between_words(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    out = Tty()
    screen = Terminal(out, prompted=True)
    screen.show(Transcript("agent", "a", "The weather in Seattle is partly cloudy.", final=True))
    screen.show(Notice("The microphone is silent."))
    screen.show(Cards().read({"type": "ui.card", "title": "Weather", "lines": ["Partly cloudy"]}))
    screen.show(Speaking("The weather in", "Seattle is partly cloudy."))
    assert screen.toolbar()
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()).splitlines()
    assert max(map(len, lines)) <= columns
    if columns == 24:
        text = [line.rstrip() for line in lines[:3]]
        assert text == ["agent  The weather in", "       Seattle is partly", "       cloudy."]


def test_toolbar_of_a_prompt_has_the_live_part() -> None:
    out = Tty()
    screen = Terminal(out, prompted=True)
    screen.show(Transcript("agent", "a", "word " * 40 + "end", final=False))
    screen.show(Level(-30, muted=False))
    screen.show(Status("speaking"))
    assert out.getvalue() == ""
    toolbar = screen.toolbar()
    assert "end" in toolbar
    assert "speaking" in toolbar
    assert toolbar.count("▮") == 10
    assert len(toolbar.splitlines()) == 2
    screen.show(Level(-30, muted=True))
    assert "muted" in screen.toolbar()


def test_cards_and_their_buttons() -> None:
    out = io.StringIO()
    screen = Terminal(out)
    screen.show(
        Cards().read({"type": "ui.card", "title": "Weather [bold]", "lines": ["52°F", "Cloudy"]})
    )
    buttons: list[dict[str, Any]] = [{"label": "Book", "action": "book"}, {"label": "Call"}]
    screen.show(Cards().read({"type": "ui.buttons", "buttons": buttons}))
    text = out.getvalue()
    for expected in ("Weather [bold]", "52°F", "Cloudy", " 1  Book", " 2  Call", "type a number"):
        assert expected in text


def test_a_long_line_of_a_card_is_not_cut_off() -> None:
    out = io.StringIO()
    Terminal(out).show(
        Cards().read({"type": "ui.card", "title": "Hours", "lines": ["word " * 30 + "LAST"]})
    )
    assert "LAST" in out.getvalue()


def test_text_of_the_service_does_not_steer_the_terminal() -> None:
    out = io.StringIO()
    screen = Terminal(out)
    screen.show(Transcript("agent", "a", "evil \x1b[2J\x07[red]text[/red]\nmore", final=True))
    screen.show(Cards().read({"type": "ui.card", "title": "\x1b]0;title\x07", "lines": ["\x1b[H"]}))
    assert "\x1b" not in out.getvalue()
    assert "[red]text[/red] more" in out.getvalue()


def test_summary_has_a_table_of_latency() -> None:
    out = io.StringIO()
    turns = [TurnTimes(first_sound_ms=ms, interrupted=ms == 100) for ms in (100.0, 200.0, 900.0)]
    Terminal(out).show(Summary(turns=turns, seconds=61, reconnects=1, dropped_input_ms=40))
    text = out.getvalue()
    for expected in ("3 turns in 61 s", "1 interruption ", "1 reconnect", "40 ms", "200", "900"):
        assert expected in text
