"""espeak-ng, in its own processes: what is spoken, when, how, and what goes wrong."""

import asyncio
import ctypes.util
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.tts.sound import hear, running, speak, transcribe
from voicelive_agent.emulator.tts import TtsError
from voicelive_agent.emulator.tts.engines import espeak as espeak_module
from voicelive_agent.emulator.tts.engines.espeak import EspeakSynthesizer, find_library, open_tts
from voicelive_agent.emulator.tts.local import LocalTextToSpeech
from voicelive_agent.emulator.tts.voices import EngineVoice

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        find_library() is None, reason="espeak-ng is not installed: pip install '.[espeak]'"
    ),
]

SENTENCE = "Good morning, I will now tell you about the weather in your area."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def espeak() -> AsyncIterator[LocalTextToSpeech]:
    async with running(open_tts(processes=1)) as tts:
        yield tts


speaks = pytest.mark.asyncio(loop_scope="module")


@speaks
async def test_words_and_visemes_come_with_the_audio(espeak: LocalTextToSpeech) -> None:
    spoken = await speak(espeak, "Hello there, my friend. ")
    assert [word.text for word in spoken.words] == ["Hello", "there,", "my", "friend."]
    assert [word.text_end for word in spoken.words] == [5, 12, 15, 23]
    assert spoken.words[0].offset_ms == 0
    for word, following in zip(spoken.words, spoken.words[1:], strict=False):
        assert word.duration_ms > 30
        assert word.offset_ms + word.duration_ms <= following.offset_ms
    # "there," ends before the pause of its comma, "friend." before that of its full stop.
    assert spoken.words[2].offset_ms - spoken.words[1].offset_ms > spoken.words[1].duration_ms + 80
    last = spoken.words[-1]
    assert spoken.duration_ms - 400 < last.offset_ms + last.duration_ms < spoken.duration_ms - 200
    ids = [viseme.viseme_id for viseme in spoken.visemes]
    assert ids[:4] == [12, 1, 14, 8]  # h ə l oʊ
    assert spoken.visemes[-1].viseme_id == 0
    offsets = [viseme.offset_ms for viseme in spoken.visemes]
    assert offsets == sorted(offsets)


@speaks
async def test_each_token_is_one_word_whatever_it_is(espeak: LocalTextToSpeech) -> None:
    clause = "It is 52°F. I've told Dr. Smith — he owes $7.50 since 7:30 p.m. on 12/25! 😀 café"
    spoken = await speak(espeak, clause)
    assert [word.text for word in spoken.words] == clause.split()
    times = {word.text: word for word in spoken.words}
    assert times["—"].duration_ms == 0
    assert times["52°F."].duration_ms > 800
    assert times["$7.50"].duration_ms > 800
    end = 0
    for word in spoken.words:
        assert word.offset_ms >= end
        end = word.offset_ms + word.duration_ms
    assert end <= spoken.duration_ms


@speaks
async def test_a_long_clause_arrives_in_small_pieces(espeak: LocalTextToSpeech) -> None:
    spoken = await speak(espeak, SENTENCE * 3)
    assert spoken.chunks > 100


@speaks
async def test_stopping_takes_little_and_the_next_clause_is_clean(
    espeak: LocalTextToSpeech,
) -> None:
    """After a cut, the library's filters went on ringing into the next clause: a click."""
    voice, _ = espeak.resolve_voice({})
    alone = await hear(espeak, "Yes.", voice)
    async with aclosing(espeak.speak(SENTENCE * 150, voice)) as chunks:
        await anext(chunks)
    async with asyncio.timeout(2):
        again = await hear(espeak, "Yes.", voice)
    assert again.samples[:10].tolist() == alone.samples[:10].tolist()
    assert len(again.samples) == len(alone.samples)
    assert again.words == alone.words


@pytest.mark.parametrize("clause", ["", "  \n", "\t"])
@speaks
async def test_nothing_to_say_is_no_audio(espeak: LocalTextToSpeech, clause: str) -> None:
    spoken = await speak(espeak, clause)
    assert (len(spoken.samples), spoken.words) == (0, [])


@pytest.mark.parametrize("clause", ["😀 🎉", "…", "?!", "\x00\x01 \ud800", "ಠ_ಠ", "a" * 3000])
@speaks
async def test_odd_clauses_are_survived(espeak: LocalTextToSpeech, clause: str) -> None:
    spoken = await speak(espeak, clause)
    assert [word.text for word in spoken.words] == clause.split()


