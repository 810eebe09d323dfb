"""hibari speaks at once, as loud as other voices, with words and mouth shapes in their place."""

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.tts.sound import Spoken, hear, running, speak
from voicelive_agent.emulator.tts import TtsError
from voicelive_agent.emulator.tts.engines import open_tts as open_by_name
from voicelive_agent.emulator.tts.engines.hibari import synthesizer as module
from voicelive_agent.emulator.tts.engines.hibari import waveform
from voicelive_agent.emulator.tts.engines.hibari.engine import open_tts
from voicelive_agent.emulator.tts.engines.hibari.synthesizer import HibariSynthesizer
from voicelive_agent.emulator.tts.engines.hibari.waveform import SAMPLE_RATE_HZ, shape_level
from voicelive_agent.emulator.tts.local import LocalTextToSpeech
from voicelive_agent.emulator.tts.worker import PhonemeMark, WordMark

SETTINGS = {"tone": 1.0, "formants": 1.0, "rate": 1.0, "pitch": 1.0}
SENTENCE = "Good morning, I will now tell you about the weather in your area."
OPENINGS = (
    "Fine, thank you.", "Five o'clock.", "Hello there.", "Half past six.", "She is here.",
    "Please wait.", "And then?", "Yes.", "Who is it?", "Thanks a lot.", "Very well.", "Sure!",
)  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hibari() -> AsyncIterator[LocalTextToSpeech]:
    async with running(open_tts()) as tts:
        yield tts


@pytest.fixture(scope="module")
def synthesizer() -> HibariSynthesizer:
    return HibariSynthesizer()


pytestmark = pytest.mark.engine
speaks = pytest.mark.asyncio(loop_scope="module")


def level_db(samples: "np.typing.NDArray[np.int16]") -> float:
    return float(20 * np.log10(np.sqrt(np.mean((samples / 32768) ** 2)) + 1e-9))


def first_above(spoken: Spoken, level: float) -> float:
    """ms of the first sample whose amplitude is above ``level`` (1 is full scale)."""
    found = np.flatnonzero(np.abs(spoken.samples.astype(int)) > level * 32768)
    return float(found[0]) * 1000 / spoken.sample_rate_hz


@pytest.mark.parametrize("clause", OPENINGS)
@speaks
async def test_a_clause_begins_at_once_and_is_whole(hibari: LocalTextToSpeech, clause: str) -> None:
    """The model puts 0.2 to 0.4 s of silence before each clause: each answer came that much late.

    A cut at -40 dBFS, which is where speech is heard to begin, took the soft f and h away.
    """
    spoken = await speak(hibari, clause)
    assert first_above(spoken, 0.0003) <= 20
    assert first_above(spoken, 0.01) <= 125
    # And it ends with the pause of its full stop alone.
    heard = np.flatnonzero(np.abs(spoken.samples[::-1].astype(int)) > 0.0003 * 32768)
    assert 260 <= heard[0] * 1000 / SAMPLE_RATE_HZ <= 340


