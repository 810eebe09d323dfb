"""Engines that hear whole utterances."""

import pytest

from voicelive_agent.emulator.stt import HeardWord, Transcript, collecting
from voicelive_agent.emulator.stt.collecting import CollectedRecognition


class Engine:
    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def transcribe(self, pcm: bytes) -> Transcript:
        self.heard.append(pcm)
        word = HeardWord(f"part{len(self.heard)}", 10, 20, 0.5)
        return Transcript(word.text, (word,), 0.5, "en-US", "engine")


async def test_an_utterance_is_heard_at_its_end() -> None:
    engine = Engine()
    recognition = CollectedRecognition(engine.transcribe)
    assert await recognition.take(b"ab") == ""
    assert await recognition.take(b"cd") == ""
    assert (await recognition.end()).text == "part1"
    assert engine.heard == [b"abcd"]


async def test_nothing_was_said() -> None:
    engine = Engine()
    await CollectedRecognition(engine.transcribe).end()
    assert engine.heard == [b""]


async def test_a_long_utterance_is_heard_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "PART_LIMIT_MS", 100)
    engine = Engine()
    recognition = CollectedRecognition(engine.transcribe)
    assert await recognition.take(bytes(3200)) == "part1"
    assert await recognition.take(bytes(320)) == "part1"
    transcript = await recognition.end()
    assert transcript.text == "part1 part2"
    assert [word.offset_ms for word in transcript.words] == [10, 110]
    assert transcript.confidence == 0.5


async def test_an_utterance_that_ends_with_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "PART_LIMIT_MS", 100)
    engine = Engine()
    recognition = CollectedRecognition(engine.transcribe)
    await recognition.take(bytes(3200))
    assert (await recognition.end()).text == "part1"
    assert len(engine.heard) == 1
