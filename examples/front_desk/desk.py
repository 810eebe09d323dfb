"""The front desk: what it answers to what is said, in which order of importance."""

import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterator

from examples.front_desk import clicks, house, information, memory, rebooking, reception
from examples.front_desk.booking import DETAILS, Booking, is_free
from examples.front_desk.details import Details
from examples.front_desk.names import read_corrected_name
from examples.front_desk.sentences import say_weekday
from examples.front_desk.understanding import Understood, understand
from examples.front_desk.visit import Visit
from examples.front_desk.when import hour_of
from voicelive_agent.agent import EndCall, Output, Turn

_WHATS = (("sorry",), ("what",), ("huh",), ("sorry", "what"), ("what", "sorry"))
_APOLOGIES = ("Sorry, I didn't hear you.", "Sorry, I didn't understand that.")

Clock = Callable[[], dt.datetime]


def local_now() -> dt.datetime:
    return dt.datetime.now().astimezone()


class FrontDesk:
    """An agent that books tables. ``clock`` gives the time at the house, with a zone or without."""

    def __init__(self, clock: Clock = local_now) -> None:
        self._clock = clock

    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        """Answer a turn.

        The answer is complete, and its state saved, before its first word leaves: whoever
        interrupts it finds the desk in a state that fits what was decided.
        """
        # Tables are booked by the clock on the wall, which knows no zone.
        now = self._clock().replace(tzinfo=None)
        visit = Visit(turn, memory.load(turn.state), now)
        outputs = list(_answer(visit))
        clauses = [output for output in outputs if isinstance(output, str)]
        visit.call.said = clauses
        memory.save(visit.call, turn.state)
        left = len(clauses)
        for output in outputs:
            if isinstance(output, str):
                left -= 1
                yield f"{output} " if left else output
            else:
                yield output


def _answer(visit: Visit) -> Iterator[Output]:
    turn, call = visit.turn, visit.call
    action = turn.action or {}
    typed = action.get("text")
    if turn.kind == "greeting":
        yield from _greet(visit)
    elif turn.kind == "action" and ("action" in action or not isinstance(typed, str)):
        yield from clicks.answer(visit, action)
    else:
        # A client may also send what was typed or chosen as plain text.
        text = turn.text if turn.kind == "speech" else str(typed)
        asking = call.asking if call.asking in DETAILS else ""
        yield from _listen(visit, understand(text, today=visit.today, asking=asking))


def _greet(visit: Visit) -> Iterator[Output]:
    if visit.call.asking:
        yield "Hello again."
        yield from reception.resume(visit)
    else:
        yield from information.greet(visit)


def _listen(visit: Visit, said: Understood) -> Iterator[Output]:
    call, topics = visit.call, said.topics
    if not said.words:
        yield from _miss(visit, _APOLOGIES[0])
        return
    _apply_shift(visit, said)
    _apply_same_name(visit, said)
    misses, call.misses = call.misses, 0
    topic, call.topic = call.topic, ""
    if _should_repeat(visit, said):
        yield from _repeat_missed(visit, said)
    elif _wants_repetition(said):
        yield from _repeat(visit)
    elif "goodbye" in topics and not said.details and not _confirms(visit, said):
        yield from _say_goodbye(visit)
    elif said.is_impossible_day:
        yield "The calendar has no such day."
        yield from reception.take_details(visit, said.details)
    elif topics & {"cancel", "keep", "forget"}:
        yield from rebooking.hear_cancellation(visit, said)
    elif "wait" in topics and not (said.details or said.says_yes or said.says_no):
        yield "Of course, take your time."
    elif "times" in topics and "lookup" not in topics and said.details.time is None:
        yield from reception.tell_times(visit, said.details)
    elif call.asking and (answer := _hear_answer(visit, said)):
        yield from answer
    elif question := _find_question(said) or _find_follow_up(visit, said, topic):
        call.topic = question
        yield from information.answer(visit, question, said)
        yield from reception.resume(visit)
    elif booking := rebooking.find_changed(visit, said):
        yield from _change(visit, booking, said)
    elif said.details or topics & {"book", "lookup"}:
        yield from _hear_booking(visit, said)
    else:
        call.misses = misses
        yield from _chat(visit, said)


