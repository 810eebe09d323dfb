"""Consensus of two hearings: the text that both sounds speak for, place by place where they differ.

The text whose own probability is higher isn't the better one in every place. Each place where two
texts differ is decided by how probable either makes the whole in both hearings together.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import cache

from voicelive_agent.emulator.stt.moonshine.model import Decoding, MoonshineModel

MOST_PLACES = 4
"""Texts that differ in more places have too little in common; and each takes two runs more. With
the other's only place in it, a text is the other one."""
CLEARLY = 0.4
"""By so much, as a logarithm, a place of the other text is more probable. Less is no difference:
the model's weights are rounded, and how much is scored at a time changes it by tenths."""
AGREED = 0.69
"""A sentence was said if a token of what both hearings make of it is so probable, on average over
both, though neither alone is believed. Of 135 sentences in other languages the most was 0.672, of
320 noises and shouts 0.615."""


def agree(model: MoonshineModel, decodings: Sequence[Decoding], texts: Sequence[str]) -> str:
    """The most probable text: one of two, or one with places of the other."""

    @cache
    def score(text: str) -> float:
        return sum(model.score(one, text) for one in decodings)

    better, other = sorted(texts, key=score, reverse=True)
    words = better.split()
    places = list(_find_differences(words, other.split()))
    if not 1 < len(places) <= MOST_PLACES:
        return better
    for start, end, replacement in reversed(places):
        tried = [*words[:start], *replacement, *words[end:]]
        if score(" ".join(tried)) > score(" ".join(words)) + CLEARLY:
            words = tried
    return " ".join(words)


def differ(one: str, other: str) -> bool:
    """Whether there is anything to decide: case and punctuation are not."""
    return _fold(one.split()) != _fold(other.split())


def _find_differences(
    words: Sequence[str], others: Sequence[str]
) -> Iterator[tuple[int, int, Sequence[str]]]:
    """Where the first words end and begin to differ, and what the others have in that place."""
    matcher = SequenceMatcher(None, _fold(words), _fold(others), autojunk=False)
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        if kind != "equal":
            yield start, end, others[other_start:other_end]


def _fold(words: Sequence[str]) -> list[str]:
    return [re.sub(r"\W", "", word).lower() for word in words]
