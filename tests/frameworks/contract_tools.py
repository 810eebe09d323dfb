"""Tools of the agents that the contract tries: one is held back, one shows, one ends the call."""

import asyncio

from voicelive_agent.agent import ClientEvent
from voicelive_agent.frameworks import current_turn, end_call, show


class Weather:
    """A tool with a side effect on the screen, that can be held back."""

    def __init__(self) -> None:
        self.cities: list[str] = []
        self.called = asyncio.Event()
        self.released = asyncio.Event()
        self.released.set()
        self.error: Exception | None = None

    async def get_weather(self, city: str) -> str:
        """The weather in a city."""
        self.cities.append(city)
        show(ClientEvent("ui.card", title=city, turn=current_turn().text))
        self.called.set()
        await self.released.wait()
        if self.error is not None:
            raise self.error
        return f"rain in {city}"


def get_time(city: str) -> str:
    """The time in a city."""
    show(ClientEvent("ui.clock", title=city))
    return "noon"


def hang_up() -> str:
    """End the call."""
    end_call("goodbye")
    return "The call ends after this."
