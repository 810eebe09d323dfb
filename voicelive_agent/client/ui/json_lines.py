"""The conversation as JSON lines on standard output, for scripts.

Each line is an object with ``at_ms`` (since the start), ``kind``, and:

=============  ==================================================================================
kind           fields
=============  ==================================================================================
``status``     ``text``: what the client is doing
``notice``     ``text``: something to know
``error``      ``text``: something failed
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
from typing import Any, Literal, TextIO

from voicelive_agent.client.core.cards import Cards
from voicelive_agent.client.ui.latency import interruptions, latencies
from voicelive_agent.client.ui.screen import Summary, TurnTimes, Who

LEVEL_EVERY_MS = 1_000


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
        self._cards = Cards()

    def status(self, text: str) -> None:
        self._write("status", text=text)

    def notice(self, text: str) -> None:
        self._write("notice", text=text)

    def tell(self, text: str) -> None:
        self._write("notice", text=text)

    def error(self, text: str) -> None:
        self._write("error", text=text)

    def transcript(self, who: Who, item_id: str, text: str, *, final: bool) -> None:
        self._write("transcript", who=who, item_id=item_id, text=text, final=final)

    def speaking(self, heard: str, rest: str) -> None:
        """For eyes only; ``cut`` tells what was heard."""

    def cut(self, item_id: str, heard: str) -> None:
        self._write("cut", item_id=item_id, heard=heard)

    def card(self, event: Mapping[str, Any]) -> None:
        card = self._cards.read(event)
        buttons = [{"number": number, "label": label} for number, label in card.buttons]
        self._write("card", event=dict(event), buttons=buttons)

    def choose(self, number: int) -> dict[str, Any] | None:
        return self._cards.choose(number)

    def level(self, dbfs: float, *, muted: bool) -> None:
        now_ms = self._now_ms()
        if self._level_at_ms is None or now_ms - self._level_at_ms >= LEVEL_EVERY_MS:
            self._level_at_ms = now_ms
            # JSON has no infinity; this is below what PCM16 can hold.
            self._write("level", dbfs=round(max(dbfs, -120.0), 1), muted=muted)

    def turn(self, times: TurnTimes) -> None:
        self._cards.end_turn()
        self._write("turn", **asdict(times))

    def event(self, direction: Literal["sent", "received"], event: Mapping[str, Any]) -> None:
        self._write("event", direction=direction, event=dict(event))

    def summary(self, summary: Summary) -> None:
        self._write("summary", **describe(summary))

    def close(self) -> None:
        self._out = None

    def _write(self, kind: str, **fields: Any) -> None:
        if self._out is None:
            return
        line = {"at_ms": round(self._now_ms(), 1), "kind": kind, **fields}
        try:
            self._out.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
            self._out.flush()
        except OSError as error:
            self._out = None
            self._on_broken(error)

    def _now_ms(self) -> float:
        return (self._clock() - self._start_s) * 1000


def describe(summary: Summary) -> dict[str, Any]:
    """A summary as JSON."""
    return {
        "turns": len(summary.turns),
        "seconds": round(summary.seconds, 1),
        "interruptions": interruptions(summary.turns),
        "reconnects": summary.reconnects,
        "dropped_input_ms": summary.dropped_input_ms,
        "latency": {stage: asdict(latency) for stage, latency in latencies(summary).items()},
    }
