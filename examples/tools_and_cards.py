"""Tools of a language model that show cards, and no other code.

::

    VOICELIVE_AGENT_TOOLS=examples.tools_and_cards voicelive-agent dev model

The model is the one that ``VOICELIVE_AGENT_MODEL`` names, or one deployed in a Foundry project.
A tool's docstring and types are what the model knows of it.
"""

from voicelive_agent import ClientEvent, current_turn, show

ROOMS = {"single": 90, "double": 140}


async def find_rooms(nights: int) -> dict[str, int]:
    """The hotel's free rooms: the price of each kind for a number of nights, in dollars."""
    prices = {kind: price * nights for kind, price in ROOMS.items()}
    show(ClientEvent("ui.card", title="Rooms", lines=[f"{k}: ${p}" for k, p in prices.items()]))
    buttons = [{"label": kind, "action": {"type": "book", "room": kind}} for kind in prices]
    show(ClientEvent("ui.buttons", buttons=buttons))
    return prices


async def book_room(kind: str, nights: int) -> str:
    """Book a room of this kind, after the caller has agreed."""
    if kind not in ROOMS:
        return f"There is no {kind} room; there are {', '.join(ROOMS)}."
    bookings = current_turn().state.setdefault("bookings", [])
    bookings.append({"kind": kind, "nights": nights})
    show(ClientEvent("ui.card", title="Booked", lines=[f"{kind} room, {nights} nights"]))
    return f"Booked; it is booking number {len(bookings)} of this call."
