"""Moves what was committed from SQLite's write-ahead log into the database file.

That waits for the disk, for tenths of a second at times. On a thread and a connection of its own
it holds up no turn: committing needs the log only.
"""

import logging
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 5.0
LOG_PAGES = 8_000
"""So long a log is moved by the next commit itself: writing went on without any pause."""


class Checkpoints:
    """The thread. ``request`` it after a commit; those that follow soon are one."""

    def __init__(self, path: Path) -> None:
        self._address = f"file:{quote(str(path))}?mode=rw"
        self._requested = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopped.clear()
        self._thread = threading.Thread(target=self._work, name="checkpoints", daemon=True)
        self._thread.start()

    def request(self) -> None:
        if not self._requested.is_set():
            self._requested.set()

    def stop(self) -> None:
        """Wait for the checkpoint in progress; closing the database makes the last one."""
        if self._thread is not None:
            self._stopped.set()
            self._requested.set()
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while True:
            self._requested.wait()
            if self._stopped.wait(_PAUSE_SECONDS):
                return
            self._requested.clear()
            try:
                with closing(sqlite3.connect(self._address, uri=True)) as connection:
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            except sqlite3.Error as error:
                # The store's own work will meet the same trouble, and tell.
                logger.debug("no checkpoint: %s", error)
