"""Doubt: whether what Moonshine wrote was said.

The model was made to write something for whatever it gets. What it isn't sure of is heard again, a
little faster: what was said is written alike, what was guessed is not. A word or a few are held
against what people murmur as well: of a murmur, the model finds "Oh." about as probable as the word
that it wrote, of a word much less so. The bounds stand between clips of both kinds:
``python -m benchmarks.invented_words`` tells what they keep and lose, on clips that they were not
chosen by.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jellyfish import levenshtein_distance

from voicelive_agent.emulator.stt.moonshine.answers import is_answer
from voicelive_agent.emulator.stt.phrases import split_words

SURE = 0.85
"""The probability of a token, on average, from which one hearing is enough."""
SURE_FIRST = 0.9
"""The same of the first token, where there are few: what is heard in noise begins with a guess."""
FEW_TOKENS = 6
FEW_WORDS = 3
"""A murmur is heard as no more."""
MURMURS = ("Uh-huh.", "Hmm.", "Mm-hmm.", "Um.", "Oh.", "Huh?")
"""What few words are held against."""
HUMS = ("M.", "M. M.", "H. M.", "M. H. M.")
"""What hums are, with a closed mouth, of which the model makes "Amen." or "He came."."""
HUM_LEAD = 8.5
"""So much more probable than any of them is what nobody answers every day. Of hums, and of what
some synthesisers make of "mhm", which is these letters, the most was 8.1."""
HUM_MS = 800
"""In a hum, a voice is sure for less."""
LEAD = 9.0
"""So much more probable than any murmur, as a logarithm, are a few words that were said; what two
hearings have in common counts as ``LIKENESS_COUNTS``."""
LIKENESS_COUNTS = 4.0
SURE_WORD = 0.76
SURE_WORD_LEAD = 6.0
"""The same of what is so probable, a token on average: "eighth" on the telephone, letters."""
UNUSUAL_LEAD = 2.5
"""A word that nobody answers every day leads by so much more: a murmur is heard as "Ever." or
"Other.", and as an answer seldom."""
GUESSED = 0.48
"""A token of what was said is more probable, on average; of one word of another language less."""
PHRASE = 0.68
LIKENESS = 0.5
"""Two words or three are as probable as ``PHRASE``, or lead without their likeness, which is
``LIKENESS``: a murmur is heard as several words, and as others each time."""
VOICE_MS = 320
"""A word that says nothing alone ("I", "well") was said if a voice is sure for so long."""
SENTENCE = 0.865
"""The probability of a token of more words, with ``LIKENESS_ADDS`` of what two hearings have in
common. Of 129 sentences in other languages the most was 0.863; a name that the model doesn't know
takes little of it, as the words around it are sure."""
LIKENESS_ADDS = 0.2

_INVENTED = re.compile(
    r"\W*(thank you|(thank you|thanks) for watching|© .*|[ahmjn]([. ]+[hmjn]){2,})\W*",
    re.IGNORECASE,
)
"""What the model writes for silence and humming, having learnt from subtitles."""
_SAID = re.compile(r"thank you[.!?]+", re.IGNORECASE)
"""The same where a person says it."""
_LOOPS = ((1, 7), (2, 5), (3, 4), (4, 4))
"""How many words, and how often they stand behind each other at the end of a loop."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HESITATIONS = _words("ah aha ahh aw eh er erm hm hmm huh mm oh ooh ugh uh uhh um umm")
_AFFIRMATIONS = (["uh", "huh"], ["mm", "hmm"])
_FUNCTION_WORDS = _words(
    "a an and as at but for i if in is it of or so some that the them then there to well with you"
)
"""What hums and groans are written as, "You" above all."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """A text, and how probable each of its tokens and its end are."""

    text: str
    probabilities: tuple[float, ...]
    is_cut: bool = False
    """It came to the decoder's bound before it had ended."""

    @property
    def log_probability(self) -> float:
        return float(np.log(np.maximum(self.probabilities, 1e-9)).sum())

    @property
    def mean(self) -> float:
        """The geometric mean of the probabilities."""
        return float(np.exp(self.log_probability / len(self.probabilities)))

    @property
    def average(self) -> float:
        """The arithmetic mean of them, which a few that are improbable take little of."""
        return float(np.mean(self.probabilities))

    @property
    def words(self) -> list[str]:
        return re.findall(r"[a-z0-9']+", self.text.lower())

    @property
    def spoken(self) -> str:
        """Its letters, figures as words."""
        return "".join(split_words(self.text))


def is_settled(heard: Hearing) -> bool:
    """Whether it need not be heard again, be it believed or not."""
    if find_nonsense(heard):
        return True
    if _is_function_word(heard):
        return False
    is_few = len(heard.probabilities) <= FEW_TOKENS
    return heard.mean >= SURE and (heard.probabilities[0] >= SURE_FIRST or not is_few)


