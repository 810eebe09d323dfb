"""A resampled stream has the band of the lower rate, each sound at its time, however it is cut."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelive_agent.wire.audio.resampling import Resampler
from voicelive_agent.wire.audio.samples import Samples

SIMPLE = [
    (24_000, 16_000), (48_000, 16_000), (8_000, 16_000), (16_000, 24_000), (24_000, 8_000),
    (16_000, 8_000), (8_000, 48_000), (24_000, 48_000), (48_000, 24_000),
]  # fmt: skip
OTHERS = [(44_100, 16_000), (24_000, 44_100), (22_050, 24_000)]


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    resampler = Resampler(from_hz, to_hz)
    return np.concatenate([resampler.resample(samples), resampler.finish()])


def level_db(from_hz: int, to_hz: int, hz: float) -> float:
    """Of a tone, against what it was before."""
    tone = np.rint(20_000 * np.sin(2 * np.pi * hz * np.arange(from_hz) / from_hz))
    heard = resample(tone.astype(np.int16), from_hz, to_hz)[2000:-2000].astype(float)
    return float(20 * np.log10(heard.std() / (20_000 / np.sqrt(2)) + 1e-9))


@pytest.mark.parametrize(("from_hz", "to_hz"), SIMPLE + OTHERS)
@pytest.mark.parametrize("share", [0.02, 0.4, 0.7, 0.88])
def test_the_band_passes_as_it_is(from_hz: int, to_hz: int, share: float) -> None:
    assert abs(level_db(from_hz, to_hz, share * min(from_hz, to_hz) / 2)) < 0.1


@pytest.mark.parametrize(("from_hz", "to_hz"), [rates for rates in SIMPLE if rates[0] > rates[1]])
@pytest.mark.parametrize("share", [1.01, 1.2, 1.37])
def test_what_is_above_it_does_not_come_back_as_another_tone(
    from_hz: int, to_hz: int, share: float
) -> None:
    assert level_db(from_hz, to_hz, share * to_hz / 2) < -75


@pytest.mark.parametrize(("from_hz", "to_hz"), [rates for rates in SIMPLE if rates[0] < rates[1]])
def test_no_image_of_a_tone_is_added(from_hz: int, to_hz: int) -> None:
    tone = 20_000 * np.sin(0.8 * np.pi * np.arange(from_hz))
    heard = resample(np.rint(tone).astype(np.int16), from_hz, to_hz).astype(float)
    power = np.abs(np.fft.rfft(heard * np.hanning(len(heard)))) ** 2
    above = power[len(power) * from_hz // to_hz :]
    assert above.sum() < power.sum() * 1e-7


@pytest.mark.parametrize(("from_hz", "to_hz"), SIMPLE)
def test_a_click_stands_at_its_time(from_hz: int, to_hz: int) -> None:
    click = np.zeros(from_hz, np.int16)
    click[from_hz // 2] = 30_000
    heard = resample(click, from_hz, to_hz).astype(float)
    assert len(heard) == to_hz
    assert np.argmax(heard) == to_hz // 2
    centre = np.sum(np.arange(to_hz) * heard) / heard.sum()
    assert centre == pytest.approx(to_hz / 2, abs=0.05)


@given(
    rates=st.sampled_from(SIMPLE),
    pieces=st.lists(st.binary(max_size=3000).map(lambda b: b[: len(b) // 2 * 2]), max_size=6),
)
@settings(max_examples=60)
def test_cuts_change_nothing(rates: tuple[int, int], pieces: list[bytes]) -> None:
    """Sums in another order would round differently now and then."""
    samples = [np.frombuffer(piece, "<i2").astype(np.int16) for piece in pieces]
    resampler = Resampler(*rates)
    parts = [resampler.resample(piece) for piece in samples]
    whole = resample(np.concatenate([np.zeros(0, np.int16), *samples]), *rates)
    assert np.array_equal(np.concatenate([*parts, resampler.finish()]), whole)
    assert len(whole) == round(sum(map(len, samples)) * rates[1] / rates[0])


def test_what_is_constant_stays_so() -> None:
    assert set(resample(np.full(24_000, -9000, np.int16), 24_000, 16_000)[200:-200]) == {-9000}
    assert not resample(np.zeros(24_000, np.int16), 24_000, 16_000).any()


def test_a_long_piece_takes_memory_of_its_own_size() -> None:
    """The windows of a whole recording side by side are a hundred times the recording."""
    long = np.zeros(24_000 * 60, np.int16)
    resampler = Resampler(24_000, 16_000)
    tracemalloc.start()
    try:
        resampler.resample(long)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * long.nbytes


def test_the_same_rate_is_the_same_stream() -> None:
    samples = np.arange(100, dtype=np.int16)
    resampler = Resampler(16_000, 16_000)
    assert resampler.resample(samples) is samples
    assert not len(resampler.finish())
