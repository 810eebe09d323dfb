"""The conversation in a terminal, drawn with rich.

What is settled scrolls by as lines. What still changes (the words as they come, what is spoken
now, level, status) stands in a live area below them, or in the toolbar of a prompt, which asks
for ``toolbar``. Where standard output is no terminal, only the settled lines are printed.
"""

import time
from collections.abc import Callable
from typing import TextIO, cast

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from voicelive_agent.client.core.cards import Card
from voicelive_agent.client.core.latency import LATENCIES, Summary, TurnTimes
from voicelive_agent.client.core.screen import (
    Failure,
    Interrupted,
    Level,
    Notice,
    ProtocolEvent,
    ScreenEvent,
    Speaking,
    Status,
    Told,
    Transcript,
    Who,
)
from voicelive_agent.client.ui.shown_text import show_text
from voicelive_agent.client.ui.standard_output import StandardOutput

DRAWN_EVERY_S = 0.1
PARTIALS_SHOWN = 3
MARK_CELLS = 5
METER_CELLS = 20
METER_FLOOR_DBFS = -60.0
STYLES: dict[Who, str] = {"you": "bold cyan", "agent": "bold green"}
_LIVE_CHARACTERS = 2000
"""Of a text that still comes, no more is drawn: only its end is seen."""


