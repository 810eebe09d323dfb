"""Line of a conversation: the turns that a turn goes on from, as its agent is told of them.

Most conversations are one line. Where a caller goes on from an earlier answer than the newest, each
turn says which one it follows, and what was said on other lines is not told.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence

from voicelive_agent.agent import PastTurn, TurnKind
from voicelive_agent.server.conversations import TurnRecord


def choose_line(turns: Sequence[TurnRecord], follows: int | None) -> list[TurnRecord]:
    """Of a conversation's turns, oldest first, those that lead to the one with ``sequence``
    ``follows``; without one all of them."""
    if follows is None:
        return list(turns)
    line = []
    for turn in reversed(turns):
        if turn.sequence <= follows:
            line.append(turn)
            follows = turn.sequence - 1 if turn.follows is None else turn.follows
    return line[::-1]


def recall(
    line: Sequence[TurnRecord], known: dict[int, PastTurn] | None = None
) -> Iterator[PastTurn]:
    """Stored turns as an agent is told of them.

    All but the newest stay as they are, so what is told of them is kept in ``known`` for the next
    turn: with 50 turns of history that saves a sixth of the event loop's work of a turn.
    """
    known = {} if known is None else known
    newest = len(line) - 1
    for at, record in enumerate(line):
        if record.told:
            yield from recall_told(record.told)
        past = known.get(record.sequence)
        if past is None or past.notes or past.action is not None:
            # An agent may have changed what it was given: those are made anew.
            past = _recall(record)
            if at != newest:
                known[record.sequence] = past
        yield past


def recall_told(told: Iterable[tuple[str, str]]) -> Iterator[PastTurn]:
    """Likewise those that a request brought along, as (said, answered)."""
    for said, answered in told:
        kind: TurnKind = "speech" if said else "greeting"
        yield PastTurn(kind, said, None, answered, interrupted=False, notes={})


def _recall(past: TurnRecord) -> PastTurn:
    is_cut = past.heard_is_known and past.heard is not None
    return PastTurn(
        kind=past.kind,
        text=past.text,
        action=copy.deepcopy(past.action),
        reply=past.heard or "" if is_cut else past.reply,
        interrupted=past.interrupted,
        notes=copy.deepcopy(past.notes),
        heard=past.heard,
        heard_is_known=past.heard_is_known,
        cut=is_cut or past.status == "cancelled",
        ending=past.reason,
    )
