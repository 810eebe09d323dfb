"""What the agent says; yours to edit. What else an agent can do: docs/howto/write-an-agent.md.

``reply`` is called for each turn: the call begins, the caller says something, or clicks. Text that
it yields is spoken at once, and a ``ClientEvent`` appears on the caller's screen.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from voicelive_agent import ClientEvent, EndCall, Turn

WEATHER = {"Seattle": (52, "partly cloudy"), "Portland": (55, "rainy"), "Vancouver": (48, "sunny")}
Output = str | ClientEvent | EndCall


async def reply(turn: Turn) -> AsyncIterator[Output]:
    # What is in `turn.state` is kept for the whole conversation, over restarts too.
    if turn.kind == "greeting":
        outputs = greet(turn.state)
    elif turn.kind == "action":
        outputs = take_click(turn.action or {}, turn.state)
    else:
        outputs = answer(turn.text, turn.state)
    for output in outputs:
        yield output


def greet(state: dict[str, Any]) -> Iterator[Output]:
    yield "Welcome back! " if state else "Hello! "
    yield from ask_for_city()


def take_click(action: Mapping[str, Any], state: dict[str, Any]) -> Iterator[Output]:
    if action.get("type") == "weather" and action.get("city") in list(WEATHER):
        yield from tell_weather(action["city"], state)
    else:
        yield "I don't know that button."


def answer(text: str, state: dict[str, Any]) -> Iterator[Output]:
    words = set(re.findall(r"[a-z]+", text.lower()))
    city = find_city(text)
    is_correction = bool(words & {"no", "not", "mean", "meant"})
    if words & {"goodbye", "bye"}:
        yield "Goodbye, and have a nice day!"
        yield EndCall()
    elif city and ("live" in words or (is_correction and state.get("topic") == "home")):
        state.update(topic="home", home=city)
        yield f"You live in {city}, I'll remember that. "
        yield "Now just ask me what the weather is like."
    elif city:
        if is_correction:
            yield f"Sorry, {city}. "
        yield from tell_weather(city, state)
    elif "live" in words:
        yield f"You live in {state['home']}." if "home" in state else "You haven't told me yet."
    elif words & {"weather", "temperature", "rain", "raining", "cold", "warm", "again"}:
        city = state.get("home") or state.get("city")
        yield from tell_weather(city, state) if city and "in" not in words else ask_for_city()
    elif words & {"thanks", "thank"}:
        yield "You're welcome."
    else:
        yield "I only know about the weather. "
        yield "Ask me, for example, what it is like in Seattle."


def find_city(text: str) -> str | None:
    """The city that was named last, but for "not Seattle"."""
    named = re.findall(rf"(not )?(?:in )?\b({'|'.join(WEATHER)})\b", text, re.IGNORECASE)
    wanted = [city.title() for refused, city in named if not refused]
    return wanted[-1] if wanted else None


def tell_weather(city: str, state: dict[str, Any]) -> Iterator[Output]:
    state.update(topic="weather", city=city)
    degrees, sky = WEATHER[city]
    yield "The weather "
    yield f"in {city} "
    yield ClientEvent(
        "ui.card", title=f"Weather in {city}", lines=[f"{degrees}°F", sky.capitalize()]
    )
    yield f"is {degrees}°F "
    yield f"and {sky}."
    yield show_buttons([other for other in WEATHER if other != city])


def ask_for_city() -> Iterator[Output]:
    yield "I know the weather "
    yield "in Seattle, Portland and Vancouver. "
    yield show_buttons(list(WEATHER))
    yield "Which would you like?"


def show_buttons(cities: list[str]) -> ClientEvent:
    """Buttons; the action of the one that is clicked comes back as ``turn.action``."""
    buttons = [{"label": city, "action": {"type": "weather", "city": city}} for city in cities]
    return ClientEvent("ui.buttons", buttons=buttons)
