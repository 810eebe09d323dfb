"""Talking about tables: asking for what is missing, reading back, booking, changing, cancelling.

Each function yields what is said and shown, and sets ``call.asking`` to the question it ends on.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

from examples.front_desk import house
from examples.front_desk.booking import (
    Booking,
    Draft,
    Obstacle,
    Table,
    find_obstacle,
    services_on,
    suggested_times,
)
from examples.front_desk.details import Details
from examples.front_desk.screen import buttons, card, click
from examples.front_desk.sentences import (
    clauses_of,
    lines_of,
    say_code,
    say_day,
    say_list,
    say_party,
    say_time,
    say_weekday,
)
from examples.front_desk.visit import Visit
from voicelive_agent.agent import Output

Detail = Literal["party", "date", "time", "name"]
_QUESTIONS: dict[Detail, str] = {
    "party": "For how many people?",
    "date": "For which day?",
    "time": "At what time?",
    "name": "Under what name?",
}


def take_details(visit: Visit, details: Details | Table) -> Iterator[Output]:
    """Put details into the draft, beginning one where there is none, and go on from there."""
    call = visit.call
    if call.draft is None and len(call.bookings) >= house.BOOKINGS_PER_CALL:
        yield "That's as many tables as I can book in one call."
        yield "I can change or cancel one of them, though."
        return
    draft = call.draft or call.begin_draft()
    draft.take(details)
    yield from go_on(visit, draft, news=details)


def go_on(visit: Visit, draft: Draft, *, news: Details | Table | None = None) -> Iterator[Output]:
    """Offer something else, or ask for the next detail after saying the ``news``, or read back."""
    call = visit.call
    call.offer = None
    obstacle = find_obstacle(draft, visit.now)
    if obstacle:
        yield from _explain(visit, draft, obstacle)
        return
    for detail in _QUESTIONS:
        if getattr(draft, detail) is None:
            if news:
                yield from _acknowledge(visit, news)
            yield from ask(visit, detail)
            return
    yield from read_back(visit, draft)


def _acknowledge(visit: Visit, news: Details | Table) -> Iterator[Output]:
    """Say what was understood, so that a mistake shows before the question that follows."""
    table = Table()
    table.take(news)
    clauses = clauses_of(table, visit.today)
    if clauses:
        clauses[0] = clauses[0][0].upper() + clauses[0][1:]
        for clause in clauses[:-1]:
            yield f"{clause},"
        yield f"{clauses[-1]}."


def ask(visit: Visit, detail: Detail) -> Iterator[Output]:
    call = visit.call
    call.asking = detail
    yield _QUESTIONS[detail]
    if detail == "time" and call.draft:
        yield _time_buttons(visit, call.draft)


def tell_times(visit: Visit, details: Details) -> Iterator[Output]:
    """Say at what times there are tables, and go on with the booking."""
    draft = visit.call.draft or visit.call.begin_draft()
    draft.take(details)
    if not find_obstacle(draft, visit.now):
        times = [say_time(moment) for moment in suggested_times(draft.date, visit.now)]
        day = f" {clauses_of(Table(date=draft.date), visit.today)[0]}" if draft.date else ""
        yield f"I have tables{day}, for example,"
        yield f"at {say_list(times)}."
    yield from go_on(visit, draft)


def _time_buttons(visit: Visit, draft: Draft) -> Output:
    return buttons(
        *(
            (say_time(moment), click("choose_time", draft=draft.id, time=f"{moment:%H:%M}"))
            for moment in suggested_times(draft.date, visit.now)
        )
    )


def _explain(visit: Visit, draft: Draft, obstacle: Obstacle) -> Iterator[Output]:
    """Say why not, drop the detail that can't be, and offer another."""
    call = visit.call
    refused = replace(draft)
    setattr(draft, obstacle.detail, None)
    yield from _say_why(visit, refused, obstacle)
    if obstacle.instead is None:
        yield from ask(visit, obstacle.detail)
        return
    call.asking = "offer"
    call.offer = obstacle.instead
    yield from _make_offer(visit, draft, obstacle.instead)
    if obstacle.detail == "time":
        yield _time_buttons(visit, draft)
    else:
        yield buttons(
            ("Yes", click("accept", draft=draft.id)), ("No", click("decline", draft=draft.id))
        )


def _make_offer(visit: Visit, draft: Draft, offer: Table) -> Iterator[Output]:
    if offer.party is not None:
        yield f"Shall I make it {say_party(offer.party)}?"
    elif offer.date is not None:
        yield f"Would {say_day(offer.date, visit.today)} suit you?"
    elif offer.time is not None:
        yield f"Would {say_time(offer.time)} suit you?"


def _say_why(visit: Visit, refused: Draft, obstacle: Obstacle) -> Iterator[Output]:
    day = refused.date
    match obstacle.reason:
        case "nobody":
            yield "A table for nobody would stay empty."
        case "too_many":
            yield f"The largest table that I can book is for {say_party(house.LARGEST_PARTY)}."
        case "past":
            yield "I'm afraid that has already passed."
        case "too_far":
            yield f"I can only book up to {house.DAYS_AHEAD} days ahead."
        case "closed" if day:
            yield f"We are closed on {say_weekday(day)}s."
        case "too_late":
            yield "For today it's too late to get a table."
        case "not_serving":
            spans = [
                f"from {say_time(one.opens)} to {say_time(one.last_table)}"
                for one in services_on(day)
            ]
            spans = list(dict.fromkeys(spans))
            yield f"{f'On {say_weekday(day)}s' if day else 'Depending on the day'}"
            yield f"we give tables {say_list(spans)}."