@speaks
async def test_ten_thousand_characters_are_spoken(espeak: LocalTextToSpeech) -> None:
    clause = (SENTENCE + " ") * (10_000 // len(SENTENCE))
    spoken = await speak(espeak, clause)
    assert len(spoken.words) == len(clause.split())
    assert spoken.duration_ms > 300_000


@speaks
async def test_markup_and_commands_are_read_out_and_not_obeyed(espeak: LocalTextToSpeech) -> None:
    """Text that comes from an agent must not change the voice, add a pause, or be dropped."""
    plain = await speak(espeak, "and then")
    marked = await speak(espeak, '<break time="30s"/> and <prosody rate="x-slow">then</prosody>')
    assert plain.duration_ms + 2000 < marked.duration_ms < 20_000
    command = await speak(espeak, "\x01300S\x0120P and then")
    spelled = await speak(espeak, " 300S 20P and then")
    assert command.duration_ms == spelled.duration_ms
    phonemes = await speak(espeak, "[[h@l'oU]]")
    assert phonemes.duration_ms > (await speak(espeak, "hello")).duration_ms * 1.5


@speaks
async def test_rate_changes_the_duration(espeak: LocalTextToSpeech) -> None:
    normal = await speak(espeak, SENTENCE)
    fast = await speak(espeak, SENTENCE, rate="1.5")
    slow = await speak(espeak, SENTENCE, rate="-30%")
    assert fast.voiced_ms == pytest.approx(normal.voiced_ms / 1.5, rel=0.08)
    assert slow.voiced_ms == pytest.approx(normal.voiced_ms / 0.7, rel=0.08)
    assert fast.pitch_hz == pytest.approx(normal.pitch_hz, rel=0.1)


@pytest.mark.parametrize("factor", [0.6, 0.8, 1.25, 1.5, 2.0])
@speaks
async def test_pitch_changes_the_pitch_alone(espeak: LocalTextToSpeech, factor: float) -> None:
    """Beyond what the library itself can do, the rest is done by resampling."""
    normal = await speak(espeak, SENTENCE)
    changed = await speak(espeak, SENTENCE, pitch=str(factor))
    assert changed.pitch_hz == pytest.approx(normal.pitch_hz * factor, rel=0.1)
    assert changed.voiced_ms == pytest.approx(normal.voiced_ms, rel=0.08)
    last, was_last = changed.words[-1], normal.words[-1]
    assert last.offset_ms == pytest.approx(was_last.offset_ms, rel=0.08)


@speaks
async def test_volume_changes_the_amplitude(espeak: LocalTextToSpeech) -> None:
    normal = await speak(espeak, SENTENCE)
    soft = await speak(espeak, SENTENCE, volume="50")
    silent = await speak(espeak, SENTENCE, volume="silent")
    loud = await speak(espeak, SENTENCE, volume="+100%")
    assert soft.rms == pytest.approx(normal.rms / 2, rel=0.01)
    assert silent.rms == 0
    assert loud.rms > normal.rms * 1.5
    assert silent.duration_ms == normal.duration_ms


@speaks
async def test_women_men_and_languages_differ(espeak: LocalTextToSpeech) -> None:
    he = await speak(espeak, SENTENCE, name="en-US-Andrew:DragonHDLatestNeural")
    she = await speak(espeak, SENTENCE, name="en-US-Ava:DragonHDLatestNeural")
    assert she.pitch_hz > he.pitch_hz * 1.4
    british, _ = espeak.resolve_voice({"name": "en-GB-RyanNeural"})
    german, warning = espeak.resolve_voice({"name": "de-DE-KatjaNeural"})
    assert (british.locale, german.locale, warning) == ("en-GB", "de", None)
    spoken = await hear(espeak, "Guten Tag, wie geht es Ihnen?", german)
    assert spoken.words[0].text == "Guten"


@speaks
async def test_the_default_voice_is_one_that_speech_recognition_understands(
    espeak: LocalTextToSpeech,
) -> None:
    """It sounds like a machine: short sentences of rare words are not heard."""
    voice, _ = espeak.resolve_voice({})
    assert voice.name == "en-us+klatt4"
    words = "i would like to book a room for two nights"
    heard = await asyncio.to_thread(transcribe, await hear(espeak, words, voice))
    assert len(set(heard.split()) & set(words.split())) >= 8


@speaks
async def test_speaking_leaves_the_event_loop_free(espeak: LocalTextToSpeech) -> None:
    voice, _ = espeak.resolve_voice({})
    longest = 0.0
    loop = asyncio.get_running_loop()

    async def tick() -> None:
        nonlocal longest
        while True:
            before = loop.time()
            await asyncio.sleep(0.001)
            longest = max(longest, loop.time() - before)

    ticking = asyncio.create_task(tick())
    await hear(espeak, SENTENCE * 20, voice)
    ticking.cancel()
    assert longest < 0.5


async def test_sessions_speak_side_by_side() -> None:
    async with running(open_tts(processes=2)) as tts:
        voice, _ = tts.resolve_voice({})
        clauses = [f"This is number {number}." for number in range(12)]
        spoken = await asyncio.gather(*(hear(tts, clause, voice) for clause in clauses))
        assert [len(one.words) for one in spoken] == [4] * 12


def test_the_library_is_never_loaded_into_the_emulator() -> None:
    """Its licence asks for a program of its own, and its state is global."""
    code = (
        "import asyncio\n"
        "from voicelive_agent.emulator.tts.engines.espeak import open_tts\n"
        "async def main():\n"
        "    speaking = open_tts(processes=1)\n"
        "    await speaking.start()\n"
        "    print('espeak' in open('/proc/self/maps').read())\n"
        "    await speaking.stop()\n"
        "asyncio.run(main())\n"
    )
    if not sys.platform.startswith("linux"):
        pytest.skip("the test reads /proc")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


@pytest.fixture(scope="module")
def spelling() -> EspeakSynthesizer:
    """The library in this process: these tests spell, and are no part of the emulator."""
    return espeak_module.open_synthesizer()


@pytest.mark.parametrize(
    "text",
    [
        "Your seat is No. 5",
        "x\n\ny",
        "A.B. 5",
        "Ask Dr. 7",
        "It is in Fig. 3",
        "One. Two. Three",
        "…",
        "",
        "Hello ... 5",
    ],
)
def test_words_of_one_text_never_leak_into_the_next(spelling: EspeakSynthesizer, text: str) -> None:
    """After "Your seat is No. 5", the next text, another caller's, began with "five"."""
    goodbye = "ɡʊdbˈaɪ."
    assert spelling.phonemize("Goodbye.", "en-us") == goodbye
    spelling.phonemize(text, "en-us")
    assert spelling.phonemize("Goodbye.", "en-us") == goodbye


def test_all_words_of_a_text_are_spelt(spelling: EspeakSynthesizer) -> None:
    assert spelling.phonemize("Your seat is No. 5", "en-us").endswith("nˈoʊ, fˈaɪv")
    assert spelling.phonemize("x\n\ny", "en-us") == "ˈɛks, wˈaɪ"


@given(st.one_of(st.text(max_size=40), st.text("aA 5.,;:!?\n-…()", max_size=40)))
@settings(deadline=None)
def test_any_text_leaves_nothing_behind(spelling: EspeakSynthesizer, text: str) -> None:
    text = text.replace("\x00", " ").encode("utf-8", "ignore").decode()
    first = spelling.phonemize(text, "en-us")
    assert spelling.phonemize("Goodbye.", "en-us") == "ɡʊdbˈaɪ."
    assert spelling.phonemize(text, "en-us") == first


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Das Feedback zum Download ist online.", "de"),
        ("Le meeting est à Washington.", "fr"),
        ("El software de Google es nuevo.", "es"),
        ("Il weekend con gli smartphone.", "it"),
        ("Das Team (online) macht ein Update.", "de"),
    ],
)
def test_marks_of_a_change_of_language_are_not_spelt(
    spelling: EspeakSynthesizer, text: str, language: str
) -> None:
    """Piper voices said "en" and "de" around each loan word: "(en)dˈaʊnləʊd(de)"."""
    phonemes = spelling.phonemize(text, language)
    assert not set("()") & set(phonemes)


@speaks
async def test_an_unknown_engine_voice_fails_its_clause(
    espeak: LocalTextToSpeech, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = EngineVoice("none", "en-US", "male", {"voice": "no-such-voice"})
    monkeypatch.setattr(espeak, "voices", [unknown])
    with pytest.raises(TtsError, match="no-such-voice"):
        await speak(espeak, "Hello.")


def test_the_system_library_does_where_the_package_is_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    library = ctypes.util.find_library("espeak-ng")
    assert find_library() == ((library, None) if library else None)
    if library is None:
        pytest.skip("no system libespeak-ng")
    monkeypatch.undo()
    code = (
        "import sys; sys.modules['espeakng_loader'] = None\n"
        "from voicelive_agent.emulator.tts.engines.espeak import open_synthesizer\n"
        "total = []\n"
        "open_synthesizer().speak('Hello.', {'voice': 'en-us+klatt4', 'rate': 1, 'pitch': 1},\n"
        "    lambda pcm, words=(), phonemes=(): total.append(len(pcm)) or True)\n"
        "print(sum(total))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 10_000


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak_module, "find_library", lambda: None)
    with pytest.raises(RuntimeError, match=r"pip install 'voicelive-agent\[espeak\]'"):
        espeak_module.open_synthesizer()
