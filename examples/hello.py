"""The smallest agent: ``voicelive-agent dev examples.hello:reply``."""

from voicelive_agent import Turn


async def reply(turn: Turn) -> str:
    if turn.kind == "greeting":
        return "Hello! Say something, and I will repeat it."
    return f"You said: {turn.text}."
