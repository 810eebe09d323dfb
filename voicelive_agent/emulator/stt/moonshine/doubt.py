"""Doubt: whether what Moonshine wrote was said, judged by two hearings of the same sound.

The model was made to write something for whatever it gets. What it isn't sure of is heard again,
half as loud and with more silence before it, which changes nothing for what was said and much for
what was guessed. A word or a few in doubt still are heard a third time, slower: the three must
agree, the more so the less of it is surely speech. The bounds stand between clips of both
kinds: ``python -m benchmarks.invented_words`` tells what they keep and lose, on clips that they
were not chosen by.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jellyfish import levenshtein_distance, metaphone

from voicelive_agent.emulator.stt.phrases import split_words

SURE = 0.85
"""The probability of a token, on average, from which one hearing is enough."""
SURE_FIRST = 0.9
"""The same of the first token, where there are few: what is heard in noise begins with a guess."""
FEW_TOKENS = 6
FEW_WORDS = 3
"""A murmur is heard as no more."""
SENTENCE = 0.61
"""Of two hearings of people's sentences, at 10 dB too, the least was 0.64; of 95 sentences in other
languages, the most was 0.60."""
SHORT_ANSWER = 0.35
"""Of the first tokens, on average, of what people say in a word."""
OTHER_WORD = 0.52
"""The same of other words, which must be heard twice; ``UNLIKE`` where two were heard."""
UNLIKE = 0.7
GUESSES = 0.5
"""All tokens of a word that was said are more probable than this, on average."""
WORDS_PER_S = 7
"""Nobody says more."""
VOICE_COUNTS = 1.5
"""What a second of sure speech counts beside the probability of a text, up to ``VOICE_MS``."""
VOICE_MS = 400
ALL_ALIKE = 1.01
"""Probability and voice together, of a word that is heard alike three times."""
ANSWER = 1.0
"""The same, where one hearing or more is what people say in a word."""
TWO_ALIKE = 1.22
PHRASE_MS = 750
"""So much sure speech, of a few words that are heard alike three times."""
PHRASE = 0.55
"""Their probability, on average."""
SHORT_PHRASE_MS = 350
SHORT_PHRASE = 0.74
"""The same of a shorter phrase, of which a consonant may be heard otherwise: "Where are you?"."""
SPEECH_MS = 1000
"""Speech that nothing is made of is another language, if it is as long as this."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_INVENTED = re.compile(
    r"\W*(thank you|(thank you|thanks) for watching|© .*|[ahmjn]([. ]+[hmjn]){2,})\W*",
    re.IGNORECASE,
)
"""What the model writes for silence and humming, having learnt from subtitles."""
_SAID = re.compile(r"thank you[.!?]+", re.IGNORECASE)
"""The same where a person says it."""
_LOOPS = ((1, 7), (2, 5), (3, 4), (4, 4))
"""How many words, and how often they stand behind each other at the end of a loop."""
_HESITATIONS = _words("ah aha ahh aw eh er erm hm hmm huh mm oh ooh ugh uh uhh um umm")
_AFFIRMATIONS = (["uh", "huh"], ["mm", "hmm"])
_NEVER_ALONE = _words(
    "a an and as at but for i if in is it of or so some that the them then there to well with you"
)
_MURMURED = _words("other another ever amen mum mom mama")
"""What "uh huh", "aha" and "mm-hmm" are written as, again and again."""
_SHORT_ANSWERS = _words(
    "yes yeah yep no nope okay ok stop bye goodbye hi hey thanks please sure right correct "
    "wrong help cancel repeat wait what who why when where how more less next back again now "
    "later today tomorrow yesterday tonight morning noon evening midnight none both either "
    "all zero one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty "
    "seventy eighty ninety hundred thousand first second third fourth fifth sixth seventh "
    "eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth "
    "seventeenth eighteenth nineteenth twentieth thirtieth monday tuesday wednesday thursday "
    "friday saturday sunday january february march april may june july august september "
    "october november december great good fine perfect exactly never always maybe continue go "
    "start done ready"
)
"""What people say in a word: believed though the model is not sure."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """A text, and how probable each of its tokens and its end are."""

    text: str
    probabilities: tuple[float, ...]
    is_cut: bool = False
    """It came to the decoder's bound before it had ended."""

    @property
    def first(self) -> float:
        return self.probabilities[0]

    @property
    def mean(self) -> float:
        """The geometric mean of the probabilities."""
        return float(np.exp(np.mean(np.log(np.maximum(self.probabilities, 1e-9)))))

    @property
    def words(self) -> list[str]:
        return re.findall(r"[a-z0-9']+", self.text.lower())

    @property
    def spoken(self) -> str:
        """Its letters, figures as words."""
        return "".join(split_words(self.text))

    @property
    def is_short_answer(self) -> bool:
        return bool(self.words) and all(
            word in _SHORT_ANSWERS or word.isdigit() for word in self.words
        )


def is_sure(heard: Hearing) -> bool:
    """Whether it need not be heard again, be it believed or not."""
    if find_nonsense(heard):
        return True
    is_few = len(heard.probabilities) <= FEW_TOKENS
    return heard.mean >= SURE and (heard.first >= SURE_FIRST or not is_few)


