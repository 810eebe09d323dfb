"""When an utterance is heard, again and for good; the model is a stand-in that counts seconds."""

import asyncio

import pytest

from voicelive_agent.emulator.stt import SttError
from voicelive_agent.emulator.stt.moonshine.hearing import Heard, HeardWord, find_quietest
from voicelive_agent.emulator.stt.moonshine.utterance import (
    CUT_AFTER_MS,
    LONGEST_MS,
    MoonshineUtterance,
)

MS = 32
COST_S = 0.015


class Ears:
    """Hears the number of ms that it gets, as one word."""

    def __init__(self) -> None:
        self.heard_ms: list[int] = []
        self.partials: list[str] = []
        self.busy = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.partial_doubt = ""
        self.drafts: list[int] = []
        self.utterance = MoonshineUtterance(
            self.hear, lambda: self.busy, self.partials.append, lambda transcript, doubt: transcript
        )

    async def hear(
        self, pcm: bytes, offset_ms: int, before: Heard | None, is_partial: bool
    ) -> Heard:
        await self.gate.wait()
        if self.error:
            raise self.error
        ms = len(pcm) // MS
        self.heard_ms.append(ms)
        self.drafts.append(before.duration_ms if before else 0)
        doubt = self.partial_doubt if is_partial else ""
        words = () if doubt else (HeardWord(str(ms), 0.9, offset_ms, ms),)
        return Heard(words, ms, COST_S, doubt, is_final=not doubt)

    async def feed(self, ms: int, step_ms: int = 100) -> None:
        for _ in range(ms // step_ms):
            self.utterance.feed(b"\1\0" * (step_ms * MS // 2))
            await settle()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_growing_speech_is_heard_again_as_often_as_its_cost_allows() -> None:
    ears = Ears()
    await ears.feed(3000)
    # 15 ms of work are 3 % of 500 ms.
    assert ears.heard_ms == [800, 1300, 1800, 2300, 2800]
    assert ears.drafts == [0, 800, 1300, 1800, 2300]
    assert ears.partials == ["800", "1300", "1800", "2300", "2800"]
    assert (await ears.utterance.finish()).text == "3000"


async def test_what_is_unsure_of_what_one_has_said_so_far_is_heard_for_good_at_the_pause() -> None:
    """Nothing unsure stands on the screen, and no turn ends with it."""
    ears = Ears()
    ears.partial_doubt = "unsure"
    await ears.feed(1300)
    assert ears.heard_ms == [800, 1300]
    assert ears.partials == []
    ears.utterance.pause()
    await settle()
    assert ears.heard_ms == [800, 1300, 1300]
    assert ears.partials == ["1300"]
    assert (await ears.utterance.finish()).text == "1300"


async def test_a_machine_without_a_processor_to_spare_hears_no_partial_text() -> None:
    ears = Ears()
    ears.busy = True
    await ears.feed(2000)
    assert ears.heard_ms == []
    assert (await ears.utterance.finish()).text == "2000"


async def test_what_was_heard_at_the_pause_is_final_while_the_pause_holds() -> None:
    """The final text took a tenth of a second after each turn, in which everybody waited."""
    ears = Ears()
    ears.busy = True
    await ears.feed(1200)
    ears.utterance.pause()
    await settle()
    await ears.feed(300)
    assert ears.heard_ms == [1200]
    ears.gate.clear()
    transcript = await asyncio.wait_for(ears.utterance.finish(), 1)
    assert transcript.text == "1200"
    assert transcript.confidence == pytest.approx(0.9)


async def test_speech_after_a_pause_is_heard_as_well() -> None:
    ears = Ears()
    ears.busy = True
    await ears.feed(1200)
    ears.utterance.pause()
    await ears.feed(300)
    ears.utterance.resume()
    await ears.feed(500)
    assert (await ears.utterance.finish()).text == "2000"


async def test_a_turn_that_ends_while_its_pause_is_heard_waits_for_that() -> None:
    ears = Ears()
    ears.busy = True
    await ears.feed(1200)
    ears.gate.clear()
    ears.utterance.pause()
    await ears.feed(200)
    finishing = asyncio.create_task(ears.utterance.finish())
    await settle()
    assert not finishing.done()
    ears.gate.set()
    assert (await finishing).text == "1200"
    assert ears.heard_ms == [1200]


async def test_a_long_utterance_is_cut_at_its_pauses() -> None:
    ears = Ears()
    ears.busy = True
    await ears.feed(CUT_AFTER_MS)
    ears.utterance.pause()
    await ears.feed(300)
    ears.utterance.resume()
    await ears.feed(2000)
    transcript = await ears.utterance.finish()
    assert transcript.text == f"{CUT_AFTER_MS} 2300"
    assert [word.offset_ms for word in transcript.words] == [0, CUT_AFTER_MS]


async def test_speech_without_a_pause_is_cut_where_it_is_quietest() -> None:
    ears = Ears()
    ears.busy = True
    loud, quiet = b"\0\10" * (100 * MS // 2), b"\1\0" * (100 * MS // 2)
    for at_ms in range(0, LONGEST_MS + 200, 100):
        ears.utterance.feed(quiet if at_ms == 14_000 else loud)
    transcript = await ears.utterance.finish()
    assert transcript.text == f"14050 {LONGEST_MS + 200 - 14_050}"


async def test_an_hour_in_one_frame_is_heard_in_parts_and_holds_its_sender_back() -> None:
    ears = Ears()
    ears.utterance.feed(bytes(600_000 * MS))
    waiting = asyncio.create_task(ears.utterance.drain())
    await asyncio.wait_for(waiting, 10)
    transcript = await ears.utterance.finish()
    assert sum(ears.heard_ms) >= 600_000
    assert max(ears.heard_ms) <= LONGEST_MS
    assert transcript.words[-1].offset_ms > 570_000


async def test_text_so_far_is_that_of_all_that_was_fed() -> None:
    ears = Ears()
    ears.busy = True
    await ears.feed(700)
    assert await ears.utterance.text_so_far() == "700"


async def test_an_utterance_without_audio_says_nothing() -> None:
    ears = Ears()
    assert await ears.utterance.text_so_far() == ""
    assert (await ears.utterance.finish()).text == ""


async def test_a_discarded_utterance_tells_nothing_and_ends() -> None:
    ears = Ears()
    ears.gate.clear()
    await ears.feed(1000)
    ears.utterance.discard()
    ears.gate.set()
    await asyncio.wait_for(ears.utterance.task, 10)
    assert ears.partials == []
    with pytest.raises(SttError, match="discarded"):
        await ears.utterance.finish()


async def test_a_failure_ends_the_utterance_with_its_reason() -> None:
    ears = Ears()
    ears.busy = True
    ears.error = SttError("no model")
    await ears.feed(1000)
    with pytest.raises(SttError, match="no model"):
        await ears.utterance.finish()
    with pytest.raises(SttError, match="no model"):
        await ears.utterance.text_so_far()


def test_the_quietest_place_is_in_the_middle_of_the_quiet() -> None:
    pcm = b"\0\10" * 16_000 + b"\1\0" * 1600 + b"\0\10" * 16_000
    assert abs(find_quietest(pcm, 500, 2000) - (16_000 + 800) * 2) <= 1600