class Terminal:
    """``prompted`` where a prompt stands at the bottom, whose toolbar shows the live part."""

    def __init__(
        self,
        out: TextIO | None = None,
        *,
        prompted: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        stream = out or cast(TextIO, StandardOutput())
        self._console = Console(file=stream, highlight=False, soft_wrap=True)
        self._is_terminal = stream.isatty()
        self._clock = clock
        self._partials: dict[str, Transcript] = {}
        self._speech = Speaking("", "")
        self._status = ""
        self._level: Level | None = None
        self._drawn_s = 0.0
        self._live: Live | None = None
        if self._is_terminal and not prompted:
            # Nobody else prints here; and what is written must not come back to the console.
            self._live = Live(
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()

    def show(self, event: ScreenEvent) -> None:
        match event:
            case Status():
                self._show_status(event.text)
            case Notice():
                self._print_line(Text("•", "yellow"), Text(show_text(event.text), "yellow"))
            case Told():
                self._print_line(Text(), Text(show_text(event.text)))
            case Failure():
                self._show_failure(event.text)
            case Transcript():
                self._show_transcript(event)
            case Speaking() if event != self._speech:
                self._speech = event
                self._draw(soon=True)
            case Interrupted():
                self._show_interruption(event)
            case Card():
                self._print(draw_card(event))
            case Level():
                self._level = event
                self._draw(soon=True)
            case TurnTimes():
                self._show_times(event)
            case Summary():
                self._stop()
                self._console.print(draw_summary(event), soft_wrap=False)
            case Speaking() | ProtocolEvent():
                """Nothing new, or not for people."""

    def _show_status(self, text: str) -> None:
        self._status = show_text(text)
        if self._is_terminal:
            self._draw()
        else:
            self._print(Text(f"[{self._status}]", style="dim"))

    def _show_failure(self, text: str) -> None:
        mark = "✗"
        for line in text.splitlines():
            self._print_line(Text(mark, "bold red"), Text(show_text(line), "bold red"))
            mark = " "

    def _show_transcript(self, said: Transcript) -> None:
        if not said.final:
            self._partials[said.item_id] = said
            self._draw(soon=True)
            return
        self._partials.pop(said.item_id, None)
        if said.text.strip():
            self._print_line(_mark(said.who), Text(show_text(said.text)))

    def _show_interruption(self, cut: Interrupted) -> None:
        self._partials.pop(cut.item_id, None)
        text = Text(show_text(cut.heard))
        text.append(" —" if cut.heard else "—")
        text.append(" (interrupted)", style="dim")
        self._print_line(_mark("agent"), text)

    def _show_times(self, times: TurnTimes) -> None:
        parts = [
            f"{name} {value:.0f} ms"
            for stage, name in LATENCIES.items()
            if (value := getattr(times, stage)) is not None
        ]
        if parts:
            self._print_line(Text("⏱", "dim"), Text(" · ".join(parts), "dim"))

    def close(self) -> None:
        self._stop()

    def toolbar(self) -> str:
        """The live part with its ANSI colours, for the toolbar of a prompt."""
        with self._console.capture() as capture:
            self._console.print(self._live_part())
        return capture.get().rstrip("\n")

    def _stop(self) -> None:
        live, self._live = self._live, None
        if live:
            live.stop()

    def _print(self, what: RenderableType) -> None:
        # Text of a script is one line; whatever has a width of its own is wrapped to fit.
        self._console.print(what, soft_wrap=isinstance(what, Text))
        self._draw()

    def _print_line(self, mark: Text, text: Text) -> None:
        """A line with its mark in a column of its own; only a terminal's is wrapped."""
        if not self._is_terminal:
            gap = "  " if len(mark) == MARK_CELLS else " "
            self._print(Text.assemble(mark, gap, text))
            return
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(width=MARK_CELLS, justify="right", no_wrap=True)
        line.add_column(overflow="fold")
        line.add_row(mark, text)
        self._print(line)

    def _draw(self, *, soon: bool = False) -> None:
        """Draw the live part; with ``soon`` only if it is some time since the last."""
        now_s = self._clock()
        if self._live is None or (soon and now_s - self._drawn_s < DRAWN_EVERY_S):
            return
        self._drawn_s = now_s
        self._live.update(self._live_part(), refresh=True)

    def _live_part(self) -> RenderableType:
        lines = [
            _tail(_line(said.who, show_text(said.text[-_LIVE_CHARACTERS:])), self._console.width)
            for said in list(self._partials.values())[-PARTIALS_SHOWN:]
        ]
        heard = show_text(self._speech.heard[-_LIVE_CHARACTERS:])
        rest = show_text(self._speech.rest[:_LIVE_CHARACTERS])
        if heard or rest:
            lines.append(_speech(heard, rest, self._console.width))
        return Group(*lines, Text.assemble(" ", _meter(self._level), f"  {self._status}"))


def draw_card(card: Card) -> RenderableType:
    """A client event of the agent as a panel, with the number that chooses each button."""
    lines = [Text(show_text(line)) for line in card.lines]
    lines += [
        Text.assemble((f" {number} ", "reverse"), f" {show_text(label)}")
        for number, label in card.buttons
    ]
    if card.buttons:
        lines.append(Text("type a number to choose", style="dim"))
    return Panel(
        Group(*lines),
        title=escape(show_text(card.title)) or None,
        title_align="left",
        expand=False,
        border_style="blue",
    )


def draw_summary(summary: Summary) -> RenderableType:
    """The end of a conversation as a table."""
    facts = [
        f"{_count(len(summary.turns), 'turn')} in {summary.seconds:.0f} s",
        _count(summary.interruptions, "interruption"),
        _count(summary.reconnects, "reconnect"),
    ]
    if summary.dropped_input_ms:
        facts.append(f"{summary.dropped_input_ms} ms of the microphone dropped")
    parts: list[RenderableType] = [Text(" · ".join(facts))]
    if measured := summary.latencies:
        table = Table("after the end of speech", title_justify="left")
        for name in ("turns", "p50 ms", "p95 ms"):
            table.add_column(name, justify="right")
        for stage, latency in measured.items():
            table.add_row(
                LATENCIES[stage],
                str(latency.turns),
                f"{latency.p50_ms:.0f}",
                f"{latency.p95_ms:.0f}",
            )
        parts.append(table)
    return Group(*parts)


def _meter(level: Level | None) -> Text:
    """The level of the microphone as a bar."""
    if level is None:
        return Text()
    if level.muted:
        return Text("muted".ljust(METER_CELLS), "red")
    share = 1 - min(max(level.dbfs / METER_FLOOR_DBFS, 0), 1)
    filled = round(share * METER_CELLS)
    bar = Text("▮" * filled, style="red" if level.dbfs > -1 else "green")
    return bar.append("▯" * (METER_CELLS - filled), style="dim")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _mark(who: Who) -> Text:
    return Text(f"{who:>{MARK_CELLS}}", STYLES[who])


def _line(who: Who, text: str) -> Text:
    return Text.assemble(_mark(who), "  ", text)


def _speech(heard: str, rest: str, width: int) -> Text:
    """What is spoken right now, so cut that its word is seen and some of what follows."""
    room = max(width - MARK_CELLS - 3, 8)
    ahead = rest[: room // 3]
    behind = heard[-(room - len(ahead)) :]
    spoken = Text(f"{behind} " if behind and ahead else behind)
    spoken.append(ahead, style="dim")
    return Text.assemble((f"{'▸':>{MARK_CELLS}}", STYLES["agent"]), "  ", spoken)


def _tail(text: Text, width: int) -> Text:
    """The last of a line that does not fit: what is spoken right now stands at its end."""
    if text.cell_len <= width:
        return text
    head, kept = text[:7], text[-(width - 9) :]
    return Text.assemble(head, "…", kept)