def _apply_shift(visit: Visit, said: Understood) -> None:
    """Turn ``an hour later`` and ``one more person`` into details."""
    call, shift, details = visit.call, said.shift, said.details
    table = call.draft or call.find(call.latest)
    if shift.people and table and table.party is not None:
        details.party = table.party + shift.people
    base = None
    if shift.from_now_minutes:
        base, minutes = visit.now, shift.from_now_minutes
    elif shift.minutes and table and table.time is not None:
        base, minutes = dt.datetime.combine(visit.today, table.time), shift.minutes
    if base is None:
        return
    moment = base + dt.timedelta(minutes=minutes)
    if shift.from_now_minutes:
        # Tables are given by the quarter of an hour.
        moment += dt.timedelta(minutes=-moment.minute % 15)
        details.date = moment.date()
    if moment.date() == base.date() or shift.from_now_minutes:
        details.time = moment.time().replace(second=0, microsecond=0)


def _apply_same_name(visit: Visit, said: Understood) -> None:
    if "same_name" in said.topics and visit.call.bookings:
        said.details.name = visit.call.bookings[-1].name


def _wants_repetition(said: Understood) -> bool:
    if said.details or said.says_no or said.topics & {"book", "lookup"}:
        return False
    return "repeat" in said.topics or said.words in _WHATS


def _confirms(visit: Visit, said: Understood) -> bool:
    return said.says_yes and visit.call.asking == "confirm"


def _repeat(visit: Visit) -> Iterator[Output]:
    visit.turn.notes["repeats"] = True
    clauses = [clause for clause in visit.call.said if clause not in _APOLOGIES]
    if clauses:
        yield from clauses
    else:
        yield from information.greet(visit)


def _should_repeat(visit: Visit, said: Understood) -> bool:
    """Whether the caller answers something that they can't have heard."""
    call = visit.call
    if said.details or said.topics & {"cancel", "change", "forget", "keep"}:
        return False
    is_about_table = call.asking == "confirm" or (not call.asking and call.find(call.latest))
    return bool(is_about_table) and not said.says_no and visit.missed_words()


def _repeat_missed(visit: Visit, said: Understood) -> Iterator[Output]:
    """Say again what the caller interrupted before its point, and only then what they asked."""
    call = visit.call
    booking = call.find(call.latest)
    visit.turn.notes["repeats"] = True
    topic = _find_question(said)
    if topic:
        yield from information.answer(visit, topic, said)
    if call.draft:
        yield from reception.read_back(visit, call.draft, opening="Let me say it all: that's")
    elif booking:
        yield from reception.say_booking(visit, booking, opening="To say it all:")
        if "goodbye" in said.topics:
            yield "Goodbye."
            yield EndCall()


def _say_goodbye(visit: Visit) -> Iterator[Output]:
    call = visit.call
    booking = call.find(call.latest)
    if call.draft and not call.draft.replaces:
        yield "I haven't booked anything, then."
    if booking:
        days = (booking.date - visit.today).days
        when = {0: "today", 1: "tomorrow"}.get(days, f"on {say_weekday(booking.date)}")
        yield f"Thank you for calling, and see you {when}."
    else:
        yield "Thank you for calling."
    yield "Goodbye."
    call.drop_draft()
    yield EndCall()


# Answers to an open question.


def _hear_answer(visit: Visit, said: Understood) -> Iterator[Output] | None:
    """The answer to the open question, where what was said is one."""
    call, draft = visit.call, visit.call.draft
    if call.asking in ("which_cancel", "which_change"):
        booking = rebooking.find_meant(call, said)
        purpose = call.asking.removeprefix("which_")
        return rebooking.choose(visit, said, purpose) if booking else None
    if call.asking == "cancel" and (target := call.find(call.target)):
        if said.says_yes:
            return reception.cancel(visit, target)
        return reception.keep(visit) if said.says_no else None
    if _find_question(said) and not said.says_yes:
        return None
    details = _add_number(visit, said)
    if not details and call.asking in ("confirm", "change"):
        details = Details(name=read_corrected_name(said.words, visit.today))
    if details:
        return reception.take_details(visit, details)
    if call.asking == "offer" and call.offer:
        if said.says_yes:
            return reception.take_details(visit, call.offer)
        return _decline(visit) if said.says_no else None
    if draft is None:
        return None
    if call.asking in DETAILS and said.says_no:
        is_about_details = any(getattr(draft, one) for one in DETAILS)
        if is_about_details and "thanks" not in said.topics:
            return reception.ask_what_to_change(visit)
        return reception.discard(visit)
    if call.asking in ("confirm", "change") and (changed := _find_changed_detail(said)):
        return reception.ask(visit, changed)
    if call.asking == "confirm":
        if said.says_yes:
            return reception.book(visit, draft)
        wants_change = said.says_no or said.ruled_out or "change" in said.topics
        return reception.ask_what_to_change(visit) if wants_change else None
    if call.asking == "change" and (said.says_no or "nothing" in said.words):
        return reception.go_on(visit, draft)
    return None