@pytest.mark.parametrize("voice", [{}, {"tone": 1.16, "formants": 1.1}, {"tone": 0.56}])
def test_what_is_cut_before_a_word_is_not_heard(
    synthesizer: HibariSynthesizer, voice: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to 25 ms of the model's own hiss stood before "I" and "you", and answers came later.

    Of the sound that follows, what is cut has a thousandth of the energy at most.
    """

    def speak_once(clause: str) -> "np.typing.NDArray[np.float64]":
        pieces: list[bytes] = []

        def collect(pcm: bytes, words: object = (), phonemes: object = ()) -> bool:
            pieces.append(pcm)
            return True

        synthesizer.speak(clause, {**SETTINGS, **voice}, collect)
        return np.frombuffer(b"".join(pieces), "<i2").astype(float) / 32768

    shorter_ms = []
    for clause in (*OPENINGS, "I only know that.", "You're welcome.", "Three.", "At nine."):
        cut = speak_once(clause)
        with monkeypatch.context() as patch:
            patch.setattr(waveform, "ONSET", waveform.QUIET)
            patch.setattr(waveform, "LEAD_MS", 100)
            whole = speak_once(clause)
        lead = len(whole) - len(cut)
        shorter_ms.append(lead / SAMPLE_RATE_HZ * 1000)
        assert np.array_equal(cut, whole[lead:])
        assert np.sum(whole[:lead] ** 2) < 0.001 * np.sum(cut[: SAMPLE_RATE_HZ // 10] ** 2)
    assert max(shorter_ms) > 95


@speaks
async def test_words_and_visemes_stand_where_they_are_spoken(hibari: LocalTextToSpeech) -> None:
    spoken = await speak(hibari, "Yes, we have a table for two at seven thirty.")
    assert [word.text for word in spoken.words] == [
        "Yes,", "we", "have", "a", "table", "for", "two", "at", "seven", "thirty.",
    ]  # fmt: skip
    times = {word.text: word for word in spoken.words}
    assert times["Yes,"].offset_ms <= 40
    for word, following in zip(spoken.words, spoken.words[1:], strict=False):
        assert word.duration_ms >= 25
        assert word.offset_ms + word.duration_ms <= following.offset_ms
    last = spoken.words[-1]
    end_ms = last.offset_ms + last.duration_ms
    # Offsets are whole milliseconds.
    assert spoken.duration_ms - 400 <= end_ms <= spoken.duration_ms - 259.5
    ids = [viseme.viseme_id for viseme in spoken.visemes]
    assert ids[:4] == [6, 4, 15, 0]  # j ɛ s, and the pause of the comma
    assert ids[-1] == 0
    offsets = [viseme.offset_ms for viseme in spoken.visemes]
    assert offsets == sorted(offsets)
    assert offsets[-1] <= spoken.duration_ms


@pytest.mark.parametrize(
    ("clause", "word"),
    [
        ("We saw seven sisters.", "seven"),
        ("I see so many of them.", "so"),
        ("You can stay until Sunday.", "Sunday."),
        ("My sister lives in Norway.", "sister"),
    ],
)
@speaks
async def test_a_word_begins_where_its_hiss_begins(
    hibari: LocalTextToSpeech, clause: str, word: str
) -> None:
    """The model's own durations put each word 60 ms late, against what one hears and sees."""
    spoken = await speak(hibari, clause)
    begins = next(each.offset_ms for each in spoken.words if each.text == word)
    step = SAMPLE_RATE_HZ // 200
    frames = np.lib.stride_tricks.sliding_window_view(spoken.samples / 32768, 2 * step)[::step]
    power = np.abs(np.fft.rfft(frames * np.hanning(2 * step), axis=1)) ** 2
    is_hiss = power[:, 45:].sum(axis=1) > power[:, 2:25].sum(axis=1)
    hisses_ms = np.flatnonzero(is_hiss[1:] & ~is_hiss[:-1]) * 5 + 10
    assert np.abs(hisses_ms - begins).min() <= 45


@pytest.mark.parametrize(
    "clause",
    [
        "It is 52°F. I've told Dr. Smith — he owes $7.50 since 7:30 p.m. on 12/25! 😀 café",
        "Call 555-0123, ext. 4, on Jan. 5th, 2019 - or write to jo.doe@example.com.",
        "He said “never!” (twice), and 2-3 km/h is 40% of the rest…",
        "[hello](/wˈɜɹld/) is a link, <b>bold</b> is not, and *so* on.",
        "你好 means hello, and ಠ_ಠ is a face.",
    ],
)
@speaks
async def test_each_token_is_one_word_whatever_it_is(
    hibari: LocalTextToSpeech, clause: str
) -> None:
    spoken = await speak(hibari, clause)
    assert [word.text for word in spoken.words] == clause.split()
    end = 0
    for word in spoken.words:
        assert word.offset_ms >= end
        end = word.offset_ms + word.duration_ms
    assert end <= spoken.duration_ms + 0.5


@speaks
async def test_a_price_takes_the_time_of_its_words(hibari: LocalTextToSpeech) -> None:
    spoken = await speak(hibari, "It costs $7.50 at most.")
    times = {word.text: word for word in spoken.words}
    assert times["$7.50"].duration_ms > 800
    assert times["most."].duration_ms < 600


@speaks
async def test_markup_is_read_out_and_not_obeyed(hibari: LocalTextToSpeech) -> None:
    """[text](/phonemes/) says how its text is pronounced, to who knows the package."""
    plain = await speak(hibari, "goodbye and")
    obeyed = await speak(hibari, "[goodbye](/A/) and")
    assert obeyed.voiced_ms >= plain.voiced_ms


@pytest.mark.parametrize("clause", ["", "  \n", "\t"])
@speaks
async def test_nothing_to_say_is_no_audio(hibari: LocalTextToSpeech, clause: str) -> None:
    spoken = await speak(hibari, clause)
    assert (len(spoken.samples), spoken.words) == (0, [])


@pytest.mark.parametrize(
    "clause", ["😀 🎉", "…", "?!", "\x00\x01 \ud800", "ಠ_ಠ", "a" * 3000, "_", "x¹ and ²", "٣ ½ ①"]
)
@speaks
async def test_odd_clauses_are_survived(hibari: LocalTextToSpeech, clause: str) -> None:
    spoken = await speak(hibari, clause)
    assert [word.text for word in spoken.words] == clause.split()


@speaks
async def test_a_long_text_is_spoken_sentence_by_sentence(hibari: LocalTextToSpeech) -> None:
    spoken = await speak(hibari, f"{SENTENCE} " * 8)
    assert spoken.chunks > 8
    assert len(spoken.words) == len(SENTENCE.split()) * 8
    endless = await speak(hibari, "and so on " * 300)
    assert len(endless.words) == 900
    assert endless.chunks > 5


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("clause", ["Um.", "Yes, of course.", SENTENCE])
def test_the_first_sound_does_not_wait_for_the_last(
    synthesizer: HibariSynthesizer, clause: str, rate: float
) -> None:
    """A clause was heard once all of it was made: after 30 ms of work for each second of it."""
    frames: list[tuple[float, list[WordMark], list[PhonemeMark]]] = []

    def collect(
        pcm: bytes, words: Sequence[WordMark] = (), phonemes: Sequence[PhonemeMark] = ()
    ) -> bool:
        frames.append((len(pcm) / 48, list(words), list(phonemes)))
        return True

    synthesizer.speak(clause, {**SETTINGS, "rate": rate}, collect)
    assert 100 < frames[0][0] < 1000
    ends_ms = list(itertools.accumulate(duration_ms for duration_ms, _, _ in frames))
    for begin_ms, end_ms, (_, words, phonemes) in zip(
        [0.0, *ends_ms], ends_ms, frames, strict=False
    ):
        assert all(begin_ms - 1 < at_ms < end_ms + 1 for _, at_ms in [*words, *phonemes])


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
def test_the_rest_of_a_long_clause_is_made_while_its_beginning_is_heard(
    synthesizer: HibariSynthesizer, rate: float
) -> None:
    """Where ten processes shared two cores, 3 s of speech were made for longer than the 0.3 s that
    stood before them were heard: the voice stopped in mid-word."""
    durations_ms: list[float] = []

    def collect(pcm: bytes, words: object = (), phonemes: object = ()) -> bool:
        durations_ms.append(len(pcm) / 48)
        return True

    clause = "The weather in Seattle is fine and in Portland it may rain today or tomorrow."
    synthesizer.speak(clause, {**SETTINGS, "rate": rate}, collect)
    before_ms = list(itertools.accumulate(durations_ms))
    assert before_ms[-1] > 2000 / rate
    assert all(
        more_ms < 7 * heard_ms
        for heard_ms, more_ms in zip(before_ms, durations_ms[1:], strict=False)
    )


@pytest.mark.parametrize("settings", [SETTINGS, {**SETTINGS, "tone": 0.56, "formants": 0.86}])
def test_in_parts_it_sounds_as_in_one(
    synthesizer: HibariSynthesizer, settings: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def speak_once() -> "np.typing.NDArray[np.float64]":
        pieces: list[bytes] = []

        def collect(pcm: bytes, words: object = (), phonemes: object = ()) -> bool:
            pieces.append(pcm)
            return True

        synthesizer.speak(SENTENCE, settings, collect)
        return np.frombuffer(b"".join(pieces), "<i2").astype(float)

    parts = speak_once()
    monkeypatch.setattr(module, "_FIRST_FRAMES", 10_000)
    whole = speak_once()
    shared = min(len(parts), len(whole))
    assert abs(len(parts) - len(whole)) < SAMPLE_RATE_HZ // 100
    # The model rounds to 8 bits by the loudest of what it is given, and so where sound begins.
    steps = (np.roll(parts[:shared], step) for step in range(-240, 241, 48))
    assert min(np.std(moved - whole[:shared]) for moved in steps) < 0.1 * np.std(whole)


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(
    "clause", ["Up", "Stop it", "She is here.", "Ooh", "Sixths", "Psst", "(aside)", "Half past."]
)
def test_no_sound_is_left_out_with_the_silence_around_it(
    synthesizer: HibariSynthesizer, clause: str, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The silences before and after a sentence were made like speech: a fifth of the work. Slowly
    spoken, the last p of "up" comes after a closure that is as long as a silence."""

    def speak_once() -> tuple[float, list[tuple[object, int]]]:
        pieces: list[bytes] = []
        marks: list[tuple[object, int]] = []

        def collect(
            pcm: bytes, words: Sequence[WordMark] = (), phonemes: Sequence[PhonemeMark] = ()
        ) -> bool:
            pieces.append(pcm)
            marks.extend([*words, *phonemes])
            return True

        synthesizer.speak(clause, {**SETTINGS, "rate": rate}, collect)
        return len(b"".join(pieces)) / 48, marks

    duration_ms, marks = speak_once()
    monkeypatch.setattr(module, "_LEAD_FRAMES", 10_000)
    monkeypatch.setattr(module, "_END_MS", 10_000)
    whole_ms, whole_marks = speak_once()
    # The model rounds to 8 bits by the loudest of what it is given, and so the softest ends.
    assert duration_ms == pytest.approx(whole_ms, abs=50)
    assert len(marks) == len(whole_marks)
    for (what, at_ms), (other, other_ms) in zip(marks, whole_marks, strict=True):
        assert what == other
        assert abs(at_ms - other_ms) < 50


def test_nothing_is_made_for_somebody_who_has_left(synthesizer: HibariSynthesizer) -> None:
    count = 0

    def leave(pcm: bytes, words: object = (), phonemes: object = ()) -> bool:
        nonlocal count
        count += 1
        return False

    synthesizer.speak(SENTENCE, SETTINGS, leave)
    assert count == 1


@speaks
async def test_the_level_is_that_of_other_voices(hibari: LocalTextToSpeech) -> None:
    for name in ("heart", "heart-bright", "heart-deep"):
        spoken = await speak(hibari, SENTENCE, name=name)
        assert -25 < level_db(spoken.samples) < -18, name
        assert np.abs(spoken.samples.astype(int)).max() < 32_700, name


def test_peaks_are_bent_and_not_clipped() -> None:
    pcm = np.frombuffer(shape_level(np.linspace(-2, 2, 4001, dtype=np.float32)), "<i2")
    assert np.abs(pcm.astype(int)).max() <= 32_767
    assert (np.diff(pcm.astype(int)) >= 0).all()


@pytest.mark.parametrize("rate", ["0.6", "-10%", "1.1", "1.25", "+50%", "1.8"])
@speaks
async def test_rate_changes_the_duration_alone(hibari: LocalTextToSpeech, rate: str) -> None:
    normal, changed = await speak(hibari, SENTENCE), await speak(hibari, SENTENCE, rate=rate)
    factor = 1 + float(rate.strip("%")) / 100 if "%" in rate else float(rate)
    assert changed.voiced_ms == pytest.approx(normal.voiced_ms / factor, rel=0.05)
    assert changed.pitch_hz == pytest.approx(normal.pitch_hz, rel=0.1)


@pytest.mark.parametrize("pitch", ["0.6", "-20%", "+4st", "1.5"])
@pytest.mark.parametrize("name", ["heart", "heart-deep"])
@speaks
async def test_pitch_changes_the_pitch_alone(
    hibari: LocalTextToSpeech, name: str, pitch: str
) -> None:
    normal = await speak(hibari, SENTENCE, name=name)
    changed = await speak(hibari, SENTENCE, name=name, pitch=pitch)
    factor = {"0.6": 0.6, "-20%": 0.8, "+4st": 2 ** (4 / 12), "1.5": 1.5}[pitch]
    assert changed.pitch_hz == pytest.approx(normal.pitch_hz * factor, rel=0.12)
    assert changed.voiced_ms == pytest.approx(normal.voiced_ms, rel=0.03)
    assert abs(level_db(changed.samples) - level_db(normal.samples)) < 5
    assert changed.words[-1].offset_ms == pytest.approx(normal.words[-1].offset_ms, abs=40)


@speaks
async def test_volume_changes_the_amplitude(hibari: LocalTextToSpeech) -> None:
    normal = await speak(hibari, SENTENCE)
    soft = await speak(hibari, SENTENCE, volume="50")
    silent = await speak(hibari, SENTENCE, volume="silent")
    loud = await speak(hibari, SENTENCE, volume="+100%")
    assert soft.rms == pytest.approx(normal.rms / 2, rel=0.02)
    assert silent.rms == 0
    assert loud.rms > normal.rms * 1.5


@speaks
async def test_three_people_are_told_apart(hibari: LocalTextToSpeech) -> None:
    """By pitch, and by the vocal tract: where the energy of the same words is."""
    people = {
        name: await speak(hibari, SENTENCE, name=name)
        for name in ("heart", "heart-bright", "heart-deep")
    }

    def centre_hz(spoken: Spoken) -> float:
        power = np.abs(np.fft.rfft(spoken.samples / 32768)) ** 2
        frequencies = np.fft.rfftfreq(len(spoken.samples), 1 / spoken.sample_rate_hz)
        hiss = (frequencies > 3000) & (frequencies < 11_000)
        return float((power * frequencies)[hiss].sum() / power[hiss].sum())

    woman, bright, man = people.values()
    assert man.pitch_hz < 130 < 170 < woman.pitch_hz < bright.pitch_hz
    assert bright.pitch_hz > woman.pitch_hz * 1.08
    assert centre_hz(man) < centre_hz(woman) * 0.94
    assert centre_hz(bright) > centre_hz(woman) * 1.02


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("", "heart"),
        ("en-US-AndrewNeural", "heart-deep"),
        ("en-US-Andrew:DragonHDLatestNeural", "heart-deep"),
        ("echo", "heart-deep"),
        ("en-GB-RyanNeural", "heart-deep"),
        ("heart", "heart"),
    ],
)
@speaks
async def test_names_of_other_services_become_the_nearest(
    hibari: LocalTextToSpeech, name: str, chosen: str
) -> None:
    voice, warning = hibari.resolve_voice({"name": name} if name else {})
    assert (voice.name, warning) == (chosen, None)


@speaks
async def test_two_women_can_be_heard(hibari: LocalTextToSpeech) -> None:
    names = (
        "en-US-AvaNeural",
        "en-US-EmmaNeural",
        "en-US-JennyNeural",
        "alloy",
        "shimmer",
        "coral",
    )
    chosen = {hibari.resolve_voice({"name": name})[0].name for name in names}
    assert chosen == {"heart", "heart-bright"}


@speaks
async def test_no_voice_is_downloaded_whatever_is_asked_for(hibari: LocalTextToSpeech) -> None:
    """The package fetches the voices emma, fenrir, fable and kore when they are named to it."""
    for name in ("emma", "fenrir", "fable", "kore"):
        spoken = await speak(hibari, "Hello.", name=name)
        assert spoken.duration_ms > 300
    assert not any("hibari.voices" in str(own.settings) for own in hibari.voices)


@speaks
async def test_the_same_text_sounds_the_same(hibari: LocalTextToSpeech) -> None:
    first, again = await speak(hibari, SENTENCE), await speak(hibari, SENTENCE)
    assert first.samples.tolist() == again.samples.tolist()


@speaks
async def test_sessions_speak_side_by_side(hibari: LocalTextToSpeech) -> None:
    voice, _ = hibari.resolve_voice({})
    clauses = [f"This is number {number}." for number in range(12)]
    spoken = await asyncio.gather(*(hear(hibari, clause, voice) for clause in clauses))
    assert [len(one.words) for one in spoken] == [4] * 12


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hibari", None)
    with pytest.raises(TtsError, match=r"pip install 'voicelive-agent\[emulator\]'"):
        open_by_name("hibari")


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_can_be_read(synthesizer: HibariSynthesizer, text: str) -> None:
    for piece in synthesizer._phonemizer.read(text):
        assert 0 < len(piece.ids) <= 400
        assert all(0 <= symbol.origin < len(text) for symbol in piece.symbols)
