"""Speech for tests, synthesised when they run: by flite or espeak-ng where they are installed."""

import functools
import io
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
import pytest
import soxr

RATE_HZ = 16_000
needs_flite = pytest.mark.component
"""For tests that need the Debian package ``flite``; CI fails where it is missing."""


def silence(ms: int) -> bytes:
    return bytes(ms * RATE_HZ // 1000 * 2)


def noise(ms: int, level: float = 10, seed: int = 0) -> bytes:
    """Room noise; recognisers and detectors expect some."""
    samples = np.random.default_rng(seed).normal(0, level, ms * RATE_HZ // 1000)
    return samples.astype("<i2").tobytes()


def mix(one: bytes, other: bytes) -> bytes:
    size = min(len(one), len(other))
    total = np.frombuffer(one[:size], "<i2").astype(int) + np.frombuffer(other[:size], "<i2")
    return bytes(np.clip(total, -32768, 32767).astype("<i2").tobytes())


@functools.cache
def say(text: str, voice: str = "kal16") -> bytes:
    """PCM16 at 16 kHz without the silence around it; ``voice`` is flite's or espeak-ng's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        if voice.startswith("en"):
            command = ["espeak-ng", "-v", voice, "-s", "160", "-w", str(path), text]
        else:
            command = ["flite", "-voice", voice, "-t", text, "-o", str(path)]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        with wave.open(io.BytesIO(path.read_bytes())) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            rate_hz = file.getframerate()
    if rate_hz != RATE_HZ:
        samples = soxr.resample(samples, rate_hz, RATE_HZ)
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 300)
    spoken: bytes = samples[loud[0] : loud[-1] + 1].astype("<i2").tobytes()
    return spoken


def utter(text: str, voice: str = "kal16", *, pause_ms: int = 300) -> bytes:
    """What is said, in a quiet room, with a pause before and after."""
    speech = silence(pause_ms) + say(text, voice) + silence(pause_ms)
    return mix(speech, noise(len(speech) // 32 + 1))


def pieces(pcm: bytes, ms: int = 20) -> list[bytes]:
    size = ms * RATE_HZ // 1000 * 2
    return [pcm[start : start + size] for start in range(0, len(pcm), size)]
