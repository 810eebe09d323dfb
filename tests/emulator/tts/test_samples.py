"""Volume and shift change the samples and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.tts.samples import Shaper, silence

RATE_HZ = 16_000


def tone(hz: float, seconds: float) -> bytes:
    time = np.arange(int(RATE_HZ * seconds)) / RATE_HZ
    return (np.sin(2 * np.pi * hz * time) * 8000).astype(np.int16).tobytes()


def shape(shaper: Shaper, pcm: bytes, chunk_bytes: int) -> bytes:
    parts = [
        shaper.shape(pcm[start : start + chunk_bytes]) for start in range(0, len(pcm), chunk_bytes)
    ]
    return b"".join([*parts, shaper.shape(b"", last=True)])


def test_nothing_to_do_is_nothing_done() -> None:
    pcm = tone(440, 0.1)
    assert shape(Shaper(RATE_HZ), pcm, 320) == pcm


def test_volume_scales_and_saturates() -> None:
    samples = np.array([0, 100, -100, 30_000, -30_000], dtype=np.int16)
    doubled = np.frombuffer(Shaper(RATE_HZ, volume=2).shape(samples.tobytes()), np.int16)
    assert doubled.tolist() == [0, 200, -200, 32_767, -32_768]
    assert not np.frombuffer(Shaper(RATE_HZ, volume=0).shape(samples.tobytes()), np.int16).any()


@given(st.sampled_from([0.5, 0.8, 1.1, 1.5, 2.0]), st.integers(1, 4000))
def test_a_shift_moves_the_pitch_and_shortens_whatever_the_chunks(shift: float, chunk: int) -> None:
    pcm = tone(400, 0.5)
    shifted = np.frombuffer(shape(Shaper(RATE_HZ, shift=shift), pcm, chunk * 2), np.int16)
    assert len(shifted) == pytest.approx(RATE_HZ * 0.5 / shift, abs=4)
    spectrum = np.abs(np.fft.rfft(shifted * np.hanning(len(shifted))))
    assert np.argmax(spectrum) * RATE_HZ / len(shifted) == pytest.approx(400 * shift, abs=8)


def test_silence_has_its_length() -> None:
    assert silence(100, RATE_HZ) == bytes(3200)
    assert silence(0, RATE_HZ) == b""
