"""What the agents of this folder know and can do, whatever framework they are on."""

from voicelive_agent import ClientEvent, show

INSTRUCTIONS = "You talk to a caller about the weather. Answer in one or two spoken sentences."


async def get_weather(city: str) -> str:
    """The weather in a city."""
    show(ClientEvent("ui.card", title=f"Weather in {city}", lines=["Rain"]))
    return "rain"
