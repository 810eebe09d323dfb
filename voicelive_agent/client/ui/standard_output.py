"""Standard output that may be closed, full, or read by nobody any more."""

import sys
from typing import TextIO


class StandardOutput:
    """What is written when it can't be is lost, and nothing else: the conversation goes on.

    Whatever ``sys.stdout`` is at the time is written to: a prompt puts itself in its place.
    """

    encoding = "utf-8"

    def __init__(self) -> None:
        self._is_gone = False

    def write(self, text: str) -> int:
        stream = self._stream()
        if stream is not None:
            try:
                stream.write(text)
            except (OSError, ValueError):
                self._is_gone = True
        return len(text)

    def flush(self) -> None:
        stream = self._stream()
        if stream is not None:
            try:
                stream.flush()
            except (OSError, ValueError):
                self._is_gone = True

    def isatty(self) -> bool:
        stream = self._stream()
        return stream is not None and stream.isatty()

    def fileno(self) -> int:
        """Raises OSError where there is none."""
        stream = self._stream()
        if stream is None:
            raise OSError("standard output is closed")
        return stream.fileno()

    def _stream(self) -> TextIO | None:
        return None if self._is_gone else sys.stdout
