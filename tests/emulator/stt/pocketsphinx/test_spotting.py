"""Words that sound like a phrase."""

from voicelive_agent.emulator.stt.pocketsphinx.spotting import Likeness, find_likenesses

PHONES = {
    "to": "T UW", "kinda": "K IH N D AH", "so": "S OW", "contoso": "K AA N T OW S OW",
    "speak": "S P IY K", "the": "DH AH", "table": "T EY B AH L", "have": "HH AE V",
    "book": "B UH K", "a": "AH", "for": "F AO R", "four": "F AO R",
}  # fmt: skip


def find(text: str, *phrases: str) -> list[Likeness]:
    wanted = [tuple(phrase.split()) for phrase in phrases]
    return find_likenesses(text.split(), wanted, lambda word: tuple(PHONES[word].split()))


def test_a_name_is_found_in_what_was_made_of_it() -> None:
    (found,) = find("speak to kinda so", "contoso")
    assert (found.start, found.end, found.phrase) == (2, 4, ("contoso",))


def test_what_was_heard_right_is_left_alone() -> None:
    assert find("speak to contoso", "contoso") == []


def test_shared_words_are_no_likeness() -> None:
    assert find("have the table", "book a table") == []


def test_short_phrases_are_not_looked_for() -> None:
    assert find("for the table", "four") == []


def test_a_phrase_with_a_homophone_in_it() -> None:
    (found,) = find("table for for", "table for four")
    assert (found.start, found.end, found.distance) == (0, 3, 0)


def test_the_likest_comes_first() -> None:
    assert [
        each.phrase for each in find("kinda so have table", "contoso", "a table", "table for four")
    ][:1] == [("contoso",)]


def test_nothing_was_said() -> None:
    assert find("", "contoso") == []
