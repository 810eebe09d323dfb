"""What pocketsphinx makes of synthetic speech, with and without phrases."""

import pytest

from tests.emulator.speech import needs_flite, noise, pieces, silence, utter
from voicelive_agent.emulator.stt.pocketsphinx import recogniser
from voicelive_agent.emulator.stt.pocketsphinx.recogniser import Result, SphinxDecoder

pytestmark = needs_flite
INTENTS = (
    "[please] cancel my (booking|reservation)",
    "book a table for (two|three|four) [people]",
    "what are your opening hours",
)


@pytest.fixture(scope="module")
def recognizers() -> SphinxDecoder:
    return SphinxDecoder()


def hear(
    recognizers: SphinxDecoder, pcm: bytes, phrases: tuple[str, ...] = (), cmn: str | None = None
) -> Result:
    recognizers.begin(cmn, phrases)
    for piece in pieces(pcm, 100):
        recognizers.feed(piece)
    return recognizers.finish()


def test_a_sentence(recognizers: SphinxDecoder) -> None:
    result = hear(recognizers, utter("what are your opening hours"))
    assert result.text == "what are your opening hours"
    assert not result.from_phrases
    assert [word.text for word in result.words] == result.text.split()
    assert all(0 <= (word.confidence or 0) <= 1 for word in result.words)


def test_words_lie_where_they_are_said(recognizers: SphinxDecoder) -> None:
    pcm = utter("can i book a table", "slt", pause_ms=500)
    words = hear(recognizers, pcm).words
    ends = [word.offset_ms + word.duration_ms for word in words]
    assert words[0].offset_ms == pytest.approx(500, abs=100)
    assert ends[-1] == pytest.approx(len(pcm) / 32 - 500, abs=150)
    assert [word.offset_ms for word in words] == sorted(word.offset_ms for word in words)


def test_the_text_grows_while_one_speaks(recognizers: SphinxDecoder) -> None:
    recognizers.begin(None, ())
    texts = [recognizers.feed(piece) for piece in pieces(utter("what are your opening hours"), 100)]
    recognizers.discard()
    assert texts[0] == ""
    assert texts[len(texts) // 2]
    assert len(texts[-1]) > len(texts[len(texts) // 2])


def test_numbers_stay_words(recognizers: SphinxDecoder) -> None:
    assert "seven" in hear(recognizers, utter("no seven o'clock")).text


def test_silence_says_nothing_and_teaches_nothing(recognizers: SphinxDecoder) -> None:
    for pcm in (b"", silence(1000), noise(1000)):
        assert hear(recognizers, pcm) == Result()


def test_one_intent_of_a_grammar_is_heard_exactly(recognizers: SphinxDecoder) -> None:
    result = hear(recognizers, utter("cancel my reservation", "slt"), INTENTS)
    assert (result.text, result.from_phrases) == ("cancel my reservation", True)
    assert hear(recognizers, utter("cancel my reservation", "slt")).text != "cancel my reservation"


def test_other_sentences_are_not_forced_into_the_grammar(recognizers: SphinxDecoder) -> None:
    for text in ("the museum opens a new gallery of modern art", "could you explain physics"):
        result = hear(recognizers, utter(text), INTENTS)
        assert not result.from_phrases
        assert result.text == hear(recognizers, utter(text)).text


def test_words_after_a_phrase_are_not_swallowed(recognizers: SphinxDecoder) -> None:
    result = hear(recognizers, utter("cancel my reservation please now"), INTENTS)
    assert not result.from_phrases
    assert len(result.words) == 5


@pytest.mark.parametrize("voice", ["kal16", "slt"])
def test_a_name_in_a_free_sentence(recognizers: SphinxDecoder, voice: str) -> None:
    """No dictionary has the name; without the phrase list it is heard as other words."""
    speech = utter("does contoso have a table by the window", voice)
    assert "contoso" not in hear(recognizers, speech).text
    result = hear(recognizers, speech, ("contoso",))
    assert "contoso" in result.text.split()
    assert result.from_phrases


def test_a_name_that_was_not_said_is_not_heard(recognizers: SphinxDecoder) -> None:
    speech = utter("what are your opening hours")
    assert hear(recognizers, speech, ("contoso", "fabrikam", "zava")).text == (
        "what are your opening hours"
    )


def test_phrases_that_nobody_can_say_change_nothing(recognizers: SphinxDecoder) -> None:
    speech = utter("what are your opening hours")
    assert hear(recognizers, speech, ("日本", "", "()")) == hear(recognizers, speech)


def test_many_phrase_lists_in_turn(recognizers: SphinxDecoder) -> None:
    speech = utter("cancel my reservation", "slt")
    for number in range(recogniser.GRAMMARS_LIMIT * 2):
        assert not hear(recognizers, silence(100), (f"phrase {number}",)).text
    assert hear(recognizers, speech, INTENTS).from_phrases


def test_utterances_do_not_leak_into_one_another(recognizers: SphinxDecoder) -> None:
    speech = utter("what are your opening hours")
    first = hear(recognizers, speech)
    hear(recognizers, utter("cancel my reservation", "slt"), INTENTS, first.cmn)
    recognizers.begin(None, INTENTS)
    recognizers.feed(speech)
    recognizers.discard()
    assert hear(recognizers, speech) == first


def test_a_speaker_is_remembered(recognizers: SphinxDecoder) -> None:
    first = hear(recognizers, utter("what are your opening hours"))
    second = hear(recognizers, utter("what are your opening hours"), cmn=first.cmn)
    assert first.cmn
    assert second.cmn != first.cmn


def test_a_long_utterance_is_recognised_in_parts(
    recognizers: SphinxDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recogniser, "SEGMENT_MS", 3000)
    monkeypatch.setattr(recogniser, "SEGMENT_LIMIT_MS", 6000)
    speech = utter("what are your opening hours", pause_ms=500) * 3
    result = hear(recognizers, speech, INTENTS)
    assert result.text.count("what are your") == 3
    offsets = [word.offset_ms for word in result.words]
    assert offsets == sorted(offsets)
    assert offsets[-1] == pytest.approx(len(speech) / 32 - 500 - 500, abs=400)
