"""Cuts of a text into deltas, for tests of what is streamed."""

from itertools import pairwise


def cut(text: str, places: list[int]) -> list[str]:
    """The pieces of ``text`` between ``places``, which may be beyond its end."""
    ends = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[start:end] for start, end in pairwise(ends)]
