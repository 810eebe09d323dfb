"""What the benchmarks of the emulator have in common: voices, sound, and figures."""

import contextlib
import functools
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from azure.ai.voicelive.aio import connect
from azure.core.credentials import AzureKeyCredential

from tests.emulator.caller import Caller
from voicelive_agent.emulator.tts.engines.hibari.engine import VOICES
from voicelive_agent.emulator.tts.engines.hibari.synthesizer import (
    HibariSynthesizer,
    open_synthesizer,
)

RATE_HZ = 24_000
AUDIBLE_LEVEL = 330
"""A sample of 1 % of full scale can be heard."""


def synthesise(text: str, voice: str) -> bytes:
    """``text`` by a voice of hibari, as PCM16 mono at ``RATE_HZ``."""
    own = next(own for own in VOICES if own.name == voice)
    pieces: list[bytes] = []

    def collect(pcm: bytes, words: Sequence[Any] = (), phonemes: Sequence[Any] = ()) -> bool:
        pieces.append(pcm)
        return True

    _open_voices().speak(text, {**own.settings, "rate": own.rate, "pitch": 1.0}, collect)
    return b"".join(pieces)


@functools.cache
def _open_voices() -> HibariSynthesizer:
    return open_synthesizer()


@contextlib.asynccontextmanager
async def call_agent(url: str, session: Mapping[str, Any]) -> AsyncIterator[Caller]:
    """Somebody on the line, through the official SDK, once the session is set up as wanted."""
    async with (
        connect(
            endpoint=url,
            credential=AzureKeyCredential("local"),
            agent_name="any",
            project_name="local",
        ) as connection,
        Caller(connection) as caller,
    ):
        await caller.wait_for("session.created")
        await connection.session.update(session=session)
        await caller.wait_for("session.updated")
        yield caller


def audible_span_ms(pcm: bytes) -> tuple[float, float]:
    """Where the first and the last audible sample stand."""
    loud = _audible(pcm)
    return float(loud[0]) * 1000 / RATE_HZ, float(loud[-1] + 1) * 1000 / RATE_HZ


def first_audible_ms(deltas: Sequence[tuple[float, bytes]]) -> float | None:
    """When a client that plays at once plays the first audible sample of (time, audio) pieces."""
    playing_ms = -math.inf
    for at_ms, pcm in deltas:
        playing_ms = max(playing_ms, at_ms)
        loud = _audible(pcm)
        if len(loud):
            return playing_ms + float(loud[0]) * 1000 / RATE_HZ
        playing_ms += len(pcm) / 2 * 1000 / RATE_HZ
    return None


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that is at least as large as ``percent`` of them."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


def describe(values: Sequence[float]) -> str:
    return (
        f"median {percentile(values, 50):6.0f}   p95 {percentile(values, 95):6.0f}   "
        f"max {max(values):6.0f}   n {len(values)}"
    )


def _audible(pcm: bytes) -> npt.NDArray[np.int64]:
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.int32)
    return np.flatnonzero(np.abs(samples) >= AUDIBLE_LEVEL)
