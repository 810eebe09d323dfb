"""The default ears over real processes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from tests.emulator.speech import needs_flite, silence, utter
from voicelive_agent.emulator.stt import SttError
from voicelive_agent.emulator.stt.engines import open_stt
from voicelive_agent.emulator.stt.pocketsphinx.engine import PocketSphinx
from voicelive_agent.emulator.stt.pocketsphinx.pool import RecogniserPool

SENTENCE = "what are your opening hours"


@pytest.fixture
async def recognizers() -> AsyncIterator[PocketSphinx]:
    stt = PocketSphinx(processes=1)
    await stt.start()
    yield stt
    await stt.stop()


def pool_of(stt: PocketSphinx) -> RecogniserPool:
    return stt._pool


async def hear(stt: PocketSphinx, pcm: bytes, *phrases: str) -> str:
    recognizer = stt.open_recognizer()
    recognizer.configure(language="en-US", phrases=phrases)
    utterance = recognizer.begin(lambda text: None)
    utterance.feed(pcm)
    return (await utterance.finish()).text


@needs_flite
async def test_an_utterance(recognizers: PocketSphinx) -> None:
    partials: list[str] = []
    recognizer = recognizers.open_recognizer()
    utterance = recognizer.begin(partials.append)
    utterance.feed(utter(SENTENCE))
    assert await utterance.text_so_far() == partials[-1]
    transcript = await utterance.finish()
    assert transcript.text == SENTENCE
    assert transcript.source == "pocketsphinx"
    assert transcript.words[-1].text == "hours"
    assert transcript.confidence is not None
    assert recognizer.cmn is not None
    await recognizer.close()


@needs_flite
async def test_phrases(recognizers: PocketSphinx) -> None:
    recognizer = recognizers.open_recognizer()
    recognizer.configure(language="en-US", phrases=["cancel my reservation"])
    utterance = recognizer.begin(lambda text: None)
    utterance.feed(utter("cancel my reservation", "slt"))
    transcript = await utterance.finish()
    assert (transcript.text, transcript.source) == ("cancel my reservation", "pocketsphinx+phrases")


@needs_flite
async def test_the_loop_stays_free_while_it_listens(recognizers: PocketSphinx) -> None:
    """pocketsphinx holds the GIL: in this process it would stop the loop for seconds."""
    longest_s = 0.0
    listening = asyncio.create_task(hear(recognizers, utter(SENTENCE) * 3))
    loop = asyncio.get_running_loop()
    while not listening.done():
        before_s = loop.time()
        await asyncio.sleep(0)
        longest_s = max(longest_s, loop.time() - before_s)
    # Generous for a loaded machine; a held GIL takes longer than the whole utterance.
    assert longest_s < 0.5


@needs_flite
async def test_more_people_than_processes_talk_at_once(recognizers: PocketSphinx) -> None:
    talking = [asyncio.create_task(hear(recognizers, utter(SENTENCE))) for _ in range(6)]
    assert await asyncio.gather(*talking) == [SENTENCE] * 6
    assert len(pool_of(recognizers).process_ids) == 1


@needs_flite
async def test_who_records_without_an_end_holds_nobody_up(recognizers: PocketSphinx) -> None:
    """Four clients for each core that appended and never committed left the next one unheard."""
    recording = [recognizers.open_recognizer().begin(lambda text: None) for _ in range(5)]
    for utterance in recording:
        utterance.feed(silence(100))
        await utterance.text_so_far()
    assert await hear(recognizers, utter(SENTENCE)) == SENTENCE
    for utterance in recording:
        utterance.discard()
    await asyncio.gather(*(utterance.task for utterance in recording), return_exceptions=True)


@needs_flite
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
async def test_a_killed_process_fails_its_utterance_alone(recognizers: PocketSphinx) -> None:
    recognizer = recognizers.open_recognizer()
    utterance = recognizer.begin(lambda text: None)
    utterance.feed(silence(100))
    await utterance.text_so_far()
    (process_id,) = pool_of(recognizers).process_ids
    os.kill(process_id, signal.SIGKILL)
    utterance.feed(silence(100))
    with pytest.raises(SttError, match="next utterance"):
        await utterance.finish()
    assert await hear(recognizers, utter(SENTENCE)) == SENTENCE
    assert process_id not in pool_of(recognizers).process_ids


@needs_flite
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
async def test_a_process_that_died_while_idle_costs_no_utterance(recognizers: PocketSphinx) -> None:
    (process_id,) = pool_of(recognizers).process_ids
    os.kill(process_id, signal.SIGKILL)
    assert await hear(recognizers, utter(SENTENCE)) == SENTENCE


@needs_flite
async def test_a_loader_that_died_is_started_again(recognizers: PocketSphinx) -> None:
    starter = pool_of(recognizers)._starter
    loader = starter._loader  # type: ignore[attr-defined]
    loader.kill()
    await loader.wait()
    for process_id in pool_of(recognizers).process_ids:
        os.kill(process_id, signal.SIGTERM)
    assert await hear(recognizers, utter(SENTENCE)) == SENTENCE


async def test_what_is_discarded_frees_its_process(recognizers: PocketSphinx) -> None:
    before = pool_of(recognizers).process_ids
    recognizer = recognizers.open_recognizer()
    utterance = recognizer.begin(lambda text: None)
    utterance.feed(silence(60_000))
    await asyncio.sleep(0)
    utterance.discard()
    await asyncio.gather(utterance.task, return_exceptions=True)
    assert not pool_of(recognizers)._lent
    assert pool_of(recognizers).process_ids == before or len(pool_of(recognizers).process_ids) <= 1


async def test_an_ear_closes_with_an_utterance_open(recognizers: PocketSphinx) -> None:
    recognizer = recognizers.open_recognizer()
    recognizer.begin(lambda text: None).feed(silence(1000))
    await asyncio.sleep(0.01)
    await recognizer.close()
    assert not pool_of(recognizers)._lent


async def test_processes_end_with_the_engine() -> None:
    stt = PocketSphinx(processes=2)
    await stt.start()
    process_ids = pool_of(stt).process_ids
    assert len(process_ids) == 2
    await stt.stop()
    for process_id in process_ids:
        for _ in range(500):
            try:
                os.kill(process_id, 0)
            except ProcessLookupError:
                break
            await asyncio.sleep(0.01)
        else:
            pytest.fail("a process outlived the engine")


@needs_flite
@pytest.mark.slow
async def test_without_fork_each_process_loads_for_itself() -> None:
    stt = PocketSphinx(processes=1, can_fork=False)
    await stt.start()
    try:
        assert await hear(stt, utter(SENTENCE)) == SENTENCE
    finally:
        await stt.stop()


async def test_what_cannot_be_heard_is_told(recognizers: PocketSphinx) -> None:
    recognizer = recognizers.open_recognizer()
    assert recognizer.configure(language="en-GB", phrases=["Contoso", "Café"]) is None
    warning = recognizer.configure(language="de-DE", phrases=["日本", "ja"])
    assert warning is not None
    assert "English only" in warning
    assert "1 of the 2 phrases" in warning


class TestEngines:
    def test_the_default(self) -> None:
        assert open_stt("pocketsphinx").name == "pocketsphinx"
        assert open_stt("pocketsphinx-accurate").name == "pocketsphinx"

    def test_it_says_what_it_is_worth(self) -> None:
        advice = open_stt("pocketsphinx").advice
        assert advice is not None
        assert "demo grade" in advice

    def test_an_unknown_name_names_the_known_ones(self) -> None:
        with pytest.raises(SttError, match="pocketsphinx"):
            open_stt("elephant")
