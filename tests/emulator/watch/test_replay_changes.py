"""What a replay changed, word by word."""

import random

import pytest

from voicelive_agent.emulator.watch.replay_changes import compare_words


def spell(before: str, now: str) -> list[str]:
    signs = {"same": "", "gone": "-", "new": "+"}
    return [signs[kind] + text for kind, text in compare_words(before.split(), now.split())]


@pytest.mark.parametrize(
    ("before", "now", "pieces"),
    [
        ("we open at ten", "we open at  ten", ["we open at ten"]),
        ("", "", []),
        ("we open at ten", "we open at nine today", ["we open at", "-ten", "+nine today"]),
        ("a b c d", "b d", ["-a", "b", "-c", "d"]),
        ("", "new words", ["+new words"]),
        ("old words", "", ["-old words"]),
    ],
)
def test_words_are_the_same_gone_or_new_at_their_places(
    before: str, now: str, pieces: list[str]
) -> None:
    assert spell(before, now) == pieces


def test_each_side_can_be_read_back_from_the_pieces() -> None:
    chance = random.Random(7)
    for _ in range(500):
        before, now = ([chance.choice("abcd") for _ in range(chance.randrange(12))] for _ in "12")
        pieces = list(compare_words(before, now))
        for side, words in (("gone", before), ("new", now)):
            assert " ".join(text for kind, text in pieces if kind in ("same", side)) == " ".join(
                words
            )


def test_long_texts_are_compared_as_a_whole() -> None:
    long = " ".join(map(str, range(5000)))
    assert [piece[0] for piece in spell(long, f"{long} more")] == ["-", "+"]
    assert spell(long, long) == [long]
