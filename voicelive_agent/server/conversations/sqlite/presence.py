"""Presence of processes: how those that share a database on one machine know which of them live.

Each holds a lock on a file of its own beside the database. The kernel gives the lock up when the
process ends, however it ends, so there is no waiting for a lease and no trust in clocks.
"""

import os
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


# A change of the directory so long ago has another time than the next one, on any file system.
_SETTLED_NS = 2_000_000_000


class Presence:
    """This process among those that use ``database``. ``owner`` is its name in the rows."""

    def __init__(self, database: Path) -> None:
        self.owner = uuid.uuid4().hex
        self._database = database
        self._directory = str(database.parent)
        self._descriptor: int | None = None
        self._changed_ns = 0
        self._alone: bool | None = None

    def declare(self) -> None:
        """Show that this process lives, and tidy up after those that don't. Raises OSError."""
        if self._descriptor is not None:
            return
        path = self._path(self.owner)
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            with suppress(OSError):  # A file system without locks: others take us for dead.
                _lock(descriptor)
            # Another process may have tidied the file away before it was locked.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    break
            os.close(descriptor)
        self._descriptor = descriptor
        prefix = self._path("").name
        for name in os.listdir(self._database.parent):
            if name.startswith(prefix):
                self.is_alive(name.removeprefix(prefix))

    def withdraw(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                self._path(self.owner).unlink()
            os.close(self._descriptor)
            self._descriptor = None

    def look(self) -> int | None:
        """A number that stays the same for as long as no other process has used the database.

        None while one does, or where that is not certain. Costs one ``stat``: who comes or goes
        makes or removes a file in the directory.
        """
        try:
            changed_ns = os.stat(self._directory).st_mtime_ns
            if changed_ns != self._changed_ns:
                self._changed_ns, self._alone = changed_ns, None
            if time.time_ns() - changed_ns < _SETTLED_NS:
                return None
            if self._alone is None:
                own, prefix = self._path(self.owner).name, self._path("").name
                names = os.listdir(self._directory)
                self._alone = own in names and not any(
                    name.startswith(prefix) and name != own for name in names
                )
        except OSError:
            return None
        return changed_ns if self._alone else None

    def is_alive(self, owner: str) -> bool:
        """Whether the process with this name runs; the file of a dead one is removed."""
        if owner == self.owner:
            return True
        path = self._path(owner)
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        try:
            _lock(descriptor)
        except OSError:
            return True
        else:
            with suppress(OSError):
                path.unlink()
            return False
        finally:
            os.close(descriptor)

    def _path(self, owner: str) -> Path:
        return self._database.with_name(f"{self._database.name}-process-{owner}")