def read_back(visit: Visit, draft: Draft, *, opening: str = "") -> Iterator[Output]:
    """Say the whole table and ask whether it's right."""
    visit.call.asking = "confirm"
    clauses = clauses_of(draft, visit.today)
    if draft.date and draft.time and draft.name:
        visit.must_hear(say_weekday(draft.date), say_time(draft.time), draft.name)
    if opening:
        yield opening
    elif draft.replaces:
        yield "I would change it to"
    else:
        yield "So that's"
    yield f"{clauses[0]},"
    yield card("Your table", lines_of(draft, visit.today))
    for clause in clauses[1:-1]:
        yield f"{clause},"
    yield f"{clauses[-1]}."
    yield "Is that right?"
    yield buttons(
        ("Confirm", click("confirm", draft=draft.id)),
        ("Change", click("change", draft=draft.id)),
        ("Forget it", click("discard", draft=draft.id)),
    )


def book(visit: Visit, draft: Draft) -> Iterator[Output]:
    """Book what was read back, unless time has made it impossible meanwhile."""
    if find_obstacle(draft, visit.now):
        yield from go_on(visit, draft)
        return
    opening = "I've changed it:" if draft.replaces else "It's done:"
    count = len(visit.call.bookings)
    booking = visit.call.book(draft, visit.turn.session_id)
    if not draft.replaces and len(visit.call.bookings) == count:
        opening = "That is booked already:"
    yield from say_booking(visit, booking, opening=opening)


def say_booking(visit: Visit, booking: Booking, *, opening: str) -> Iterator[Output]:
    visit.call.latest = booking.code
    visit.must_hear(say_weekday(booking.date), say_time(booking.time), say_code(booking.code))
    clauses = clauses_of(booking, visit.today)
    yield opening
    yield f"you have {clauses[0]},"
    yield card(f"Booked: {booking.code}", lines_of(booking, visit.today))
    for clause in clauses[1:-1]:
        yield f"{clause},"
    yield f"{clauses[-1]}."
    yield "Your confirmation code"
    yield f"is {say_code(booking.code)}."
    yield "We look forward to seeing you."
    yield buttons(
        ("Change", click("change_booking", code=booking.code)),
        ("Cancel", click("cancel_booking", code=booking.code)),
    )


def ask_what_to_change(visit: Visit) -> Iterator[Output]:
    visit.call.asking = "change"
    yield "What shall I change:"
    yield "the day, the time, the number of people,"
    yield "or the name?"


def discard(visit: Visit) -> Iterator[Output]:
    """Forget what was being asked for; a booking that it would have changed stays."""
    replaces = visit.call.draft.replaces if visit.call.draft else ""
    visit.call.drop_draft()
    if replaces:
        yield "All right, your table stays as it was."
    else:
        yield "All right, I haven't booked anything."
        yield "What else can I do for you?"


def change(visit: Visit, booking: Booking, details: Details) -> Iterator[Output]:
    draft = visit.call.begin_draft(booking)
    if details:
        draft.take(details)
        yield from go_on(visit, draft)
    else:
        yield from ask_what_to_change(visit)


def ask_to_cancel(visit: Visit, booking: Booking) -> Iterator[Output]:
    call = visit.call
    call.drop_draft()
    call.asking = "cancel"
    call.target = booking.code
    clauses = clauses_of(booking, visit.today)
    yield f"Shall I cancel your {clauses[0].removeprefix('a ')},"
    yield f"{clauses[1]},"
    yield f"{clauses[2]}?"
    yield buttons(
        ("Cancel it", click("confirm_cancel", code=booking.code)),
        ("Keep it", click("keep_booking", code=booking.code)),
    )


def cancel(visit: Visit, booking: Booking) -> Iterator[Output]:
    visit.call.cancel(booking)
    yield f"Your table {clauses_of(booking, visit.today)[1]}"
    yield card(f"Cancelled: {booking.code}", lines_of(booking, visit.today))
    yield "is cancelled."
    yield "I hope to see you another time."


def keep(visit: Visit) -> Iterator[Output]:
    visit.call.asking = ""
    visit.call.target = ""
    yield "All right, your table stays yours."


def ask_which(visit: Visit, purpose: Literal["cancel", "change"]) -> Iterator[Output]:
    call = visit.call
    call.asking = "which_cancel" if purpose == "cancel" else "which_change"
    tables = [
        f"{clauses_of(one, visit.today)[1]} {clauses_of(one, visit.today)[2]}"
        for one in call.bookings
    ]
    yield f"Which table shall I {purpose}:"
    for table in tables[:-1]:
        yield f"the one {table},"
    yield f"or the one {tables[-1]}?"
    yield buttons(
        *(
            (table[0].upper() + table[1:], _purpose_click(purpose, booking))
            for table, booking in zip(tables, call.bookings, strict=True)
        )
    )


def _purpose_click(purpose: str, booking: Booking) -> dict[str, Any]:
    return click(f"{purpose}_booking", code=booking.code)


def resume(visit: Visit) -> Iterator[Output]:
    """Ask the open question again, after something else was said; nothing if none is open."""
    call, draft = visit.call, visit.call.draft
    match call.asking:
        case "party" | "date" | "time" | "name" if draft:
            yield from ask(visit, call.asking)
        case "confirm" if draft:
            yield from read_back(visit, draft)
        case "offer" if draft and call.offer:
            yield from _make_offer(visit, draft, call.offer)
        case "change":
            yield from ask_what_to_change(visit)
        case "cancel" if booking := call.find(call.target):
            yield from ask_to_cancel(visit, booking)
        case "which_cancel" if call.bookings:
            yield from ask_which(visit, "cancel")
        case "which_change" if call.bookings:
            yield from ask_which(visit, "change")
        case _:
            call.asking = ""
