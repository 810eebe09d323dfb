"""Tables: what the house can give, and what one call has asked for, booked and cancelled."""

import datetime as dt
import hashlib
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from examples.front_desk import house
from examples.front_desk.details import Details

Asking = Literal[
    "", "party", "date", "time", "name", "confirm", "offer", "change", "cancel", "which_cancel",
    "which_change",
]  # fmt: skip
"""What the caller's next words are likely to answer."""
DETAILS = ("party", "date", "time", "name")


@dataclass(slots=True)
class Table:
    """The details of a table, as far as they are known."""

    party: int | None = None
    date: dt.date | None = None
    time: dt.time | None = None
    name: str | None = None

    def take(self, details: "Details | Table") -> None:
        """Take over the details that are known there."""
        for key in DETAILS:
            value = getattr(details, key)
            if value is not None:
                setattr(self, key, value)


@dataclass(slots=True)
class Draft(Table):
    """A table that is being asked for."""

    id: int = 0
    replaces: str = ""
    """The code of the booking that this would change."""


@dataclass(frozen=True, slots=True)
class Booking:
    """A table that is booked."""

    code: str
    draft: int
    party: int
    date: dt.date
    time: dt.time
    name: str


@dataclass(slots=True)
class Call:
    """What is kept of a call between its turns."""

    asking: Asking = ""
    drafts: int = 0
    draft: Draft | None = None
    offer: Table | None = None
    bookings: list[Booking] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    target: str = ""
    """The code of the booking that is to be cancelled, once the caller has agreed."""
    latest: str = ""
    """The code of the booking that was last confirmed."""
    topic: str = ""
    """The question of fact that was last answered, for one that goes on from it."""
    misses: int = 0
    """How many turns in a row were not understood."""
    said: list[str] = field(default_factory=list)
    """The clauses of the last answer, to say them again."""

    def find(self, code: object) -> Booking | None:
        return next((booking for booking in self.bookings if booking.code == code), None)

    def find_by_draft(self, draft: object) -> Booking | None:
        return next((booking for booking in self.bookings if booking.draft == draft), None)

    def begin_draft(self, booking: Booking | None = None) -> Draft:
        """Start asking for a table: a new one, or another instead of ``booking``."""
        self.drafts += 1
        self.draft = Draft(id=self.drafts)
        if booking:
            self.draft = Draft(id=self.drafts, replaces=booking.code, **_details_of(booking))
        self.offer = None
        return self.draft

    def drop_draft(self) -> None:
        self.draft = self.offer = None
        self.asking = ""

    def book(self, draft: Draft, session_id: str) -> Booking:
        """Turn a complete draft into a booking. Who asks for the same again has it already."""
        details = _details_of(draft)
        replaced = self.find(draft.replaces)
        same = next((one for one in self.bookings if _details_of(one) == details), None)
        if replaced:
            booking = replace(replaced, **details, draft=draft.id)
            self.bookings[self.bookings.index(replaced)] = booking
        elif same:
            booking = same
        else:
            code = self._make_code(session_id, draft)
            booking = Booking(code=code, draft=draft.id, **details)
            self.bookings.append(booking)
        self.drop_draft()
        self.latest = booking.code
        return booking

    def cancel(self, booking: Booking) -> None:
        self.bookings.remove(booking)
        self.cancelled = [*self.cancelled, booking.code][-house.BOOKINGS_PER_CALL :]
        self.asking = ""
        self.target = ""
        if self.latest == booking.code:
            self.latest = ""

    def _make_code(self, session_id: str, draft: Draft) -> str:
        taken = {booking.code for booking in self.bookings} | set(self.cancelled)
        attempt = 0
        while True:
            seed = f"{session_id}/{draft.id}/{attempt}".encode(errors="replace")
            code = f"{int.from_bytes(hashlib.sha256(seed).digest()[:4]) % 9000 + 1000}"
            if code not in taken:
                return code
            attempt += 1


def _details_of(table: Table | Booking) -> dict[str, Any]:
    return {key: getattr(table, key) for key in DETAILS}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a table can't be given, and what could be instead."""

    detail: Literal["party", "date", "time"]
    reason: Literal["nobody", "too_many", "past", "too_far", "closed", "too_late", "not_serving"]
    instead: Table | None = None


def find_obstacle(table: Table, now: dt.datetime) -> Obstacle | None:
    """The first thing that keeps the house from giving this table."""
    if table.party is not None and table.party < 1:
        return Obstacle("party", "nobody")
    if table.party is not None and table.party > house.LARGEST_PARTY:
        return Obstacle("party", "too_many", Table(party=house.LARGEST_PARTY))
    if table.date is not None and (obstacle := _find_obstacle_to_day(table.date, now)):
        return obstacle
    if table.time is None or is_free(table.date, table.time, now):
        return None
    reason: Literal["past", "not_serving"] = "not_serving"
    if table.date == now.date() and table.time <= now.time():
        reason = "past"
    return Obstacle("time", reason, Table(time=nearest_time(table.date, table.time, now)))


def _find_obstacle_to_day(day: dt.date, now: dt.datetime) -> Obstacle | None:
    today = now.date()
    if day < today:
        return Obstacle("date", "past")
    if day > today + dt.timedelta(days=house.DAYS_AHEAD):
        return Obstacle("date", "too_far")
    if not services_on(day):
        return Obstacle("date", "closed", Table(date=_next_open_day(day, now)))
    if not free_times(day, now):
        return Obstacle("date", "too_late", Table(date=_next_open_day(day, now)))
    return None


def services_on(day: dt.date | None) -> list[house.Service]:
    """The services of a day, in order; those of any day where it isn't known yet."""
    return [one for one in house.SERVICES if day is None or day.weekday() in one.weekdays]


def is_free(day: dt.date | None, moment: dt.time, now: dt.datetime) -> bool:
    serves = any(one.opens <= moment <= one.last_table for one in services_on(day))
    return serves and (day != now.date() or moment > now.time())


def free_times(day: dt.date | None, now: dt.datetime) -> list[dt.time]:
    """The half hours of a day at which a table can be had."""
    half_hours = [dt.time(hour, minute) for hour in range(24) for minute in (0, 30)]
    return [moment for moment in half_hours if is_free(day, moment, now)]


def suggested_times(day: dt.date | None, now: dt.datetime) -> list[dt.time]:
    """A few times to choose from."""
    suggested = [moment for moment in house.SUGGESTED_TIMES if is_free(day, moment, now)]
    return suggested or free_times(day, now)[-4:]


def nearest_time(day: dt.date | None, moment: dt.time, now: dt.datetime) -> dt.time:
    def distance(other: dt.time) -> int:
        return abs((other.hour - moment.hour) * 60 + other.minute - moment.minute)

    return min(free_times(day, now), key=distance)


def _next_open_day(day: dt.date, now: dt.datetime) -> dt.date:
    while True:
        day += dt.timedelta(days=1)
        if free_times(day, now):
            return day
