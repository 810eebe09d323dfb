"""``VoiceLive(agent)``: real speech both ways, in real time."""

import pytest

from app.agent import reply
from voicelive_agent.testing import VoiceLive

pytestmark = [pytest.mark.slow, pytest.mark.component, pytest.mark.timeout(200)]


async def test_a_spoken_conversation_with_a_barge_in_a_click_and_a_typed_text() -> None:
    async with VoiceLive(reply) as voice:
        answer = await voice.say("What is the weather in Seattle?")
        assert "seattle" in answer.heard.lower()
        assert answer.text == "The weather in Seattle is 52°F and partly cloudy."
        assert not answer.interrupted
        assert answer.latency.voice_to_voice_ms is not None
        # The pause that ends a turn is a part of it.
        assert 500 < answer.latency.voice_to_voice_ms < 20_000

        greeting = await voice.greeting(listen_ms=1200)
        answer = await voice.say("What is the weather in Portland?")
        assert greeting.interrupted
        assert greeting.text.startswith("Welcome back!")
        assert "Which would you like?" not in greeting.text
        assert "in Portland" in answer.text

        clicked = await voice.click(answer.cards[-1]["buttons"][0]["action"], listen_ms=1000)
        typed = await voice.type("thank you")
        assert clicked.interrupted
        assert clicked.text.startswith("The weather")
        assert "cloudy" not in clicked.text
        assert typed.text == "You're welcome."
