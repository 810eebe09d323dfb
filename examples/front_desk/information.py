"""What a front desk is asked besides tables: hours, place, menu, weather, and small talk."""

import datetime as dt
from collections.abc import Iterator, Sequence

from examples.front_desk import house
from examples.front_desk.booking import services_on
from examples.front_desk.screen import buttons, card, click
from examples.front_desk.sentences import say_day, say_list, say_time, say_weekday
from examples.front_desk.understanding import Understood
from examples.front_desk.visit import Visit
from voicelive_agent.agent import Output

_SENTENCES = {
    "address": (f"You find us at {house.ADDRESS}.",),
    "parking": (f"{house.PARKING}.",),
    "access": (f"{house.ACCESS}.",),
    "children": (f"{house.CHILDREN}.",),
    "pets": (f"{house.PETS}.",),
    "diet": (f"{house.DIET}.",),
    "payment": (f"{house.PAYMENT}.",),
    "seating": (f"{house.SEATING}.",),
    "takeaway": (f"{house.TAKEAWAY}.",),
    "late": (f"{house.LATE}.",),
    "wifi": (f"{house.WIFI}.",),
    "dress": (f"{house.DRESS}.",),
    "human": (
        "I'm the only one at this desk.",
        "In the restaurant somebody is there for you whenever we are open.",
    ),
    "robot": ("I'm a computer,", "but the tables that I book are real enough for a demo."),
    "how_are_you": ("I'm fine, thank you.",),
    "thanks": ("You're welcome.",),
    "language": ("I'm afraid I only speak English.",),
    "hello": ("Hello!",),
}
TOPICS = (
    *("clock", "weather", "hours", "parking", "address", "access"),
    *("payment", "takeaway", "late", "wifi", "dress", "seating"),
    *("diet", "prices", "pets", "menu", "children"),
)
"""Questions of fact; the first of them that fits is answered."""
SMALL_TALK = ("language", "human", "robot", "how_are_you", "thanks", "hello")


def greet(visit: Visit) -> Iterator[Output]:
    yield f"Hello, this is {house.NAME}."
    yield "I can book you a table,"
    yield offer_buttons()
    yield "tell you when we are open,"
    yield "or what the weather is like."
    yield "What can I do for you?"


def offer_help(visit: Visit) -> Iterator[Output]:
    yield "You can say, for example,"
    yield "a table for two tomorrow at seven,"
    yield offer_buttons()
    yield "when are you open,"
    yield "or, what is the weather in Seattle."


def offer_buttons() -> Output:
    return buttons(
        ("Book a table", click("book")),
        ("Opening hours", click("ask", topic="hours")),
        ("Weather", click("ask", topic="weather")),
    )


def answer(visit: Visit, topic: str, said: Understood) -> Iterator[Output]:
    if topic == "weather":
        if said.details.date not in (None, visit.today):
            yield "I only know today's weather."
        yield from tell_weather(said.city)
    elif topic == "hours":
        is_about_now = said.details.date is None and "now" in said.words
        yield from tell_hours(visit, visit.today if is_about_now else said.details.date)
    elif topic == "clock":
        yield f"It's {say_time(visit.now.time())}"
        yield f"on {say_day(visit.today, visit.today).removeprefix('today, ')}."
    elif topic == "prices":
        yield from tell_prices(said.words)
    elif topic == "menu":
        yield from tell_menu()
    else:
        yield from _SENTENCES[topic]


def tell_weather(city: str | None) -> Iterator[Output]:
    wanted = city or house.WEATHER[0].city
    weather = next((one for one in house.WEATHER if one.city == wanted), None)
    if weather is None:
        yield f"I don't know the weather in {wanted},"
        yield f"only in {say_list([one.city for one in house.WEATHER])}."
        return
    yield "The weather"
    yield f"in {weather.city}"
    yield card(f"Weather in {weather.city}", [f"{weather.fahrenheit}°F", weather.sky.capitalize()])
    yield f"is {weather.fahrenheit}°F"
    yield f"and {weather.sky}."


def tell_hours(visit: Visit, day: dt.date | None) -> Iterator[Output]:
    if day is None:
        yield "We are open for dinner from Tuesday to Sunday,"
        yield card("Opening hours", _hours_lines())
        yield f"from {_say_span(house.SERVICES[-1])},"
        yield f"and for lunch on Saturday and Sunday, from {_say_span(house.SERVICES[0])}."
        return
    services = services_on(day)
    is_near = abs((day - visit.today).days) < 7
    name = f"On {say_weekday(day) if is_near else say_day(day, visit.today)}"
    if day == visit.today:
        name = "Today"
    if not services:
        yield f"{name} we are closed."
        yield "We are open from Tuesday to Sunday."
        return
    yield f"{name} we are open"
    yield f"{say_list([f'from {_say_span(one)} for {one.name}' for one in services])}."


def _say_span(service: house.Service) -> str:
    return f"{say_time(service.opens)} to {say_time(service.closes)}"


def _hours_lines() -> list[str]:
    monday = dt.date(2024, 1, 1)
    lines = []
    for number in range(7):
        day = monday + dt.timedelta(days=number)
        spans = [_say_span(one) for one in services_on(day)]
        lines.append(f"{say_weekday(day)}: {', '.join(spans) or 'closed'}")
    return lines


def tell_prices(words: Sequence[str]) -> Iterator[Output]:
    """What a dish costs that was named; else what dishes cost."""
    for dish, price in house.MENU:
        if dish.lower().split()[-1] in words:
            yield f"The {dish.lower()} is {price} dollars."
            return
    yield f"{house.PRICES}."


def tell_menu() -> Iterator[Output]:
    yield "On the menu are"
    yield card("Menu", [f"{dish}: ${price}" for dish, price in house.MENU])
    yield f"{say_list([dish.lower() for dish, _ in house.MENU])}."
