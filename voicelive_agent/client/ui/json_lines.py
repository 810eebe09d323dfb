"""The conversation as JSON lines on standard output, for scripts.

Each line is an object with ``at_ms`` (since the start), ``kind``, and:

=============  ==================================================================================
kind           fields
=============  ==================================================================================
``status``     ``text``: what the client is doing
``notice``     ``text``: something to know
``error``      ``text``: something failed; with ``code`` where the agent itself reports it
``transcript``  ``who`` (``you`` or ``agent``), ``item_id``, ``text`` (all of it so far), ``final``
``cut``        ``item_id``, ``heard``: the agent was interrupted after this
``card``       ``event``: the agent's client event; ``buttons``: ``[{"number", "label"}]``
``level``      ``dbfs``, ``muted``: at most once a second
``turn``       ``transcript_ms``, ``first_text_ms``, ``first_audio_ms``, ``first_sound_ms`` after
               the end of speech, null where unknown; ``interrupted``
``event``      ``direction`` (``sent`` or ``received``), ``event``: of the protocol, without audio
``summary``    ``turns``, ``seconds``, ``interruptions``, ``reconnects``, ``dropped_input_ms``,
               ``latency``: of each stage ``turns``, ``p50_ms``, ``p95_ms``
=============  ==================================================================================
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TextIO

from voicelive_agent.client.core.cards import Card
from voicelive_agent.client.core.latency import Summary, TurnTimes
from voicelive_agent.client.core.protocol import without_audio
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
)
from voicelive_agent.client.ui.shown_text import escape_json

LEVEL_EVERY_MS = 1_000
_TEXTS = {Status: "status", Notice: "notice", Told: "notice", Failure: "error"}


class JsonLines:
    """A screen for programs. A reader that has gone ends the output and nothing else."""

    def __init__(
        self,
        out: TextIO | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_broken: Callable[[OSError], None] = lambda error: None,
    ) -> None:
        self._on_broken = on_broken
        self._out: TextIO | None = out or sys.stdout
        self._clock = clock
        self._start_s = clock()
        self._level_at_ms: float | None = None

    def show(self, event: ScreenEvent) -> None:
        match event:
            case Failure(code=code) if code:
                self._write("error", text=event.text, code=code)
            case Status() | Notice() | Told() | Failure():
                self._write(_TEXTS[type(event)], text=event.text)
            case Transcript():
                self._write("transcript", **asdict(event))
            case Interrupted():
                self._write("cut", **asdict(event))
            case Card():
                buttons = [{"number": number, "label": label} for number, label in event.buttons]
                self._write("card", event=dict(event.event), buttons=buttons)
            case Level():
                self._show_level(event)
            case TurnTimes():
                self._write("turn", **asdict(event))
            case ProtocolEvent():
                shown = dict(without_audio(event.event))
                self._write("event", direction=event.direction, event=shown)
            case Summary():
                self._write("summary", **describe(event))
            case Speaking():
                """For eyes only; ``cut`` tells what was heard."""

    def _show_level(self, level: Level) -> None:
        now_ms = self.now_ms()
        if self._level_at_ms is None or now_ms - self._level_at_ms >= LEVEL_EVERY_MS:
            self._level_at_ms = now_ms
            # JSON has no infinity; this is below what PCM16 can hold.
            self._write("level", dbfs=round(max(level.dbfs, -120.0), 1), muted=level.muted)

    def close(self) -> None:
        self._out = None

    def _write(self, kind: str, **fields: Any) -> None:
        self.write({"at_ms": round(self.now_ms(), 1), "kind": kind, **fields})

    def write(self, line: Mapping[str, Any]) -> None:
        """Write a line of another kind."""
        if self._out is None:
            return
        try:
            encoded = json.dumps(line, ensure_ascii=False, default=str)
            self._out.write(f"{escape_json(encoded)}\n")
            self._out.flush()
        except OSError as error:
            self._out = None
            self._on_broken(error)

    def now_ms(self) -> float:
        """The time since the start."""
        return (self._clock() - self._start_s) * 1000


def describe(summary: Summary) -> dict[str, Any]:
    """A summary as JSON."""
    return {
        "turns": len(summary.turns),
        "seconds": round(summary.seconds, 1),
        "interruptions": summary.interruptions,
        "reconnects": summary.reconnects,
        "dropped_input_ms": summary.dropped_input_ms,
        "latency": {stage: asdict(latency) for stage, latency in summary.latencies.items()},
    }
