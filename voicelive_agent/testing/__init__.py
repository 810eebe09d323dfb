"""An agent in a test: spoken to by voice or by text, through a real Voice Live session.

::

    from voicelive_agent.testing import VoiceLive

    async def test_weather():
        async with VoiceLive(agent=reply, by="text") as voice:
            answer = await voice.say("what is the weather in Seattle")
        assert "52°F" in answer.text

Agent server and emulator run in the test's own process, on ports that the system chooses, and are
gone when the block ends. Needs the extra ``emulator``.
"""

from voicelive_agent.testing.answer import AgentFailed, Answer, Latency, NoAnswer
from voicelive_agent.testing.voice_live import VoiceLive

__all__ = ["AgentFailed", "Answer", "Latency", "NoAnswer", "VoiceLive"]
