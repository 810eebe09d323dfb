"""A call as JSON: what ``turn.state`` keeps of it from one turn to the next."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeVar, cast, get_args

from examples.front_desk.booking import Asking, Booking, Call, Draft, Table

Value = TypeVar("Value")
KEY = "call"
_START = asdict(Call())


def save(call: Call, state: dict[str, Any]) -> None:
    """Put the call into ``state``; what is as at the start is left out."""
    state[KEY] = {
        name: _write(value) for name, value in asdict(call).items() if value != _START[name]
    }


def load(state: Mapping[str, Any]) -> Call:
    """The call as it was saved; a new one where there is none that can be read."""
    try:
        return _read_call(state.get(KEY, {}))
    except (AttributeError, KeyError, TypeError, ValueError):
        return Call()


def _write(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _write(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_write(one) for one in value]
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value


def _read_call(data: Mapping[str, Any]) -> Call:
    asking = data.get("asking", "")
    if asking not in get_args(Asking):
        raise ValueError(asking)
    draft, offer = data.get("draft"), data.get("offer")
    return Call(
        asking=cast(Asking, asking),
        drafts=_read(data, "drafts", int, 0),
        draft=draft and Draft(**_read_details(draft), **_read_ids(draft)),
        offer=None if offer is None else Table(**_read_details(offer)),
        bookings=[_read_booking(one) for one in data.get("bookings", [])],
        cancelled=[str(one) for one in data.get("cancelled", [])],
        target=_read(data, "target", str, ""),
        latest=_read(data, "latest", str, ""),
        topic=_read(data, "topic", str, ""),
        misses=_read(data, "misses", int, 0),
        said=[str(one) for one in data.get("said", [])],
    )


def _read_booking(data: Mapping[str, Any]) -> Booking:
    details = _read_details(data)
    if None in details.values():
        raise ValueError("a booking lacks a detail")
    return Booking(code=_read(data, "code", str), draft=_read(data, "draft", int), **details)


def _read_ids(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": _read(data, "id", int), "replaces": _read(data, "replaces", str, "")}


def _read_details(data: Mapping[str, Any]) -> dict[str, Any]:
    date, time = data.get("date"), data.get("time")
    return {
        "party": _read(data, "party", int | None, None),
        "date": date and dt.date.fromisoformat(date),
        "time": time and dt.time.fromisoformat(time),
        "name": _read(data, "name", str | None, None),
    }


def _read(data: Mapping[str, Any], name: str, kind: Any, *default: Value) -> Any:
    value = data.get(name, *default) if default else data[name]
    if not isinstance(value, kind):
        raise TypeError(f"{name} is no {kind}")
    return value
