"""Synthetic people: voices that are not the emulator's own, and the noises around them."""

import functools
import re
import subprocess
import tempfile
import wave
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

RATE_HZ = 16_000
HIBARI_RATE_HZ = 24_000
INTELLIGIBLE = ("kal16", "slt", "rms")
"""Voices of flite that speech to text understands well."""
VOICES = (*INTELLIGIBLE, "en-us+klatt4")
_SPEED_WORDS_PER_MINUTE = 160
_AUDIBLE = 300

Samples = npt.NDArray[np.float64]


@functools.cache
def say(text: str, voice: str) -> bytes:
    """PCM16 mono at 16 kHz, without silence around it; names with "+" are espeak-ng's.

    ``[[...]]`` are phones, as the engine writes them.
    """
    if voice == "hibari":
        return _say_by_hibari(text)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        if "+" in voice:
            speed = str(_SPEED_WORDS_PER_MINUTE)
            command = ["espeak-ng", "-v", voice, "-s", speed, "-w", str(path), text]
        else:
            phones = re.fullmatch(r"\[\[(.*)\]\]", text)
            said = ["-p", f"pau {phones[1]} pau"] if phones else ["-t", text]
            command = ["flite", "-voice", voice, *said, "-o", str(path)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        with wave.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            rate_hz = file.getframerate()
    if rate_hz != RATE_HZ:
        samples = soxr.resample(samples, rate_hz, RATE_HZ)
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _AUDIBLE)
    return _to_pcm(samples[loud[0] : loud[-1] + 1].astype(np.float64))


@functools.cache
def _open_hibari() -> Any:
    from hibari import Hibari

    return Hibari(voice="heart")


def _say_by_hibari(text: str) -> bytes:
    said = np.asarray(_open_hibari()(text, seed=1), np.float64)
    return _to_pcm(soxr.resample(said, HIBARI_RATE_HZ, RATE_HZ) * 32767)


def silence(ms: float) -> bytes:
    return bytes(round(ms * RATE_HZ / 1000) * 2)


def with_noise(pcm: bytes, level: float = 8, seed: int = 0) -> bytes:
    """A quiet room: no microphone gives zeros."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    return _to_pcm(samples + np.random.default_rng(seed).normal(0, level, len(samples)))


def noises(seconds: int) -> dict[str, bytes]:
    """What is no speech: hiss, rumble, mains hum, a keyboard, a chord."""
    rng = np.random.default_rng(1)
    size = seconds * RATE_HZ
    times = np.arange(size) / RATE_HZ
    hiss: Samples = rng.normal(0, 300, size)
    rumble = np.cumsum(rng.normal(0, 30, size))
    rumble -= np.convolve(rumble, np.ones(801) / 801, "same")
    hum = sum(1200 / n * np.sin(2 * np.pi * 50 * n * times) for n in (1, 2, 3, 5))
    keys = np.zeros(size)
    for at in rng.integers(0, size - 800, seconds * 4):
        keys[at : at + 800] += rng.normal(0, 6000, 800) * np.exp(-np.arange(800) / 80)
    chord = sum(
        1500 * np.sin(2 * np.pi * hz * times) * np.exp(-(times % 1.0) * 3) for hz in (262, 330, 392)
    )
    named = {"hiss": hiss, "rumble": rumble, "hum": hum, "keyboard": keys, "chord": chord}
    return {name: _to_pcm(np.asarray(samples)) for name, samples in named.items()}


def _to_pcm(samples: Samples) -> bytes:
    return bytes(np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes())
