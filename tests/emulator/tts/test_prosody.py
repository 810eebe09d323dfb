"""Rate, pitch and volume are read as Azure Speech reads them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.tts.prosody import read_pitch, read_rate, read_volume


@pytest.mark.parametrize(
    ("value", "factor"),
    [
        (None, 1), ("", None), ("default", 1), ("medium", 1), ("1", 1), ("1.2", 1.2), (1.2, 1.2),
        ("0.8", 0.8), (".75", 0.75), ("+20%", 1.2), ("-10%", 0.9), ("20%", 1.2), ("+0.5", 1.5),
        ("fast", 1.55), ("FAST", 1.55), ("x-slow", 0.5), (" slow ", 0.64), ("+2st", None),
        ("quick", None), ("1.2x", None), (True, None), ({"a": 1}, None), ([], None), ("nan", None),
        ("+-5%", None), ("٢", 2.0),
    ],
)  # fmt: skip
def test_rate(value: Any, factor: float | None) -> None:
    result, warning = read_rate(value)
    assert result == pytest.approx(factor or 1.0)
    assert (warning is None) == (factor is not None)


@pytest.mark.parametrize(
    ("value", "factor"),
    [
        ("+12st", 2.0), ("-2st", 2 ** (-2 / 12)), ("high", 1.2), ("+10%", 1.1), ("10%", 1.1),
        ("+20Hz", 1.1), ("-20hz", 0.9), ("300Hz", 1.5), ("1.3", 1.3),
    ],
)  # fmt: skip
def test_pitch(value: str, factor: float) -> None:
    result, warning = read_pitch(value, base_hz=200)
    assert result == pytest.approx(factor)
    assert warning is None


@pytest.mark.parametrize(
    ("value", "factor"),
    [
        ("100", 1), ("75", 0.75), ("0", 0), (50, 0.5), ("silent", 0), ("soft", 0.4), ("loud", 0.8),
        ("+20%", 1.2), ("-50%", 0.5), ("+10", 1.1), ("-5.5", 0.945), ("default", 1),
    ],
)  # fmt: skip
def test_volume(value: Any, factor: float) -> None:
    result, warning = read_volume(value)
    assert result == pytest.approx(factor)
    assert warning is None


@pytest.mark.parametrize(("value", "held"), [("5", 2.0), ("0.1", 0.5), ("+900%", 2.0), ("0", 0.5)])
def test_what_cannot_be_spoken_is_held_to_what_can(value: str, held: float) -> None:
    factor, warning = read_rate(value)
    assert factor == held
    assert warning is not None
    assert "held to" in warning


@pytest.mark.parametrize("value", ["200", 101, "1000"])
def test_an_absolute_volume_ends_at_100(value: Any) -> None:
    """Beyond it, samples were cut off at both ends: a voice of 200 crackled."""
    factor, warning = read_volume(value)
    assert factor == 1
    assert warning is not None


@given(st.one_of(st.text(max_size=12), st.floats(), st.integers(), st.none()))
def test_any_value_gives_a_factor_in_range(value: Any) -> None:
    assert 0.5 <= read_rate(value)[0] <= 2
    assert 0.5 <= read_pitch(value, 110)[0] <= 2
    assert 0 <= read_volume(value)[0] <= 2
