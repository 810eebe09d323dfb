"""The name that a table is booked under."""

import datetime as dt
from collections.abc import Sequence

from examples.front_desk import vocabulary
from examples.front_desk.when import read_date
from examples.front_desk.words import read_number, stands, word_set

_BEFORE = (
    ("under", "the", "name", "of"),
    ("in", "the", "name", "of"),
    ("on", "the", "name", "of"),
    ("under", "the", "name"),
    ("the", "name", "is"),
    ("my", "name", "is"),
    ("surname", "is"),
    ("name", "is"),
    ("name", "of"),
    ("under", "name"),
    ("the", "name's"),
    ("my", "name's"),
    ("my", "names"),
    ("the", "name", "to"),
    ("the", "name"),
    ("last", "name"),
    ("name's",),
    ("call", "me"),
    ("name", "to"),
    ("name",),
    ("under",),
)
_BEFORE_IN_AN_ANSWER = (
    *_BEFORE,
    ("put", "it", "under"),
    ("i", "said"),
    ("that", "would", "be"),
    ("it", "is"),
    ("this", "is"),
    ("i", "am"),
    *((word,) for word in sorted(word_set("it's its i'm that's for just name mr mrs mister yes"))),
)
_NEVER = word_set(
    """
    a an the at on for and or in to of by is are was it its it's i i'm im am we we're you your my
    me us please thanks thank under name tomorrow today tonight table tables party people yes yeah
    no not nope okay ok sure want need would like can could what when where why how who which do
    does did have has had book cancel change make that this just with so good hello hi hey bye
    goodbye there then now actually sorry booking reservation dinner lunch if whether but because
    calling looking wondering going trying hungry done finished fine great really still here late
    early sir madam dont don't know nothing something anything everything weather open hours menu
    repeat again stop help wait pardon hang instead forget keep parking address
    correct right wrong perfect exactly true too early much many bad cold warm nope nah
    inside outside indoors outdoors window terrace patio same evening afternoon morning night
    later earlier more less hold ahead person guests outdoor change switch also maybe
    """
)
_LONGEST_SPELLED = 20
_MOST_WORDS = 4
_RESTARTS = word_set("no nope nah actually sorry wait")
_BEFORE_A_CORRECTION = (*_BEFORE, ("it's",), ("its",), ("it", "is"), ("i", "said"))
_KNOWN = (*vocabulary.TOPICS.values(), vocabulary.YES, vocabulary.NO)


def read_name(words: Sequence[str], at: int, today: dt.date) -> tuple[str, int] | None:
    """The name at ``at``, after words that announce one, and where it ends."""
    for phrase in _BEFORE:
        if stands(phrase, words, at):
            return _read_name_words(words, at + len(phrase), today)
    return None


def read_name_at_end(words: Sequence[str], at: int, today: dt.date) -> str | None:
    """The name with which a sentence ends that has said all the rest of a table."""
    rest = [word for word in words[at:] if word not in ("please", "thanks")]
    while rest and rest[0] in ("for", "it's", "its", "and", "i'm"):
        rest = rest[1:]
    if not 1 <= len(rest) <= _MOST_WORDS or any(one.search(" ".join(rest)) for one in _KNOWN):
        return None
    found = _read_name_words(rest, 0, today)
    return found[0] if found and found[1] == len(rest) else None


def read_corrected_name(words: Sequence[str], today: dt.date) -> str | None:
    """The name in ``no, it's Kowalski with a K``; None where the words can mean anything else."""
    at = _after_restart(words)
    if not any(stands(phrase, words, at) for phrase in _BEFORE_A_CORRECTION):
        return None
    spelled = next(
        (one for one in range(at, len(words)) if stands(("with", "a"), words, one)), len(words)
    )
    return read_name_as_answer(words[at:spelled], today)


def _after_restart(words: Sequence[str]) -> int:
    """Where what was meant begins, after a slip of the tongue."""
    return max((at + 1 for at, word in enumerate(words) if word in _RESTARTS), default=0)


def read_name_as_answer(words: Sequence[str], today: dt.date) -> str | None:
    """The name, where all of ``words`` can be the answer to a question for one."""
    at = _after_restart(words)
    while phrase := next((one for one in _BEFORE_IN_AN_ANSWER if stands(one, words, at)), None):
        at += len(phrase)
    found = _read_name_words(words, at, today)
    if not found:
        return None
    name, end = found
    return name if all(word in ("please", "thanks", "sir") for word in words[end:]) else None


def _read_name_words(words: Sequence[str], at: int, today: dt.date) -> tuple[str, int] | None:
    """Some words, or letters that spell one."""
    end = at
    while end < len(words) and len(words[end]) == 1 and words[end].isalpha():
        end += 1
    if 3 <= end - at <= _LONGEST_SPELLED:
        return "".join(words[at:end]).capitalize(), end
    end = at
    while end < len(words) and end < at + _MOST_WORDS and _may_be_name(words, end, today):
        end += 1
    name = " ".join(word.capitalize() for word in words[at:end])
    return (name[:40], end) if name else None


def _may_be_name(words: Sequence[str], at: int, today: dt.date) -> bool:
    word = words[at]
    return (
        word not in _NEVER
        and word[0].isalpha()
        and not read_number(words, at)
        and not read_date(words, at, today)
    )
