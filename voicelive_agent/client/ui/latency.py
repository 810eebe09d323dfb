"""What a conversation's turns come to: percentiles of their latency."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from voicelive_agent.client.ui.screen import Summary, TurnTimes

STAGES = {
    "transcript_ms": "transcript",
    "first_text_ms": "first text",
    "first_audio_ms": "first audio",
    "first_sound_ms": "first sound",
}
"""The fields of ``TurnTimes`` that are times, and what a person calls them."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Of the turns for which it is known; ms after the end of the person's speech."""

    turns: int
    p50_ms: float
    p95_ms: float


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least ``percent`` of all do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def latencies(summary: Summary) -> dict[str, Latency]:
    """By the names of ``STAGES``; stages that no turn reached are left out."""
    measured = {}
    for stage in STAGES:
        values = [value for turn in summary.turns if (value := getattr(turn, stage)) is not None]
        if values:
            measured[stage] = Latency(len(values), percentile(values, 50), percentile(values, 95))
    return measured


def interruptions(turns: Sequence[TurnTimes]) -> int:
    return sum(turn.interrupted for turn in turns)
