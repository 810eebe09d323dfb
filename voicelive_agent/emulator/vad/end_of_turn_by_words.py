"""End of turn by words: how complete a sentence seems by those at its end.

It knows English words only. It says nothing of meaning, only whether the last words usually ask for
more. Recognisers that write punctuation end half a sentence with a full stop too, so in English the
words count for more than that.
"""

COMPLETE = 0.8
LIKELY_OPEN = 0.15
OPEN = 0.05


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FILLERS = _words("ah eh er erm hm hmm mm uh uhm um umm")
_ARTICLES = _words("a an the my your his her its our their these those every")
_CONJUNCTIONS = _words("and or but nor because if unless until while whereas although though than")
_PREPOSITIONS = _words(
    "at of from with into onto between during without against toward towards via per"
)
_BEFORE_VERBS = _words(
    "i'm you're we're they're i'll you'll we'll i'd you'd we'd let's would could should shall"
)
_OPEN_WORDS = _ARTICLES | _CONJUNCTIONS | _PREPOSITIONS | _BEFORE_VERBS | _words("very quite such")
_LIKELY_OPEN_WORDS = _words(
    "to for in on by about like that so when where which who what how is are was were am be been "
    "being will can may might must do does did have has had i we they want need please say mean "
    "maybe just also then as"
)
# fmt: off
_OPEN_ENDINGS = (
    ("i", "would", "like"), ("i'd", "like"), ("i", "want"), ("i", "need"), ("i", "mean"),
    ("my", "name", "is"), ("my", "number", "is"), ("you", "know"), ("let", "me", "see"),
    ("would", "like", "to"), ("want", "to"), ("need", "to"), ("going", "to"), ("have", "to"),
)
_COMPLETE_ENDINGS = (
    ("yes", "please"), ("no", "please"), ("i", "do"), ("i", "am"), ("i", "have"), ("i", "will"),
    ("i", "can"), ("i", "think", "so"), ("think", "so"), ("hope", "so"), ("what", "is", "that"),
    ("come", "in"), ("go", "on"), ("like", "that"), ("do", "that"), ("about", "that"),
    ("would", "like", "that"), ("who", "is", "this"), ("how", "are", "you"),
)
# fmt: on
_DIGITS = _words("zero oh one two three four five six seven eight nine")
_NUMBER_LENGTH = 7
"""A number read out digit by digit (a telephone's, say) is seldom shorter."""


def estimate_completeness(text: str, language: str = "en-US") -> float | None:
    """From 0 (goes on) to 1 (complete); None where there are no words to judge by.

    ``language`` is BCP-47: of other languages than English, punctuation alone is judged.
    """
    text = text.strip()
    if not text:
        return None
    if text.endswith(("…", "...", "-", ",", ":", ";")):
        return OPEN
    if language.lower().partition("-")[0] != "en":
        return COMPLETE if text.endswith((".", "!", "?")) else None
    if text.endswith(("!", "?")):
        return COMPLETE
    words = [word.strip(".,!?\"'()").lower() for word in text.split()]
    words = [word for word in words if word]
    if not words or words[-1] in _FILLERS:
        return OPEN
    if _ends_with(words, _COMPLETE_ENDINGS):
        return COMPLETE
    if words[-1] in _OPEN_WORDS or _ends_with(words, _OPEN_ENDINGS):
        return OPEN
    if len(words) > 1 and words[-1] == "please":
        return COMPLETE
    if words[-1] in _LIKELY_OPEN_WORDS and len(words) > 1:
        return LIKELY_OPEN
    if _is_reading_digits(words):
        return LIKELY_OPEN
    return COMPLETE


def _ends_with(words: list[str], endings: tuple[tuple[str, ...], ...]) -> bool:
    return any(tuple(words[-len(ending) :]) == ending for ending in endings)


def _is_reading_digits(words: list[str]) -> bool:
    """Two or more single digits in a row, and not yet a whole number."""
    run = 0
    for word in reversed(words):
        if word not in _DIGITS:
            break
        run += 1
    return 2 <= run < _NUMBER_LENGTH
