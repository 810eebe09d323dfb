"""Clicks on the buttons of ``screen``: each names what it is about, so that old ones do no harm."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from examples.front_desk import information, reception
from examples.front_desk.booking import Draft, Table
from examples.front_desk.details import Details
from examples.front_desk.understanding import Understood
from examples.front_desk.visit import Visit
from voicelive_agent.agent import EndCall, Output


def answer(visit: Visit, action: Mapping[str, Any]) -> Iterator[Output]:
    name = action.get("action")
    match name:
        case "ask" if action.get("topic") in information.TOPICS:
            yield from information.answer(visit, str(action["topic"]), Understood())
            yield from reception.resume(visit)
        case "book":
            yield from reception.take_details(visit, Details())
        case "choose_time" | "accept" | "decline" | "change" | "confirm" | "discard":
            yield from _answer_on_draft(visit, str(name), action)
        case "change_booking" | "cancel_booking" | "confirm_cancel" | "keep_booking":
            yield from _answer_on_booking(visit, str(name), action.get("code"))
        case "repeat" if visit.call.said:
            yield from visit.call.said
        case "end_call":
            yield "Goodbye."
            yield EndCall()
        case _:
            yield "Sorry, I don't know what that button does."
            yield from _go_back_to_question(visit, or_say="What can I do for you?")


def _go_back_to_question(visit: Visit, *, or_say: str = "") -> Iterator[Output]:
    if visit.call.asking:
        yield from reception.resume(visit)
    elif or_say:
        yield or_say


def _answer_on_draft(visit: Visit, name: str, action: Mapping[str, Any]) -> Iterator[Output]:
    call, draft = visit.call, visit.call.draft
    booked = call.find_by_draft(action.get("draft"))
    if booked and name in ("confirm", "accept", "choose_time"):
        yield from reception.say_booking(visit, booked, opening="That's already booked:")
        return
    if draft is None or action.get("draft") != draft.id:
        yield "That's no longer open."
        yield from _go_back_to_question(visit, or_say="Would you like to book a table?")
        return
    yield from _apply(visit, draft, name, action.get("time"))


def _apply(visit: Visit, draft: Draft, name: str, time_text: object) -> Iterator[Output]:
    call = visit.call
    match name:
        case "choose_time":
            moment = _parse_time(time_text)
            if moment is None:
                yield "Sorry, I couldn't read that time."
                yield from reception.ask(visit, "time")
                return
            yield from reception.take_details(visit, Table(time=moment))
        case "accept" if call.offer:
            yield from reception.take_details(visit, call.offer)
        case "change":
            yield from reception.ask_what_to_change(visit)
        case "confirm" if call.asking == "confirm":
            yield from reception.book(visit, draft)
        case "discard":
            yield from reception.discard(visit)
        case _:
            yield from reception.go_on(visit, draft)


def _answer_on_booking(visit: Visit, name: str, code: object) -> Iterator[Output]:
    call = visit.call
    booking = call.find(code)
    if booking is None:
        if code in call.cancelled:
            yield "That table is already cancelled."
        else:
            yield "I can't find that booking."
            yield from _go_back_to_question(visit, or_say="Would you like to book a table?")
        return
    match name:
        case "change_booking":
            yield from reception.change(visit, booking, Details())
        case "cancel_booking":
            yield from reception.ask_to_cancel(visit, booking)
        case "confirm_cancel":
            yield from reception.cancel(visit, booking)
        case _:
            yield from reception.keep(visit)


def _parse_time(text: object) -> dt.time | None:
    try:
        return dt.time.fromisoformat(str(text)).replace(tzinfo=None)
    except ValueError:
        return None
