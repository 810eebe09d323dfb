"""Doubt: whether what Moonshine wrote was said, judged by how probable its tokens are.

The model was made to write something for whatever it gets. The thresholds were chosen on clips of
noise, murmurs, foreign sentences and short words, and tried on the same: they lost none of 71
sentences and kept none of 95 noises, but of 84 murmurs 5 became words that nobody said.
"""

import re

import numpy as np

from voicelive_agent.emulator.stt.moonshine.model import Decoding

SURE_FIRST = 0.3
"""What is heard in noise begins with a guess: the probability of the first token."""
SURE_FIRST_OF_LONG = 0.25
LONG_TOKENS = 13
SURE_MEAN = -0.7
"""Of the logarithms of all tokens: of a language that it doesn't know, each token is a guess."""
SURE_MEAN_AFTER_GUESS = -0.63
GUESS = 0.5
GUESSES_AT_MOST = 0.45
"""The share of tokens that are less probable than ``GUESS``."""
FEW_TOKENS = 6
"""Fewer are too few for a mean, or a share."""
MURMUR_MS = 1000
"""A murmur is no longer than this, and is heard as up to ``MURMUR_WORDS`` words."""
MURMUR_WORDS = 3
SURE_IN_MURMUR = 0.35


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_INVENTED = re.compile(
    r"\W*(you|thank you|(thank you|thanks) for watching|© .*|[ahmjn]([. ]+[hmjn]){2,})\W*",
    re.IGNORECASE,
)
"""What the model writes for silence and humming, having learnt from subtitles."""
_SAID = re.compile(r"(you|thank you)[.!?]+", re.IGNORECASE)
"""The same where a person says it."""
_SHORT_ANSWERS = _words(
    "yes yeah yep no nope okay ok stop bye goodbye hi hey thanks please sure right correct "
    "wrong help cancel repeat wait what who why when where how more less next back again now "
    "later today tomorrow yesterday tonight morning noon evening midnight none both either "
    "all zero one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty "
    "seventy eighty ninety hundred thousand first second third fourth fifth sixth seventh "
    "eighth ninth tenth monday tuesday wednesday thursday friday saturday sunday january "
    "february march april may june july august september october november december mm hmm mhm "
    "um uh oh ah aha huh great good fine perfect exactly never always maybe continue go start "
    "done ready "
)
"""What people say in a word: believed though the model is not sure."""


def find_doubt(decoding: Decoding, text: str, duration_ms: int) -> str:
    """Why ``text`` was not said: ``noise``, ``murmur``, ``loop`` or ``language``; empty if it was.

    ``duration_ms`` is how long something was to be heard.
    """
    if not re.search(r"[a-zA-Z0-9]", text):
        return "noise"
    if decoding.is_cut or is_loop(text):
        return "loop"
    if _INVENTED.fullmatch(text) and not _SAID.fullmatch(text):
        return "noise"
    sure = np.maximum(decoding.probabilities, 1e-9)
    mean, count = float(np.mean(np.log(sure))), len(decoding.tokens)
    enough = SURE_FIRST if count < FEW_TOKENS else SURE_FIRST_OF_LONG
    if sure[0] < enough and (count < LONG_TOKENS or mean < SURE_MEAN_AFTER_GUESS):
        return "noise"
    if duration_ms <= MURMUR_MS and _is_murmur(text, float(sure[0]), float(sure.min())):
        return "murmur"
    if count >= FEW_TOKENS and (mean < SURE_MEAN or np.mean(sure < GUESS) > GUESSES_AT_MOST):
        return "language"
    return ""


def is_loop(text: str) -> bool:
    """Whether a few words are repeated again and again, as nobody does."""
    words = re.findall(r"\w+", text.lower())
    return any(
        len(words) >= size * 4 and words[-size * 4 :] == words[-size:] * 4 for size in (1, 2, 3, 4)
    )


def _is_murmur(text: str, first: float, least: float) -> bool:
    """Whether a short sound was hardly the few words that it is written as."""
    words = [word.strip(".,!?") for word in text.lower().split()]
    if len(words) > MURMUR_WORDS or set(words) <= _SHORT_ANSWERS:
        return False
    is_guess = len(words) > 1 and least < SURE_IN_MURMUR
    return first < GUESS or is_guess or words == ["i"]
