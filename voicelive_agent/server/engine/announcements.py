"""Announcements: what an agent says of its own accord, to a caller who has a call open.

::

    tool or background task ──announce──▶ the open call ──▶ its wire asks to speak
                                                      ◀── admitted: a turn of its own, with the
                                                          text; or dropped

Only the Bridge can carry them. A call is found by its conversation's key, so a task that outlives
its turn needs no more than that turn.
"""

import logging
from collections.abc import AsyncIterator
from typing import Protocol

from voicelive_agent.agent import Output, Turn
from voicelive_agent.server.conversations import ConversationKey

logger = logging.getLogger(__name__)

DEFAULT_WAIT_MS = 5000
MAX_WAIT_MS = 60_000


class Announcement:
    """The agent of a turn that says one text."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        yield self._text


class OpenCall(Protocol):
    """A call whose wire can carry announcements."""

    async def announce(self, text: str, *, supersede_key: str | None, wait_ms: int) -> bool:
        """Whether it was admitted and said."""
        ...


_open: dict[ConversationKey, OpenCall] = {}


def open_call(key: ConversationKey, call: OpenCall) -> None:
    """From now on this conversation's announcements go to ``call``."""
    _open[key] = call


def close_call(key: ConversationKey, call: OpenCall) -> None:
    """``call`` has ended; one that took its place stays."""
    if _open.get(key) is call:
        del _open[key]


async def announce(
    turn: Turn, text: str, *, supersede_key: str | None = None, wait_ms: int = DEFAULT_WAIT_MS
) -> bool:
    """Say ``text`` to the caller of ``turn``, whose answer may be long over.

    Waits until the caller and the agent are silent, ``wait_ms`` (1 to 60,000) at most; a later
    announcement with the same ``supersede_key`` takes the place of one that still waits. Returns
    whether it was said: not where the call has ended, somebody spoke for too long, or its wire is
    not the Bridge. Raises ValueError for an empty text or a wrong ``wait_ms``.
    """
    if not text or text.isspace():
        raise ValueError("an announcement needs words")
    if not 1 <= wait_ms <= MAX_WAIT_MS:
        raise ValueError(f"wait_ms is a number from 1 to {MAX_WAIT_MS}, in ms")
    call = _open.get(ConversationKey(turn.user_id, turn.session_id))
    if call is None:
        logger.warning(
            "an announcement was not said: its call has ended, or is not over the Bridge"
            " (VOICELIVE_WIRES): session %s",
            turn.session_id,
        )
        return False
    return await call.announce(text, supersede_key=supersede_key or None, wait_ms=wait_ms)
