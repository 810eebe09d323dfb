"""Heard text: what a caller has heard of an answer, as a wire tells it or as it is estimated.

Voice Live tells an Invocations agent nothing about playback, and text is sent faster than it is
spoken. What is known is when each piece of text was delivered and when the caller spoke next. An
estimate takes nothing away from the history: it only marks where the interruption probably was.
``python -m benchmarks.heard`` compares the estimate with what was really played.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate, pairwise
from unicodedata import east_asian_width

from voicelive_agent.agent import TurnKind
from voicelive_agent.server.conversations import TurnRecord
from voicelive_agent.server.engine.ending import read_ending
from voicelive_agent.server.engine.events import SpeakingRate
from voicelive_agent.wire.punctuation import (
    CLAUSE_ENDS,
    EN_DASH,
    LONG_DASHES,
    SENTENCE_ENDS,
    WIDE_CLAUSE_ENDS,
    WIDE_SENTENCE_ENDS,
)

# What takes longer to say than to read, in letters: the pause after a sentence or a clause, and
# a sign that is a word of its own (a digit; Han, kana, Hangul).
_SENTENCE_PAUSE = 8.0
_CLAUSE_PAUSE = 4.0
_SIGN = 5.0
_SENTENCE_ENDS = frozenset(SENTENCE_ENDS)
_CLAUSE_ENDS = frozenset(CLAUSE_ENDS + EN_DASH + LONG_DASHES)
_WIDE_PAUSES = {
    **dict.fromkeys(WIDE_SENTENCE_ENDS, 1 + _SENTENCE_PAUSE),
    **dict.fromkeys(WIDE_CLAUSE_ENDS, 1 + _CLAUSE_PAUSE),
}
# Text is spoken by clauses: up to a mark, or some words where there is none for long.
# What is no whole clause is spoken as well once the stream stands still.
_CLAUSE_MARKS = _SENTENCE_ENDS | _CLAUSE_ENDS | set(_WIDE_PAUSES)
_LONGEST_CLAUSE_CHARACTERS = 100
_STANDSTILL_MS = 500
# A quarter of an hour: who spoke later than that has heard it, and to weigh more holds up others.
_ESTIMATED_CHARACTERS = 16_384
# Nobody speaks so many times as fast as an agent does.
_HASTE = 2.0


def note_known(record: TurnRecord, heard: str) -> TurnRecord:
    """Put down what a wire told of ``record``: no more than ``heard`` was heard of its reply."""
    record.heard_is_known = True
    if heard.strip() != record.reply.strip():
        record.heard = heard
        record.interrupted = True
    return record


def note_heard(
    rate: SpeakingRate, record: TurnRecord, next_record: TurnRecord
) -> TurnRecord | None:
    """Estimate what was heard of ``record``, now that its caller spoke again.

    Returns it when that is less than was delivered, changed accordingly; None also where no
    speech is possible: for a reply that was delivered to a screen (it has no ``marks``), for
    what is no speech, and for what came sooner than anybody can say it.
    """
    unknown = record.heard is None and not record.heard_is_known
    if not (rate.characters_per_second and unknown and record.marks):
        return None
    arrived_ms = 1000 * (next_record.started_at - record.started_at)
    if next_record.kind != "speech" or not _can_be_spoken(rate, arrived_ms, next_record.text):
        return None
    onset_ms = estimate_onset_ms(rate, arrived_ms, next_record.kind, next_record.text)
    if record.ended_at is not None and read_ending(record.reason).is_abrupt:
        onset_ms = min(onset_ms, 1000 * (record.ended_at - record.started_at))
    heard = estimate_heard(rate, record.reply, record.marks, onset_ms)
    if heard is None:
        return None
    record.heard = heard
    record.interrupted = True
    return record


def _can_be_spoken(rate: SpeakingRate, arrived_ms: float, text: str) -> bool:
    """Whether ``text`` can have been said after the turn before it began.

    That turn began when its caller had been silent for a while already, so what is spoken begins
    no sooner than shortly before it.
    """
    hasty = replace(rate, characters_per_second=_HASTE * rate.characters_per_second)
    onset_ms = estimate_onset_ms(hasty, arrived_ms, "speech", text)
    return onset_ms >= -rate.end_of_turn_ms / 2


def estimate_onset_ms(rate: SpeakingRate, arrived_ms: float, kind: TurnKind, text: str) -> float:
    """When the caller began the turn that arrived at ``arrived_ms``: speaking takes time."""
    if kind != "speech":
        return arrived_ms
    letters = sum(_weigh(text.rstrip()))
    return arrived_ms - rate.end_of_turn_ms - 1000 * letters / rate.characters_per_second


def estimate_heard(
    rate: SpeakingRate, reply: str, marks: Sequence[tuple[int, int]], until_ms: float
) -> str | None:
    """The part of ``reply`` spoken before ``until_ms``, cut after a whole word.

    ``marks`` are (ms, characters so far) of the delivery, ascending. None means all of it.
    """
    ms_per_letter = 1000 / rate.characters_per_second
    reply = reply[:_ESTIMATED_CHARACTERS]
    letters = list(accumulate(_weigh(reply), initial=0.0))
    spoken_until_ms = marks[0][0] + rate.start_ms if marks else rate.start_ms
    spoken = 0
    released = [(ms, min(at, len(reply))) for ms, at in marks or [(0, len(reply))]]
    for released_ms, characters in _release(reply, released, until_ms):
        starts_ms = max(spoken_until_ms, float(released_ms))
        spoken_until_ms = starts_ms + (letters[characters] - letters[spoken]) * ms_per_letter
        if spoken_until_ms > until_ms:
            reached = letters[spoken] + (until_ms - starts_ms) / ms_per_letter
            end = bisect_right(letters, reached, lo=spoken + 1, hi=characters + 1) - 1
            return _cut_after_word(reply, end)
        spoken = characters
    return None if spoken >= len(reply) else _cut_after_word(reply, spoken)


def _release(
    reply: str, marks: Sequence[tuple[int, int]], until_ms: float
) -> Iterator[tuple[int, int]]:
    """When how many characters could be spoken: by clauses, and what stands still as it is."""
    released = 0
    next_marks_ms = [*(ms for ms, _ in marks[1:]), until_ms]
    for (delivered_ms, characters), next_ms in zip(marks, next_marks_ms, strict=True):
        end = characters
        if next_ms - delivered_ms < _STANDSTILL_MS:
            end = _last_clause_end(reply, released, characters)
        yield delivered_ms, end
        released = end


def _last_clause_end(text: str, start: int, end: int) -> int:
    """Where the last clause within ``start`` and ``end`` ends; ``start`` where there is none."""
    for at in range(end, start, -1):
        if text[at - 1] in _CLAUSE_MARKS:
            return at
    return end if end - start >= _LONGEST_CLAUSE_CHARACTERS else start


def _weigh(text: str) -> list[float]:
    """How long each character takes to say, in letters."""
    return [_weigh_after(before, char) for before, char in pairwise(" " + text)]


# Answers are made of few pairs of signs: looked up, each costs a fifth.
@lru_cache(maxsize=8_192)
def _weigh_after(before: str, char: str) -> float:
    if char.isspace():
        pause = _SENTENCE_PAUSE if before in _SENTENCE_ENDS else 0.0
        return 1 + (_CLAUSE_PAUSE if before in _CLAUSE_ENDS else pause)
    if char.isascii():
        return _SIGN if char.isdigit() else 1.0
    return _WIDE_PAUSES.get(char) or (_SIGN if east_asian_width(char) in "WF" else 1.0)


def _cut_after_word(text: str, characters: int) -> str:
    """The longest start of ``text`` within ``characters`` that ends at the end of a word."""
    ends = range(min(characters, len(text)), 0, -1)
    return text[: next((end for end in ends if _ends_word(text, end)), 0)].rstrip()


def _ends_word(text: str, end: int) -> bool:
    """Whether a word ends before ``end``; scripts without spaces may be cut at every sign."""
    last = text[end - 1]
    is_sign = not last.isascii() and east_asian_width(last) in "WF"
    return end == len(text) or text[end].isspace() or (is_sign and not "가" <= last <= "힣")
