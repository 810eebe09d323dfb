import io
import json
from typing import Any

from voicelive_agent.client.core.cards import Cards
from voicelive_agent.client.core.latency import Summary, TurnTimes
from voicelive_agent.client.core.screen import (
    Interrupted,
    Level,
    ProtocolEvent,
    Status,
    Transcript,
)
from voicelive_agent.client.ui.json_lines import JsonLines


class Clock:
    now_s = 5.0

    def __call__(self) -> float:
        return self.now_s


def read(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_one_object_a_line_with_its_time() -> None:
    out, clock = io.StringIO(), Clock()
    screen = JsonLines(out, clock=clock)
    screen.show(Status("listening"))
    clock.now_s += 1.5
    screen.show(Transcript("agent", "i1", "line\nbreak é", final=False))
    screen.show(Interrupted("i1", "line"))
    screen.show(TurnTimes(transcript_ms=12.5, interrupted=True))
    screen.show(ProtocolEvent("sent", {"type": "response.create"}))
    lines = read(out)
    assert [line["kind"] for line in lines] == ["status", "transcript", "cut", "turn", "event"]
    assert [line["at_ms"] for line in lines[:2]] == [0, 1500]
    assert lines[1]["text"] == "line\nbreak é"
    assert lines[3]["first_sound_ms"] is None
    assert lines[3]["interrupted"] is True


def test_buttons_get_numbers() -> None:
    out = io.StringIO()
    buttons = [{"label": "Yes", "action": {"do": 1}}, {"label": "No"}]
    card = Cards().read({"type": "ui.buttons", "buttons": buttons})
    JsonLines(out).show(card)
    assert read(out)[0]["buttons"] == [
        {"number": 1, "label": "Yes"},
        {"number": 2, "label": "No"},
    ]


def test_levels_come_once_a_second() -> None:
    out, clock = io.StringIO(), Clock()
    screen = JsonLines(out, clock=clock)
    for _ in range(30):
        screen.show(Level(float("-inf"), muted=False))
        clock.now_s += 0.1
    assert [line["dbfs"] for line in read(out)] == [-120.0] * 3


def test_summary_has_percentiles() -> None:
    out = io.StringIO()
    turns = [TurnTimes(first_sound_ms=float(ms), interrupted=ms == 100) for ms in range(1, 101)]
    JsonLines(out).show(Summary(turns=turns, seconds=12.34, reconnects=2))
    [line] = read(out)
    assert line["turns"] == 100
    assert line["interruptions"] == 1
    assert line["latency"] == {"first_sound_ms": {"turns": 100, "p50_ms": 50.0, "p95_ms": 95.0}}


class GoneReader(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_reader_that_has_gone_ends_the_output_alone() -> None:
    broken: list[OSError] = []
    screen = JsonLines(GoneReader(), on_broken=broken.append)
    screen.show(Status("one"))
    screen.show(Status("two"))
    assert len(broken) == 1