def choose(one: Hearing, other: Hearing) -> int:
    """Which of two hearings is nearer to what was said: 0 or 1."""
    return int(other.mean > one.mean and not find_nonsense(other))


def doubt_partial(one: Hearing, before: Hearing | None) -> str:
    """Why the beginning of something is not told yet; ``before`` is what was heard of less of it.

    Nothing is measured for it: few words that aren't sure are told when they have ended.
    """
    if is_settled(one):
        return find_doubt(one, None)
    if before is None or len(one.words) <= FEW_WORDS:
        return "unsure"
    begun = Hearing(one.text[: len(before.text)], one.probabilities, one.is_cut)
    sureness = one.average + LIKENESS_ADDS * measure_likeness(begun, before)
    return find_doubt(one, None) or ("" if sureness >= SENTENCE else "unsure")


def find_doubt(
    one: Hearing,
    other: Hearing | None,
    lead: Callable[[tuple[str, ...]], float] = lambda texts: 0.0,
    voice_ms: Callable[[], int] = lambda: 0,
) -> str:
    """Why it was not said: ``noise``, ``murmur`` or ``loop``; empty if it was.

    ``other`` is the second hearing, None where one is enough; ``lead`` is by how much the first is
    more probable than any of some texts, as a logarithm; ``voice_ms`` is for how long somebody
    surely spoke. Both take a while, and are asked only where they decide.
    """
    heard = one if other is None else (one, other)[choose(one, other)]
    if nonsense := find_nonsense(heard):
        return nonsense
    if is_hesitation(heard):
        return "murmur"
    if other is None:
        return ""
    likeness = measure_likeness(one, other)
    if are_few(one, other):
        return _doubt_word(heard, likeness, float(np.sqrt(one.mean * other.mean)), lead, voice_ms)
    sureness = heard.average + LIKENESS_ADDS * likeness
    return "" if sureness >= SENTENCE else "noise"


def may_be_answer(one: Hearing, other: Hearing) -> bool:
    """Whether doubted words may be a misheard answer: a few, and not nonsense or a hesitation."""
    heard = (one, other)[choose(one, other)]
    return are_few(one, other) and not find_nonsense(heard) and not is_hesitation(heard)


def are_few(one: Hearing, other: Hearing) -> bool:
    """Whether both are so few words that a murmur may be heard as them."""
    return max(len(one.words), len(other.words)) <= FEW_WORDS


def _doubt_word(
    heard: Hearing,
    likeness: float,
    mean: float,
    lead: Callable[[tuple[str, ...]], float],
    voice_ms: Callable[[], int],
) -> str:
    """The same of few words; ``mean`` is the probability of a token, by both hearings."""
    if _is_function_word(heard) and (likeness < 1 or voice_ms() < VOICE_MS):
        return "noise"
    if mean < GUESSED:
        return "murmur"
    is_answered = is_answer(heard.spoken)
    least = SURE_WORD_LEAD if mean >= SURE_WORD else LEAD
    least -= LIKENESS_COUNTS * likeness
    if len(heard.words) > 1 and mean < PHRASE:
        least = max(least, LEAD) if likeness >= LIKENESS else np.inf
    if len(heard.words) == 1 and not is_answered:
        least += UNUSUAL_LEAD
    leads = bool(np.isfinite(least)) and lead(MURMURS) >= least
    if not leads:
        return "murmur"
    is_no_hum = is_answered or lead(HUMS) >= HUM_LEAD or voice_ms() >= HUM_MS
    return "" if is_no_hum else "murmur"


def measure_likeness(one: Hearing, other: Hearing) -> float:
    """Of two texts: 1 if they are spoken alike, 0 if they share nothing."""
    longest = max(len(one.spoken), len(other.spoken), 1)
    return 1 - levenshtein_distance(one.spoken, other.spoken) / longest


def find_nonsense(heard: Hearing) -> str:
    """What is no text of a person, however sure the model is of it."""
    if not re.search(r"[a-zA-Z0-9]", heard.text):
        return "noise"
    if heard.is_cut or is_loop(heard.text):
        return "loop"
    if _INVENTED.fullmatch(heard.text) and not _SAID.fullmatch(heard.text):
        return "noise"
    return ""


def _is_function_word(heard: Hearing) -> bool:
    return len(heard.words) == 1 and heard.words[0] in _FUNCTION_WORDS


def is_loop(text: str) -> bool:
    """Whether words are repeated again and again, as nobody does: one says "no, no, no, no"."""
    words = re.findall(r"\w+", text.lower())
    return any(
        len(words) >= size * times and words[-size * times :] == words[-size:] * times
        for size, times in _LOOPS
    )


def is_hesitation(heard: Hearing) -> bool:
    """Whether nothing else was said; "uh-huh" is an answer."""
    return heard.words not in _AFFIRMATIONS and set(heard.words) <= _HESITATIONS
