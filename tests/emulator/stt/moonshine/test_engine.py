"""Moonshine hears: real speech by its model."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from benchmarks.spoken import synthesise
from voicelive_agent.emulator.stt import SttError, Transcript
from voicelive_agent.emulator.stt.moonshine.engine import Moonshine
from voicelive_agent.emulator.stt.moonshine.hearing import measure_voice
from voicelive_agent.emulator.stt.moonshine.model import MoonshineModel
from voicelive_agent.emulator.tts.engines.hibari.engine import VOICES

pytestmark = pytest.mark.engine
hears = pytest.mark.asyncio(loop_scope="module")
SHORT = (
    "Book a table.", "Where are you?", "Hang on.", "Not now.", "Stop.", "Seven.", "Yes.", "Okay.",
    "Today.",
)  # fmt: skip


@pytest.fixture(scope="module")
def speak() -> Callable[[str], bytes]:
    from hibari import Hibari

    voice = Hibari(voice="heart")

    def say(text: str) -> bytes:
        samples = soxr.resample(np.asarray(voice(text, seed=3), np.float32), 24_000, 16_000)
        return bytes((samples * 32767).astype("<i2").tobytes())

    return say


async def hear(
    stt: Moonshine, pcm: bytes, phrases: Sequence[str] = ()
) -> tuple[Transcript, list[str]]:
    partials: list[str] = []
    recognizer = stt.open_recognizer()
    recognizer.configure(language="en-US", phrases=phrases)
    utterance = recognizer.begin(partials.append)
    utterance.feed(pcm)
    transcript = await utterance.finish()
    await recognizer.close()
    return transcript, partials


@hears
async def test_it_writes_case_punctuation_and_figures(
    moonshine: Moonshine, speak: Callable[[str], bytes]
) -> None:
    transcript, _ = await hear(moonshine, speak("What is the weather in Beijing?"))
    assert transcript.text == "What is the weather in Beijing?"
    transcript, _ = await hear(moonshine, speak("I need a table at seven thirty, please."))
    assert "7:30" in transcript.text
    assert transcript.source == "moonshine"


@hears
async def test_words_have_confidence_and_stand_where_there_is_sound(
    moonshine: Moonshine, speak: Callable[[str], bytes]
) -> None:
    speech = speak("Please cancel my reservation.")
    transcript, _ = await hear(moonshine, bytes(32_000) + speech + bytes(32_000))
    assert [word.text for word in transcript.words] == transcript.text.split()
    assert all(word.confidence is not None and word.confidence > 0 for word in transcript.words)
    assert transcript.words[0].offset_ms >= 900
    last = transcript.words[-1]
    assert last.offset_ms + last.duration_ms <= 1100 + len(speech) // 32


@hears
async def test_what_is_short_is_heard_of_each_voice(moonshine: Moonshine) -> None:
    """ "Book a table." by the bright voice was taken for a murmur, and nobody answered.

    A few of them are as improbable as a murmur, others with each change of the voices.
    """
    lost: list[str] = []
    for voice in VOICES:
        for said in SHORT:
            samples = np.frombuffer(synthesise(said, voice.name), "<i2").astype(np.float32)
            speech = soxr.resample(samples, 24_000, 16_000).astype("<i2").tobytes()
            if not (await hear(moonshine, bytes(9600) + speech + bytes(6400)))[0].text:
                lost.append(f"{voice.name}: {said}")
    assert len(lost) <= 3, lost


@hears
async def test_a_clap_takes_nothing_of_a_sentence_with_a_name(
    moonshine: Moonshine, speak: Callable[[str], bytes]
) -> None:
    """How long one spoke was measured against the loudest sound: after a cough, 13 words were more
    than fit into the cough."""
    clap = np.random.default_rng(1).normal(0, 9000, 800).clip(-32768, 32767).astype("<i2")
    speech = (np.frombuffer(speak("My order is with Okonkwo."), "<i2") * 0.2).astype("<i2")
    pcm = clap.tobytes() + bytes(16_000) + speech.tobytes()
    transcript, _ = await hear(moonshine, pcm)
    assert transcript.text.startswith("My order is with")


@pytest.mark.parametrize("level", [0.0, 1e-4, 1e-3, 1e-2, 0.1])
@hears
async def test_silence_and_hiss_are_no_words(moonshine: Moonshine, level: float) -> None:
    """What people trained the model with has subtitles: it writes "You" for silence."""
    noise = np.random.default_rng(2).normal(0, level, 24_000) * 32767
    pcm = np.clip(noise, -32768, 32767).astype("<i2").tobytes()
    assert (await hear(moonshine, pcm))[0].text == ""


@pytest.mark.parametrize("hertz", [50, 110, 440, 1000])
@hears
async def test_a_tone_is_no_words(moonshine: Moonshine, hertz: int) -> None:
    tone = np.sin(2 * np.pi * hertz * np.arange(32_000) / 16_000) * 5000
    assert (await hear(moonshine, tone.astype("<i2").tobytes()))[0].text == ""


def test_voice_is_measured_and_not_sound(speak: Callable[[str], bytes]) -> None:
    """A cough and "stop" last as long; only one of them is surely speech."""
    speech = np.frombuffer(speak("Stop right there."), "<i2").astype(np.float32) / np.float32(32768)
    noise = np.random.default_rng(1).normal(0, 0.1, len(speech)).astype(np.float32)
    assert measure_voice(speech) >= 300
    assert measure_voice(noise) == 0
    assert measure_voice(speech[:100]) == 0


@hears
async def test_another_language_than_its_own_is_told(moonshine: Moonshine) -> None:
    recognizer = moonshine.open_recognizer()
    assert recognizer.configure(language="en-GB", phrases=()) is None
    warning = recognizer.configure(language="de-DE", phrases=())
    assert warning is not None
    assert "English only, not de-DE" in warning


def test_a_folder_without_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SttError, match=r"encoder_model\.ort"):
        Moonshine(str(tmp_path))


@pytest.mark.parametrize(
    ("said", "listed"),
    [
        ("I have a question about Contoso.", "Contoso"),
        ("Could you put me through to Northwind Traders, please?", "Northwind Traders"),
        ("My order is with Fabrikam.", "Fabrikam"),
        ("My device is a ZR900.", "ZR900"),
        ("Do you know AB12 well?", "AB12"),
    ],
)
@hears
async def test_a_listed_phrase_is_heard(
    moonshine: Moonshine, speak: Callable[[str], bytes], said: str, listed: str
) -> None:
    """Sessions lost their phrase lists when Moonshine, which has no grammar, became the ears."""
    assert listed not in (await hear(moonshine, speak(said)))[0].text
    transcript, _ = await hear(moonshine, speak(said), [listed, "Litware", "Siobhan"])
    assert listed in transcript.text
    assert " ".join(word.text for word in transcript.words) == transcript.text


@hears
async def test_what_is_listed_and_not_said_changes_nothing(
    moonshine: Moonshine, speak: Callable[[str], bytes]
) -> None:
    speech = speak("I need a table for four tomorrow evening, by the window, please.")
    plain, _ = await hear(moonshine, speech)
    listed, _ = await hear(moonshine, speech, ["Contoso", "Fabrikam", "Tamara", "QX47", "Window"])
    assert listed.text.lower() == plain.text.lower()


def test_tokens_of_a_text_are_those_that_the_model_writes(
    moonshine_folder: Path, speak: Callable[[str], bytes]
) -> None:
    model = MoonshineModel(moonshine_folder)
    samples = np.frombuffer(speak("What is the weather in Beijing?"), "<i2").astype(np.float32)
    encoding = model.encode(samples / np.float32(32768))
    decoding = model.decode(encoding)
    text = model.spell(decoding.tokens).strip()
    assert tuple(model.split(text)) == decoding.tokens
    written = float(np.log(decoding.probabilities).sum())
    assert model.score(decoding, text) == pytest.approx(written, abs=1.0)
    assert model.score(decoding, "My name is 明.") < written - 20


@pytest.mark.parametrize(
    "guess",
    [
        "What is the weather in Beijing?",
        "What is the weather",
        "What was the weather in a bay, Jim?",
        "It is cold.",
        "What is is is is is is is is is is is is is is is is is is is the weather in Beijing?",
    ],
)
def test_a_draft_changes_no_text(
    moonshine_folder: Path, speak: Callable[[str], bytes], guess: str
) -> None:
    """Each hearing of growing speech wrote all of its words anew, 6 ms for each token."""
    model = MoonshineModel(moonshine_folder)
    samples = np.frombuffer(speak("What is the weather in Beijing?"), "<i2").astype(np.float32)
    encoding = model.encode(samples / np.float32(32768))
    plain, runs = model.decode(encoding), 0
    draft = tuple(model.split(guess))
    run = model._run

    def count(*given: Any) -> Any:
        nonlocal runs
        runs += 1
        return run(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "_run", count)
        drafted = model.decode(encoding, draft)
    assert drafted.tokens == plain.tokens
    assert drafted.probabilities == pytest.approx(plain.probabilities, abs=0.1)
    assert drafted.is_cut is plain.is_cut
    assert runs <= len(plain.tokens) + 1
    assert runs == 1 or draft != plain.tokens
