"""Prosody of a voice: ``rate``, ``pitch`` and ``volume``, as SSML's ``prosody`` has them.

A number multiplies; a percentage is relative, with or without its sign, as Azure Speech reads
it: "+20%" and "20%" are both 1.2 times. The names have Azure's values.
"""

import re
from typing import Any

_RATES = {"x-slow": 0.5, "slow": 0.64, "medium": 1.0, "fast": 1.55, "x-fast": 2.0}
_PITCHES = {"x-low": 0.55, "low": 0.8, "medium": 1.0, "high": 1.2, "x-high": 1.45}
_VOLUMES = {"silent": 0.0, "x-soft": 0.2, "soft": 0.4, "medium": 0.6, "loud": 0.8, "x-loud": 1.0}
_NUMBER = re.compile(r"([+-]?)(\d+(?:\.\d*)?|\.\d+)\s*(%|st|hz)?", re.IGNORECASE)

RATE_RANGE = PITCH_RANGE = (0.5, 2.0)
VOLUME_RANGE = (0.0, 2.0)
_ABSOLUTE_VOLUME_RANGE = (0.0, 1.0)


def read_rate(value: Any) -> tuple[float, str | None]:
    """Factor on the normal speed, and a warning where that can't be had."""
    return _read("rate", value, _RATES, RATE_RANGE, ("", "%"))


def read_pitch(value: Any, base_hz: float) -> tuple[float, str | None]:
    """Factor on a voice's pitch, which is ``base_hz`` where the value is in Hz."""
    return _read("pitch", value, _PITCHES, PITCH_RANGE, ("", "%", "st", "hz"), base_hz)


def read_volume(value: Any) -> tuple[float, str | None]:
    """Factor on the normal amplitude. A bare number is absolute, 0 to 100, and 100 is normal."""
    return _read("volume", value, _VOLUMES, VOLUME_RANGE, ("", "%"))


def _read(
    name: str,
    value: Any,
    names: dict[str, float],
    limits: tuple[float, float],
    units: tuple[str, ...],
    base_hz: float = 1.0,
) -> tuple[float, str | None]:
    if value is None:
        return 1.0, None
    text = "" if isinstance(value, bool) else str(value).strip().lower()
    if text == "default":
        return 1.0, None
    factor = names.get(text)
    if factor is None:
        match = _NUMBER.fullmatch(text)
        if match is None or (match[3] or "") not in units:
            return 1.0, (
                f"the voice's {name} {str(value)[:40]!r} is not one of SSML's: write a number, a "
                f"percentage such as '+10%', or one of {', '.join(names)}"
            )
        factor = _factor_of(name, match, base_hz)
        if name == "volume" and not (match[1] or match[3]):
            limits = _ABSOLUTE_VOLUME_RANGE
    bounded = min(max(factor, limits[0]), limits[1])
    if bounded != factor:
        return bounded, (
            f"the voice's {name} {str(value)[:40]!r} is beyond what can be spoken: it is held to "
            f"{bounded:g} times the normal"
        )
    return bounded, None


def _factor_of(name: str, match: re.Match[str], base_hz: float) -> float:
    sign, unit = match[1], match[3] or ""
    number = float(match[2]) * (-1 if sign == "-" else 1)
    if unit == "%":
        return 1 + number / 100
    if unit == "st":
        return float(2 ** (number / 12))
    if unit == "hz":
        return 1 + number / base_hz if sign else number / base_hz
    if name == "volume":
        return 1 + number / 100 if sign else number / 100
    return 1 + number if sign else number
