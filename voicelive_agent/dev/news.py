"""News of the agent while developing: for the terminal, and for the feed of the emulator."""

import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from voicelive_agent.emulator.watch.feed import Feed

What = Literal["starting", "ready", "failed", "ended"]

_PLACE = re.compile(r"""([\w./\\~-]+\.py)(?::|"?,\ line\ )(\d+)""", re.VERBOSE)
_RECORD = re.compile(r"\d{4}-\d\d-\d\d \S+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) +(.*)")


class News:
    """``feed`` is None until the emulator runs: what happens before is for the terminal alone."""

    def __init__(self) -> None:
        self.feed: Feed | None = None
        self._level = "INFO"
        self._place: tuple[str | None, int | None] = (None, None)

    def tell(self, what: What, message: str, changed: Sequence[str] = ()) -> None:
        """Something happened to the agent; a failure is where the log last named a place."""
        if message:
            sys.stderr.write(f"dev: {message}\n")
            sys.stderr.flush()
        if what == "starting":
            self._place = (None, None)
        file, line = self._place if what in ("failed", "ended") else (None, None)
        if self.feed is not None:
            told = {"at": _now(), "what": what, "message": message, "changed": list(changed)}
            self.feed.add("agent", {**told, "file": file, "line": line})

    def log(self, text: str) -> None:
        """A line that the agent server wrote."""
        if (record := _RECORD.fullmatch(text)) is not None:
            self._level, message = record[1], record[2]
        else:
            # Why that happened stands under it.
            message = text
        file, line = find_place(text)
        if file is not None:
            self._place = file, line
        if self.feed is not None and message.strip():
            told = {"at": _now(), "level": self._level, "message": message}
            self.feed.add("log", {**told, "file": file, "line": line})


def find_place(text: str) -> tuple[str | None, int | None]:
    """The last file and line that a text names, as Python and this project spell them."""
    found = _PLACE.findall(text)
    return (found[-1][0], int(found[-1][1])) if found else (None, None)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
