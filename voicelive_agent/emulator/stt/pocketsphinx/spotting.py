"""Where a recogniser may have misheard a phrase: words that sound like it.

Only a guess, by the phones of both; whoever uses it listens again before believing it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

FARTHEST = 0.4
"""The edits that turn one into the other, for each phone: more is no likeness."""
_RELATED_COST = 0.5
_MORE_WORDS = 2
"""A phrase may be misheard as so many more words than it has."""
_SHORTEST_PHONES = 4
"""Of a phrase so short too much reminds."""
_CLASSES = (
    "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW",
    "B P D T G K",
    "F V TH DH S Z SH ZH CH JH HH",
    "M N NG",
    "L R W Y",
)
_CLASS_OF = {phone: number for number, row in enumerate(_CLASSES) for phone in row.split()}

Phones = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Likeness:
    """Words ``start`` to ``end`` (exclusive) sound like a phrase: the nearer the likelier."""

    start: int
    end: int
    phrase: tuple[str, ...]
    distance: float


def find_likenesses(
    words: Sequence[str],
    phrases: Sequence[tuple[str, ...]],
    pronounce: Callable[[str], Phones],
) -> list[Likeness]:
    """The likest places, one for each phrase at most, without those where the phrase stands."""
    found = []
    for phrase in phrases:
        size_phones = sum(len(pronounce(word)) for word in phrase)
        if size_phones < _SHORTEST_PHONES or _contains(words, phrase):
            continue
        likeness = _find_likest(words, phrase, pronounce)
        if likeness is not None:
            found.append(likeness)
    return sorted(found, key=lambda likeness: likeness.distance)


def _contains(words: Sequence[str], phrase: tuple[str, ...]) -> bool:
    size = len(phrase)
    return any(tuple(words[at : at + size]) == phrase for at in range(len(words) - size + 1))


def _find_likest(
    words: Sequence[str], phrase: tuple[str, ...], pronounce: Callable[[str], Phones]
) -> Likeness | None:
    likest = None
    for start in range(len(words)):
        for end in range(start + 1, min(start + len(phrase) + _MORE_WORDS, len(words)) + 1):
            distance = _measure_distance(tuple(words[start:end]), phrase, pronounce)
            if distance <= FARTHEST and (likest is None or distance < likest.distance):
                likest = Likeness(start, end, phrase, distance)
    return likest


def _measure_distance(
    heard: tuple[str, ...], phrase: tuple[str, ...], pronounce: Callable[[str], Phones]
) -> float:
    """Of the words that differ alone, or long phrases would be like everything."""
    while heard and phrase and heard[0] == phrase[0]:
        heard, phrase = heard[1:], phrase[1:]
    while heard and phrase and heard[-1] == phrase[-1]:
        heard, phrase = heard[:-1], phrase[:-1]
    said = [phone for word in heard for phone in pronounce(word)]
    wanted = [phone for word in phrase for phone in pronounce(word)]
    if not wanted or abs(len(said) - len(wanted)) > FARTHEST * len(wanted):
        return math.inf
    return _edit_distance(said, wanted) / len(wanted)


def _edit_distance(heard: Sequence[str], wanted: Sequence[str]) -> float:
    row = [float(column) for column in range(len(wanted) + 1)]
    for phone in heard:
        above, row = row, [row[0] + 1]
        for column, other in enumerate(wanted):
            row.append(
                min(above[column + 1] + 1, row[column] + 1, above[column] + _cost(phone, other))
            )
    return row[-1]


def _cost(phone: str, other: str) -> float:
    if phone == other:
        return 0.0
    return _RELATED_COST if _CLASS_OF.get(phone) == _CLASS_OF.get(other) else 1.0
