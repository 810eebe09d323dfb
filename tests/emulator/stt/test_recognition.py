"""Utterances over an engine that the test plays itself."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from voicelive_agent.emulator.stt import SttError, Transcript, TranscriptWord, recognition
from voicelive_agent.emulator.stt.recognition import (
    BUFFERED_LIMIT_MS,
    PIECE_MS,
    BufferedRecognizer,
    BufferedUtterance,
    CollectedRecognition,
    Recognition,
)


class Engine:
    """Recognises one letter for each piece, when the test lets it."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.ended = 0
        self.abandoned = 0
        self.error: Exception | None = None

    async def open(self) -> Recognition:
        await self.gate.wait()
        return self

    async def take(self, pcm: bytes) -> str:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.pieces.append(pcm)
        return "x" * len(self.pieces)

    async def end(self) -> Transcript:
        self.ended += 1
        if self.error is not None:
            raise self.error
        return Transcript("x" * len(self.pieces))

    async def abandon(self) -> None:
        self.abandoned += 1


class Recognizer(BufferedRecognizer):
    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine

    def _prepare(self) -> Callable[[], Awaitable[Recognition]]:
        return self.engine.open


def ms(count: int) -> bytes:
    return bytes(32 * count)


async def begin(engine: Engine, partials: list[str] | None = None) -> BufferedUtterance:
    return Recognizer(engine).begin((partials if partials is not None else []).append)


async def test_audio_arrives_in_order_and_in_small_pieces() -> None:
    engine, audio = Engine(), bytes(range(256)) * 200
    utterance = await begin(engine)
    for start in range(0, len(audio), 1000):
        utterance.feed(audio[start : start + 1000])
    assert (await utterance.finish()).text
    assert b"".join(engine.pieces) == audio
    assert max(map(len, engine.pieces)) <= PIECE_MS * 32
    assert (engine.ended, engine.abandoned) == (1, 0)


async def test_partials_are_told_when_they_change() -> None:
    partials: list[str] = []
    utterance = await begin(Engine(), partials)
    utterance.feed(ms(20))
    assert await utterance.text_so_far() == "x"
    utterance.feed(ms(20))
    assert await utterance.text_so_far() == "xx"
    assert partials == ["x", "xx"]
    utterance.discard()


async def test_what_was_heard_so_far_waits_for_all_that_was_fed() -> None:
    engine = Engine()
    utterance = await begin(engine)
    engine.gate.clear()
    utterance.feed(ms(PIECE_MS * 3))
    waiting = asyncio.create_task(utterance.text_so_far())
    await asyncio.sleep(0)
    assert not waiting.done()
    engine.gate.set()
    assert await waiting == "xxx"
    utterance.discard()


async def test_nothing_was_said() -> None:
    engine = Engine()
    assert await (await begin(engine)).finish() == Transcript("")
    assert engine.ended == 1


async def test_whoever_feeds_too_much_is_held_back() -> None:
    engine = Engine()
    utterance = await begin(engine)
    engine.gate.clear()
    utterance.feed(ms(BUFFERED_LIMIT_MS * 2))
    draining = asyncio.create_task(utterance.drain())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not draining.done()
    engine.gate.set()
    await draining
    utterance.discard()
    await utterance.drain()


async def test_what_is_discarded_reports_nothing_and_frees_the_engine() -> None:
    engine, partials = Engine(), list[str]()
    utterance = await begin(engine, partials)
    utterance.feed(ms(20))
    await utterance.text_so_far()
    engine.gate.clear()
    utterance.feed(ms(2000))
    await asyncio.sleep(0)
    utterance.discard()
    engine.gate.set()
    await utterance.task
    assert partials == ["x"]
    assert (engine.ended, engine.abandoned) == (0, 1)
    with pytest.raises(SttError, match="discarded"):
        await utterance.finish()


async def test_what_waits_for_an_engine_can_be_discarded() -> None:
    engine = Engine()
    engine.gate.clear()
    utterance = await begin(engine)
    await asyncio.sleep(0)
    utterance.discard()
    await asyncio.gather(utterance.task, return_exceptions=True)
    assert (engine.ended, engine.abandoned) == (0, 0)


@pytest.mark.parametrize("error", [SttError("The ears are gone."), ValueError("secret")])
async def test_a_failure_is_told_to_everybody_who_waits(error: Exception) -> None:
    engine = Engine()
    engine.error = error
    utterance = await begin(engine)
    utterance.feed(ms(20))
    with pytest.raises(SttError) as failure:
        await utterance.finish()
    assert "secret" not in str(failure.value)
    with pytest.raises(SttError):
        await utterance.text_so_far()
    await utterance.drain()
    utterance.feed(ms(20))
    assert engine.abandoned == 1


async def test_a_failure_at_the_end_abandons_nothing_twice() -> None:
    engine = Engine()
    utterance = await begin(engine)
    engine.error = SttError("too late")
    with pytest.raises(SttError, match="too late"):
        await utterance.finish()
    assert (engine.ended, engine.abandoned) == (1, 0)


async def test_an_ear_that_closes_discards_its_utterances() -> None:
    engine = Engine()
    recognizer = Recognizer(engine)
    utterances = [recognizer.begin(lambda text: None) for _ in range(3)]
    await utterances[0].text_so_far()
    await recognizer.close()
    assert all(utterance.task.done() for utterance in utterances)
    assert engine.ended == 0


async def test_what_is_said_later_is_heard_with_the_new_phrases() -> None:
    recognizer = Recognizer(Engine())
    assert recognizer.configure(language="en-GB", phrases=["one"]) is None
    assert (recognizer.language, recognizer.phrases) == ("en-GB", ("one",))


# Engines that take whole utterances.


class WholeUtteranceEngine:
    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def transcribe(self, pcm: bytes) -> Transcript:
        self.heard.append(pcm)
        word = TranscriptWord(f"part{len(self.heard)}", 10, 20, 0.5)
        return Transcript(word.text, (word,), 0.5, "en-US", "engine")


async def test_an_utterance_is_heard_at_its_end() -> None:
    engine = WholeUtteranceEngine()
    collected = CollectedRecognition(engine.transcribe)
    assert await collected.take(b"ab") == ""
    assert await collected.take(b"cd") == ""
    assert (await collected.end()).text == "part1"
    assert engine.heard == [b"abcd"]


async def test_nothing_was_said_to_it() -> None:
    engine = WholeUtteranceEngine()
    await CollectedRecognition(engine.transcribe).end()
    assert engine.heard == [b""]


async def test_a_long_utterance_is_heard_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "PART_LIMIT_MS", 100)
    engine = WholeUtteranceEngine()
    collected = CollectedRecognition(engine.transcribe)
    assert await collected.take(bytes(3200)) == "part1"
    assert await collected.take(bytes(320)) == "part1"
    transcript = await collected.end()
    assert transcript.text == "part1 part2"
    assert [word.offset_ms for word in transcript.words] == [10, 110]
    assert transcript.confidence == 0.5


async def test_an_utterance_that_ends_with_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "PART_LIMIT_MS", 100)
    engine = WholeUtteranceEngine()
    collected = CollectedRecognition(engine.transcribe)
    await collected.take(bytes(3200))
    assert (await collected.end()).text == "part1"
    assert len(engine.heard) == 1
