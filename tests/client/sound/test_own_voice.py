"""The agent's own voice in the microphone, made by computing what a room makes of it."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from voicelive_agent.client.sound.own_voice import (
    RATE_HZ,
    SHARE_MIN,
    WINDOW_MS,
    Ear,
    echo_share,
    sounds_like,
)

Samples = npt.NDArray[np.float64]
WINDOW = RATE_HZ * WINDOW_MS // 1000


def voice(seed: int, pitch_hz: float, seconds: float = 3.0) -> Samples:
    """Something like speech: a gliding buzz and hisses in syllables of their own length."""
    random = np.random.default_rng(seed)
    size = int(seconds * RATE_HZ)
    pitch = pitch_hz * (1 + 0.2 * np.interp(np.arange(size), *_points(random, size)))
    buzz = np.sign(np.sin(2 * math.pi * np.cumsum(pitch) / RATE_HZ))
    hiss = random.standard_normal(size)
    is_buzz = np.interp(np.arange(size), *_points(random, size)) > -0.2
    loudness = np.clip(np.interp(np.arange(size), *_points(random, size)) + 0.4, 0, None)
    return np.asarray(0.2 * loudness * np.where(is_buzz, buzz, 0.5 * hiss))


def _points(random: np.random.Generator, size: int) -> tuple[Samples, Samples]:
    at = np.arange(0, size + RATE_HZ, RATE_HZ // 6, dtype=float)
    return at, random.uniform(-1, 1, len(at))


def room(seed: int, sound: Samples, *, delay_ms: float, decay_ms: float) -> Samples:
    """What a microphone hears of a loudspeaker: late, and with reflections that die away."""
    random = np.random.default_rng(seed)
    tail = np.arange(RATE_HZ // 2)
    reflections = (
        0.05 * random.standard_normal(len(tail)) * np.exp(-tail * 1000 / RATE_HZ / decay_ms)
    )
    reflections[0] = 1.0
    heard = np.convolve(sound, reflections)[: len(sound)]
    return np.concatenate([np.zeros(int(delay_ms * RATE_HZ / 1000)), heard])[: len(sound)]


@pytest.mark.parametrize("delay_ms", [5, 130, 700])
@pytest.mark.parametrize("decay_ms", [40, 80])
def test_an_echo_is_known_by_its_sound(delay_ms: float, decay_ms: float) -> None:
    shares = []
    for seed in range(10):
        played = voice(seed, 120)
        heard = 0.3 * room(seed, played, delay_ms=delay_ms, decay_ms=decay_ms)
        noise = 0.002 * np.random.default_rng(seed).standard_normal(len(heard))
        shares.append(echo_share((heard + noise)[-WINDOW:], played))
    # In a pause of the agent there is little to tell it by.
    assert np.median(shares) > SHARE_MIN


@pytest.mark.parametrize("seed", range(10))
def test_a_person_is_no_echo(seed: int) -> None:
    """Neither alone, nor while the echo is as loud."""
    played = voice(seed, 120)
    heard = room(seed, played, delay_ms=60, decay_ms=40)
    person = voice(seed + 100, 190)
    person *= np.linalg.norm(heard[-WINDOW:]) / np.linalg.norm(person[-WINDOW:])
    assert echo_share(person[-WINDOW:], played) < SHARE_MIN / 2
    assert echo_share((heard + person)[-WINDOW:], played) < SHARE_MIN


def test_silence_is_no_echo() -> None:
    played = voice(1, 120)
    assert echo_share(np.zeros(WINDOW), played) == 0.0
    assert echo_share(played[-WINDOW:], np.zeros(len(played))) < 0.1
    assert echo_share(played[-10:], played) == 0.0
    assert not Ear(RATE_HZ).hears(b"", RATE_HZ)


def test_sides_have_sampling_rates_of_their_own() -> None:
    played = voice(3, 120)
    heard = 0.3 * room(3, played, delay_ms=50, decay_ms=40)
    ear = Ear(2 * RATE_HZ)
    slow = np.repeat(np.rint(heard * 32767), 2).astype("<i2")
    for at in range(0, len(slow), 320):
        ear.hear(slow[at : at + 320].tobytes())
    assert ear.hears(np.rint(played * 32767).astype("<i2").tobytes(), RATE_HZ)


def test_words_tell_as_well() -> None:
    spoken = "We are open for dinner from Tuesday to Sunday."
    assert sounds_like("open for dinner tuesday", spoken)
    assert not sounds_like("do you have a table for two", spoken)
    assert not sounds_like("dinner", spoken)
