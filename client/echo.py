"""Tells the agent's own voice, picked up by the microphone, from a person who interrupts."""

import re

WORDS_MIN = 2
SHARE_MIN = 0.7


def sounds_like(heard: str, spoken: str) -> bool:
    """Whether ``heard`` is for the most part a stretch of ``spoken``, in its order."""
    said = _words(spoken)
    words = _words(heard)
    if len(words) < WORDS_MIN:
        return False
    best = 0
    for start in range(len(said)):
        found, position = 0, start
        for word in words:
            # A recogniser drops a word here and there.
            near = said[position : position + 3]
            if word in near:
                position += near.index(word) + 1
                found += 1
        best = max(best, found)
    return best / len(words) >= SHARE_MIN


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
