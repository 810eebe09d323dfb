"""The facts of the house: everything that you would change for a restaurant of your own."""

from dataclasses import dataclass
from datetime import time

NAME = "The Corner Table"
ADDRESS = "42 Pine Street, in Seattle, two blocks from the market"
PARKING = "There is a garage across the street, and we pay for your first two hours"
ACCESS = "Our entrance and one of the restrooms have no steps"
CHILDREN = "Children are welcome, and we have high chairs"
PETS = "Dogs are welcome on the terrace"
DIET = "The mushroom risotto is vegetarian, and the kitchen cooks vegan or gluten free if you ask"
PAYMENT = "We take cash and all the usual cards"
SEATING = "We have tables inside and on the terrace, and you choose when you come"
TAKEAWAY = "We don't deliver, but you can pick up every dish while we are open"
LATE = "No problem, we keep a table for fifteen minutes"
WIFI = "There is free wifi"
DRESS = "There is no dress code, so come as you are"
PRICES = "Main courses are between 18 and 34 dollars"
MENU = (
    ("Tomato soup", 9),
    ("Mushroom risotto", 21),
    ("Grilled salmon", 29),
    ("Apple pie", 8),
)
LARGEST_PARTY = 8
DAYS_AHEAD = 90
"""How far ahead a table can be booked."""
BOOKINGS_PER_CALL = 3
SUGGESTED_TIMES = (time(18, 0), time(19, 0), time(19, 30), time(20, 30))
"""Offered on the screen; those at which the house is open on the day."""

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)


@dataclass(frozen=True, slots=True)
class Service:
    """A part of the day in which tables are given, on some days of the week."""

    name: str
    weekdays: frozenset[int]
    opens: time
    last_table: time
    closes: time


SERVICES = (
    Service(
        "lunch",
        frozenset({SATURDAY, SUNDAY}),
        opens=time(12, 0),
        last_table=time(14, 0),
        closes=time(15, 0),
    ),
    Service(
        "dinner",
        frozenset({TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY}),
        opens=time(17, 0),
        last_table=time(21, 0),
        closes=time(22, 0),
    ),
)


@dataclass(frozen=True, slots=True)
class Weather:
    city: str
    fahrenheit: int
    sky: str
    sounds_like: tuple[str, ...] = ()
    """What a recogniser makes of the name."""


WEATHER = (
    Weather("Seattle", 52, "partly cloudy", ("sea at all", "see at all", "see addle", "c at all")),
    Weather("Portland", 55, "raining lightly", ("port land",)),
    Weather("Vancouver", 50, "overcast", ("van couver",)),
    Weather("San Francisco", 61, "foggy", ("san fran", "sanfrancisco")),
    Weather("Spokane", 44, "clear", ("spoken", "spoke can")),
)
