"""What pocketsphinx makes of synthetic speech, with and without phrases."""

import pytest

from tests.emulator.speech import needs_flite, noise, pieces, silence, utter
from voicelive_agent.emulator.stt.pocketsphinx import recogniser
from voicelive_agent.emulator.stt.pocketsphinx.recogniser import Recogniser, Result

pytestmark = needs_flite
INTENTS = (
    "[please] cancel my (booking|reservation)",
    "book a table for (two|three|four) [people]",
    "what are your opening hours",
)


@pytest.fixture(scope="module")
def ears() -> Recogniser:
    return Recogniser()


def hear(
    ears: Recogniser, pcm: bytes, phrases: tuple[str, ...] = (), cmn: str | None = None
) -> Result:
    ears.begin(cmn, phrases)
    for piece in pieces(pcm, 100):
        ears.feed(piece)
    return ears.finish()


def test_a_sentence(ears: Recogniser) -> None:
    result = hear(ears, utter("what are your opening hours"))
    assert result.text == "what are your opening hours"
    assert not result.from_phrases
    assert [word.text for word in result.words] == result.text.split()
    assert all(0 <= (word.confidence or 0) <= 1 for word in result.words)


def test_words_lie_where_they_are_said(ears: Recogniser) -> None:
    pcm = utter("can i book a table", "slt", pause_ms=500)
    words = hear(ears, pcm).words
    ends = [word.offset_ms + word.duration_ms for word in words]
    assert words[0].offset_ms == pytest.approx(500, abs=100)
    assert ends[-1] == pytest.approx(len(pcm) / 32 - 500, abs=150)
    assert [word.offset_ms for word in words] == sorted(word.offset_ms for word in words)


def test_the_text_grows_while_one_speaks(ears: Recogniser) -> None:
    ears.begin(None, ())
    texts = [ears.feed(piece) for piece in pieces(utter("what are your opening hours"), 100)]
    ears.discard()
    assert texts[0] == ""
    assert texts[len(texts) // 2]
    assert len(texts[-1]) > len(texts[len(texts) // 2])


def test_numbers_stay_words(ears: Recogniser) -> None:
    assert "seven" in hear(ears, utter("no seven o'clock")).text


def test_silence_says_nothing_and_teaches_nothing(ears: Recogniser) -> None:
    for pcm in (b"", silence(1000), noise(1000)):
        assert hear(ears, pcm) == Result()


def test_one_intent_of_a_grammar_is_heard_exactly(ears: Recogniser) -> None:
    result = hear(ears, utter("cancel my reservation", "slt"), INTENTS)
    assert (result.text, result.from_phrases) == ("cancel my reservation", True)
    assert hear(ears, utter("cancel my reservation", "slt")).text != "cancel my reservation"


def test_other_sentences_are_not_forced_into_the_grammar(ears: Recogniser) -> None:
    for text in ("the museum opens a new gallery of modern art", "could you explain physics"):
        result = hear(ears, utter(text), INTENTS)
        assert not result.from_phrases
        assert result.text == hear(ears, utter(text)).text


def test_words_after_a_phrase_are_not_swallowed(ears: Recogniser) -> None:
    result = hear(ears, utter("cancel my reservation please now"), INTENTS)
    assert not result.from_phrases
    assert len(result.words) == 5


@pytest.mark.parametrize("voice", ["kal16", "slt"])
def test_a_name_in_a_free_sentence(ears: Recogniser, voice: str) -> None:
    """No dictionary has the name; without the phrase list it is heard as other words."""
    speech = utter("does contoso have a table by the window", voice)
    assert "contoso" not in hear(ears, speech).text
    result = hear(ears, speech, ("contoso",))
    assert "contoso" in result.text.split()
    assert result.from_phrases


def test_a_name_that_was_not_said_is_not_heard(ears: Recogniser) -> None:
    speech = utter("what are your opening hours")
    assert hear(ears, speech, ("contoso", "fabrikam", "zava")).text == (
        "what are your opening hours"
    )


def test_phrases_that_nobody_can_say_change_nothing(ears: Recogniser) -> None:
    speech = utter("what are your opening hours")
    assert hear(ears, speech, ("日本", "", "()")) == hear(ears, speech)


def test_many_phrase_lists_in_turn(ears: Recogniser) -> None:
    speech = utter("cancel my reservation", "slt")
    for number in range(recogniser.GRAMMARS_LIMIT * 2):
        assert not hear(ears, silence(100), (f"phrase {number}",)).text
    assert hear(ears, speech, INTENTS).from_phrases


def test_utterances_do_not_leak_into_one_another(ears: Recogniser) -> None:
    speech = utter("what are your opening hours")
    first = hear(ears, speech)
    hear(ears, utter("cancel my reservation", "slt"), INTENTS, first.cmn)
    ears.begin(None, INTENTS)
    ears.feed(speech)
    ears.discard()
    assert hear(ears, speech) == first


def test_a_speaker_is_remembered(ears: Recogniser) -> None:
    first = hear(ears, utter("what are your opening hours"))
    second = hear(ears, utter("what are your opening hours"), cmn=first.cmn)
    assert first.cmn
    assert second.cmn != first.cmn


def test_a_long_utterance_is_recognised_in_parts(
    ears: Recogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recogniser, "SEGMENT_MS", 3000)
    monkeypatch.setattr(recogniser, "SEGMENT_LIMIT_MS", 6000)
    speech = utter("what are your opening hours", pause_ms=500) * 3
    result = hear(ears, speech, INTENTS)
    assert result.text.count("what are your") == 3
    offsets = [word.offset_ms for word in result.words]
    assert offsets == sorted(offsets)
    assert offsets[-1] == pytest.approx(len(speech) / 32 - 500 - 500, abs=400)