def choose(one: Hearing, other: Hearing) -> int:
    """Which of two hearings is nearer to what was said: 0 or 1."""
    if one.is_short_answer != other.is_short_answer:
        return int(other.is_short_answer)
    return int(other.mean > one.mean)


def find_doubt(one: Hearing, other: Hearing | None, duration_ms: int) -> str:
    """Why it was not said: ``noise``, ``murmur``, ``loop`` or ``language``; empty if it was.

    ``other`` is the second hearing, None where one is enough; ``duration_ms`` is how long
    something was to be heard.
    """
    doubt = _judge(one, other, duration_ms)
    is_speech = duration_ms >= SPEECH_MS and not _is_hesitation(one.words)
    return "language" if doubt and is_speech else doubt


def _judge(one: Hearing, other: Hearing | None, duration_ms: int) -> str:
    hearings = (one, one if other is None else other)
    chosen = hearings[choose(*hearings)]
    if nonsense := find_nonsense(chosen):
        return nonsense
    if _is_hesitation(chosen.words):
        return "murmur"
    if other is None:
        return ""
    if len(chosen.words) <= FEW_WORDS:
        return "" if _is_believed_alone(one, other, chosen) else "murmur"
    if len(chosen.words) * 1000 > duration_ms * WORDS_PER_S:
        return "murmur"
    return "" if np.sqrt(one.mean * other.mean) >= SENTENCE else "noise"


def may_be_word(hearings: Sequence[Hearing]) -> bool:
    """Whether each is a word or a few, of a kind that somebody says."""
    return all(
        len(each.words) <= FEW_WORDS and not find_nonsense(each) and not _is_hesitation(each.words)
        for each in hearings
    )


def find_word(hearings: Sequence[Hearing], voiced_ms: int) -> int | None:
    """Which of three hearings is the word, or the few words, that was said; None: none is.

    ``voiced_ms`` is for how long somebody surely spoke.
    """
    if not may_be_word(hearings):
        return None
    alike = [sum(_are_alike(one, other) for other in hearings) for one in hearings]
    best = max(
        range(len(hearings)),
        key=lambda at: (hearings[at].is_short_answer, alike[at], hearings[at].mean),
    )
    heard = hearings[best]
    mean = float(np.sqrt(hearings[0].mean * hearings[1].mean))
    is_alike = alike[best] == len(hearings)
    if len(heard.text.split()) > 1:
        is_long = is_alike and voiced_ms >= PHRASE_MS and mean >= PHRASE
        is_short = voiced_ms >= SHORT_PHRASE_MS and mean >= SHORT_PHRASE
        is_near = all(_is_near(heard, other) for other in hearings)
        return best if is_long or (is_short and is_near) else None
    bounds = [
        *([ANSWER] if heard.is_short_answer and len(heard.words) == 1 else []),
        *([ALL_ALIKE] if is_alike else [TWO_ALIKE] if alike[best] > 1 else []),
    ]
    evidence = mean + VOICE_COUNTS * min(voiced_ms, VOICE_MS) / 1000
    is_said = bool(bounds) and evidence >= min(bounds) and not _MURMURED & set(heard.words)
    return best if is_said else None


def _are_alike(one: Hearing, other: Hearing) -> bool:
    """Whether two texts are spoken alike."""
    return one.spoken == other.spoken or metaphone(one.spoken) == metaphone(other.spoken)


def _is_near(one: Hearing, other: Hearing) -> bool:
    """The same but for a consonant: "Where are you?" and "Were you?"."""
    return levenshtein_distance(metaphone(one.spoken), metaphone(other.spoken)) <= 1


def find_nonsense(heard: Hearing) -> str:
    """What is no text of a person, however sure the model is of it."""
    if not re.search(r"[a-zA-Z0-9]", heard.text):
        return "noise"
    if heard.is_cut or is_loop(heard.text):
        return "loop"
    if _INVENTED.fullmatch(heard.text) and not _SAID.fullmatch(heard.text):
        return "noise"
    return "noise" if len(heard.words) == 1 and heard.words[0] in _NEVER_ALONE else ""


def is_loop(text: str) -> bool:
    """Whether words are repeated again and again, as nobody does: one says "no, no, no, no"."""
    words = re.findall(r"\w+", text.lower())
    return any(
        len(words) >= size * times and words[-size * times :] == words[-size:] * times
        for size, times in _LOOPS
    )


def _is_hesitation(words: list[str]) -> bool:
    return words not in _AFFIRMATIONS and set(words) <= _HESITATIONS


def _is_believed_alone(one: Hearing, other: Hearing, chosen: Hearing) -> bool:
    """Whether a short sound was the few words that it is written as."""
    if any(find_nonsense(each) or _is_hesitation(each.words) for each in (one, other)):
        return False
    first = float(np.sqrt(one.first * other.first))
    if chosen.is_short_answer:
        return first >= SHORT_ANSWER
    if np.sqrt(one.mean * other.mean) < GUESSES:
        return False
    return first >= (OTHER_WORD if one.words == other.words else UNLIKE)
