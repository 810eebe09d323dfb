"""The life of utterances: what is told of each, and that nothing is once it is discarded."""

import asyncio

import pytest

from tests.emulator.fakes import FakeSpeechToText, FakeUtterance
from voicelive_agent.emulator.session import Fact, facts
from voicelive_agent.emulator.shell.tasks import SessionTasks
from voicelive_agent.emulator.shell.utterances import Utterances


class Bench:
    """Utterances over a recogniser that the test plays, and what the session is told."""

    def __init__(self) -> None:
        self.stt = FakeSpeechToText()
        self.told: list[Fact] = []
        self.failed_tasks = 0
        self.tasks = SessionTasks(self._note_failure)
        self.utterances = Utterances(self.stt, self.tasks, self.told.append)

    def _note_failure(self) -> None:
        self.failed_tasks += 1

    def recognised(self) -> list[FakeUtterance]:
        return self.stt.recognizers[0].utterances

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


async def test_an_utterance_gets_its_audio_and_tells_its_transcript() -> None:
    bench = Bench()
    bench.utterances.begin("item_1", b"before")
    bench.utterances.feed(b"after")
    bench.recognised()[0].on_partial("good")
    assert bench.utterances.finish("item_1")
    await bench.settle()
    assert bytes(bench.recognised()[0].audio) == b"beforeafter"
    partial, final = bench.told
    assert partial == facts.PartialTranscript("item_1", "good")
    assert isinstance(final, facts.FinalTranscript)
    assert final.transcript.text == "hello"
    await bench.tasks.stop()


async def test_what_was_never_begun_can_not_be_finished() -> None:
    bench = Bench()
    assert not bench.utterances.finish("item_1")
    assert not bench.utterances.is_any_open


@pytest.mark.parametrize("is_finishing", [False, True])
async def test_a_discarded_utterance_is_told_of_no_more(is_finishing: bool) -> None:
    bench = Bench()
    bench.stt.gate.clear()
    bench.utterances.begin("item_1", b"")
    if is_finishing:
        bench.utterances.finish("item_1")
        await bench.settle()
    bench.utterances.discard("item_1")
    bench.recognised()[0].on_partial("too late")
    bench.stt.gate.set()
    await bench.settle()
    assert bench.recognised()[0].discarded
    assert bench.told == []
    await bench.tasks.stop()


async def test_a_failure_is_told_with_the_engine_s_own_words() -> None:
    bench = Bench()
    bench.stt.texts = ["!the microphone is under water"]
    bench.utterances.begin("item_1", b"")
    bench.utterances.finish("item_1")
    await bench.settle()
    failed = facts.TranscriptionFailed("item_1", "the microphone is under water")
    assert bench.told == [failed]


async def test_a_recording_is_recognised_once_it_is_decoded() -> None:
    bench = Bench()
    decoded = asyncio.Event()

    async def decode() -> bytes:
        await decoded.wait()
        return b"recording"

    bench.utterances.transcribe("item_1", decode)
    await bench.settle()
    assert not bench.recognised()
    decoded.set()
    await bench.settle()
    assert bytes(bench.recognised()[0].audio) == b"recording"
    assert [type(fact) for fact in bench.told] == [facts.FinalTranscript]
    assert not bench.utterances.is_any_open


async def test_a_recording_that_is_discarded_while_it_is_decoded_is_not_recognised() -> None:
    bench = Bench()
    decoded = asyncio.Event()

    async def decode() -> bytes:
        await decoded.wait()
        return b"recording"

    bench.utterances.transcribe("item_1", decode)
    await bench.settle()
    bench.utterances.discard("item_1")
    decoded.set()
    await bench.settle()
    assert not bench.recognised()
    assert bench.told == []
    assert bench.failed_tasks == 0


async def test_closing_discards_what_is_open_and_what_is_finishing() -> None:
    bench = Bench()
    bench.stt.gate.clear()
    bench.utterances.begin("item_1", b"")
    bench.utterances.finish("item_1")
    bench.utterances.begin("item_2", b"")
    await bench.settle()
    await bench.utterances.close()
    assert all(utterance.discarded for utterance in bench.recognised())
    assert bench.stt.recognizers[0].closed
    await bench.tasks.stop()
    assert bench.told == []


async def test_a_pause_is_told_once_and_so_is_what_follows_it() -> None:
    bench = Bench()
    bench.utterances.begin("item_1", b"")
    for quiet_since_ms in (None, 500, 500, None, None, 900, 1400):
        bench.utterances.follow_pause(quiet_since_ms)
    assert bench.recognised()[0].pauses == [0, None, 0, None, 0]
    await bench.utterances.close()


async def test_a_new_utterance_begins_without_a_pause() -> None:
    bench = Bench()
    bench.utterances.begin("item_1", b"")
    bench.utterances.follow_pause(500)
    bench.utterances.finish("item_1")
    bench.utterances.begin("item_2", b"")
    bench.utterances.follow_pause(None)
    bench.utterances.follow_pause(2000)
    assert bench.recognised()[1].pauses == [0]
    await bench.tasks.stop()


async def test_what_an_engine_can_not_hear_is_told_once() -> None:
    """Somebody spoke French, and the session was told fluent English nonsense."""
    bench = Bench()
    bench.stt.notice = "English only"
    for item_id in ("item_1", "item_2"):
        bench.utterances.begin(item_id, b"")
        bench.utterances.finish(item_id)
        await bench.settle()
    warnings = [fact for fact in bench.told if isinstance(fact, facts.Warned)]
    assert [(fact.message, fact.code) for fact in warnings] == [("English only", "hearing_limited")]
    await bench.tasks.stop()
