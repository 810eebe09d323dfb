"""Which booking is meant, and cancelling it or changing it."""

from collections.abc import Iterator

from examples.front_desk import reception
from examples.front_desk.booking import Booking, Call, Table
from examples.front_desk.details import Details
from examples.front_desk.understanding import Understood
from examples.front_desk.visit import Visit
from voicelive_agent.agent import Output


def hear_cancellation(visit: Visit, said: Understood) -> Iterator[Output]:
    call = visit.call
    target = call.find(call.target) if call.asking == "cancel" else None
    if target and ("keep" in said.topics or said.says_no):
        yield from reception.keep(visit)
    elif target and "cancel" in said.topics:
        yield from reception.cancel(visit, target)
    elif call.draft:
        yield from reception.discard(visit)
    elif "cancel" in said.topics and "keep" not in said.topics:
        yield from choose(visit, said, "cancel")
    elif call.asking:
        call.asking = ""
        yield "All right, everything stays as it is."
    else:
        yield "All right."
        yield "What else can I do for you?"


def choose(visit: Visit, said: Understood, purpose: str) -> Iterator[Output]:
    """Find the booking that is meant, and cancel or change it."""
    call = visit.call
    booking = find_meant(call, said)
    if booking is not None:
        if purpose == "cancel":
            yield from reception.ask_to_cancel(visit, booking)
        else:
            yield from reception.change(visit, booking, Details())
    elif call.bookings:
        yield from reception.ask_which(visit, "cancel" if purpose == "cancel" else "change")
    elif call.cancelled:
        yield "Your table is already cancelled."
    else:
        yield "You haven't booked a table in this call."
        yield "Would you like one?"
        call.asking = "offer"
        call.offer = Table()


def find_meant(call: Call, said: Understood) -> Booking | None:
    if len(call.bookings) == 1:
        return call.bookings[0]
    spoken = "".join(word for word in said.words if word.isdigit())
    for booking in call.bookings:
        if booking.code == spoken:
            return booking
    details = said.details
    meant = [
        one
        for one in call.bookings
        if (details.date or details.time or details.party)
        and details.date in (None, one.date)
        and details.time in (None, one.time)
        and details.party in (None, one.party)
    ]
    if len(meant) == 1:
        return meant[0]
    if said.position and call.asking.startswith("which") and said.position <= len(call.bookings):
        return call.bookings[said.position - 1 if said.position > 0 else -1]
    return None


def find_changed(visit: Visit, said: Understood) -> Booking | None:
    """The booking that a correction is about, once it is booked."""
    call = visit.call
    if call.draft or not call.bookings:
        return None
    corrects = said.says_no or said.shift or said.topics & {"change", "correct"}
    asks_anew = said.topics & {"book"} and set(said.words) & {"another", "second", "new"}
    if "change" in said.topics and not asks_anew:
        return call.find(call.latest) or call.bookings[-1]
    return call.find(call.latest) if corrects and said.details and not asks_anew else None
