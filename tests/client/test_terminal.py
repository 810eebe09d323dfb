import io
from typing import Any

import pytest

from client.screen import Summary, TurnTimes
from client.terminal import Terminal


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
        "  ⏱ transcript 100 ms · first sound 512 ms",
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