def _add_number(visit: Visit, said: Understood) -> Details:
    """The details that were said; a bare number is a time if the house serves then."""
    details, number = said.details, said.number
    if number is None or details or visit.call.asking not in ("confirm", "change", "offer"):
        return details
    offer, draft = visit.call.offer, visit.call.draft
    moment = hour_of(number)
    day = draft.date if draft else None
    if offer and offer.time and moment:
        return Details(time=moment)
    means_party = (offer and offer.party) or not moment or not is_free(day, moment, visit.now)
    return Details(party=number) if means_party else Details(time=moment)


def _decline(visit: Visit) -> Iterator[Output]:
    call, draft = visit.call, visit.call.draft
    call.offer = None
    if draft is None:
        call.asking = ""
        yield "All right."
        yield "What else can I do for you?"
        return
    yield "All right."
    yield from reception.go_on(visit, draft)


_CHANGED_WORDS: dict[reception.Detail, set[str]] = {
    "date": {"day", "date"},
    "time": {"time", "hour", "later", "earlier"},
    "party": {"people", "number", "persons", "guests", "party", "size"},
    "name": {"name"},
}


def _find_changed_detail(said: Understood) -> reception.Detail | None:
    """The detail that the caller calls wrong, or wants to change."""
    if said.says_yes:
        return None
    words = set(said.words)
    return next((one for one, named in _CHANGED_WORDS.items() if words & named), None)


# Everything else.


def _find_question(said: Understood) -> str | None:
    """The question of fact in what was said, unless it is about a table."""
    asks_for_table = said.details.party is not None or (
        "book" in said.topics and (said.details or not said.topics & {"hours", "prices", "diet"})
    )
    for topic in information.TOPICS:
        if topic in said.topics and (topic == "weather" or not asks_for_table):
            return topic
    return None


def _find_follow_up(visit: Visit, said: Understood, topic: str) -> str | None:
    """``and in portland``, ``what about sunday``: the last question, about something else."""
    asks_on = said.words[0] in ("and", "how", "what") and len(said.words) <= 6
    if topic == "weather" and asks_on and (said.city or said.details.date):
        return topic
    if topic == "hours" and said.details.date and asks_on and not visit.call.asking:
        return topic
    names_city = said.city in {one.city for one in house.WEATHER} and not visit.call.asking
    return "weather" if names_city and "book" not in said.topics else None


def _change(visit: Visit, booking: Booking, said: Understood) -> Iterator[Output]:
    call = visit.call
    details = said.details
    if not details and said.number is not None:
        call.asking = "change"
        details = _add_number(visit, said)
    if len(call.bookings) > 1 and not details:
        yield from rebooking.choose(visit, said, "change")
    else:
        yield from reception.change(visit, booking, details)


def _hear_booking(visit: Visit, said: Understood) -> Iterator[Output]:
    call = visit.call
    asks_about = "lookup" in said.topics and not said.details and not call.draft
    if asks_about and call.bookings:
        booking = call.find(call.latest) or call.bookings[-1]
        yield from reception.say_booking(visit, booking, opening="Yes,")
    elif call.draft is None and not said.details:
        wants_one = "book" in said.topics and "repeat" not in said.topics
        yield "With pleasure." if wants_one else "You have no table with us yet."
        yield from reception.take_details(visit, said.details)
    else:
        yield from reception.take_details(visit, said.details)


def _chat(visit: Visit, said: Understood) -> Iterator[Output]:
    call = visit.call
    small_talk = next((topic for topic in information.SMALL_TALK if topic in said.topics), None)
    booking = call.find(call.latest)
    if small_talk:
        call.misses = 0
        yield from information.answer(visit, small_talk, said)
        if call.asking:
            yield from reception.resume(visit)
        elif small_talk in ("hello", "how_are_you"):
            yield "What can I do for you?"
    elif "help" in said.topics:
        call.misses = 0
        yield from information.offer_help(visit)
    elif said.says_yes and booking:
        yield from reception.say_booking(visit, booking, opening="Yes, it's booked:")
    elif said.says_yes and not call.asking:
        yield "Good."
        yield "What can I do for you?"
    elif said.says_no and not call.asking:
        yield "All right."
        yield "I'm here if you need anything else."
    else:
        yield from _miss(visit, _APOLOGIES[1])


def _miss(visit: Visit, apology: str) -> Iterator[Output]:
    call = visit.call
    call.misses = min(call.misses + 1, 9)
    yield apology
    if call.asking:
        yield from reception.resume(visit)
    elif call.misses > 1:
        yield from information.offer_help(visit)
    else:
        yield "What can I do for you?"
