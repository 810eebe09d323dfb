"""What a session speaks: warnings of what its voice can't say."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from voicelive_agent.emulator.session import Fact, effects, facts
from voicelive_agent.emulator.shell.outbox import FrameOutbox
from voicelive_agent.emulator.shell.output_audio import OutputAudio
from voicelive_agent.emulator.tts import SpokenChunk, Voice


class SilentTts:
    name = "silent"
    sample_rate_hz = 16_000

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def voice_names(self) -> Sequence[str]:
        return []

    def resolve_voice(self, voice: Mapping[str, Any]) -> tuple[Voice, str | None]:
        return Voice("amy", "en-US"), None

    async def speak(self, clause: str, voice: Voice) -> AsyncGenerator[SpokenChunk, None]:
        yield SpokenChunk(b"")


async def test_text_that_a_voice_can_not_say_is_warned_of_once_for_each_script() -> None:
    """Kanji were read as "Chinese letter" by an English voice, and no warning said why."""
    told: list[Fact] = []
    output = OutputAudio(SilentTts(), FrameOutbox(), told.append, lambda response_id, at_ms: None)
    for number, text in enumerate(["Say 東京.", "And 大阪.", "Привет!", "Fine."]):
        speak = effects.Speak("resp_1", "item_1", number, text, {}, "pcm16")
        await output._speak_clause(speak)
    warnings = [fact for fact in told if isinstance(fact, facts.Warned)]
    assert [warning.code for warning in warnings] == ["text_not_sayable"] * 2
    assert "Chinese or Japanese letters" in warnings[0].message
    assert "--tts espeak" in warnings[0].message
    assert "Cyrillic" in warnings[1].message
