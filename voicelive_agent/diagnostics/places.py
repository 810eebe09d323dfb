"""Places in the author's code: files and lines that are no library's and not this project's own."""

import asyncio
import gc
import inspect
import linecache
import os
import sys
import sysconfig
import types
from collections.abc import AsyncGenerator, Coroutine, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeGuard

_OURS = str(Path(__file__).parents[1]) + os.sep
_STDLIB = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")})
_INSTALLED = ("site-packages", "dist-packages")
_MAX_DEPTH = 100
_MAX_TASKS_DEEP = 5
_MANY = 1000
"""More than this no agent waits for at once."""
_AWAITED = (Coroutine, AsyncGenerator, Generator, asyncio.Future)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, and the function that it is in (empty where that is not known)."""

    file: str
    line: int
    function: str = ""

    def __str__(self) -> str:
        within = "" if self.function in ("", "<module>") else f", in {self.function}"
        return f"{_shorten(self.file)}:{self.line}{within}"

    @property
    def source(self) -> str:
        """The line itself, without its indent; empty where the file can't be read."""
        return linecache.getline(self.file, self.line).strip()


@lru_cache(maxsize=1024)
def is_authors(file: str) -> bool:
    """Whether a file is the author's: none of a library, of Python or of this project."""
    if file.startswith(("<", _OURS, *_STDLIB)):
        return False
    return not any(part in _INSTALLED for part in Path(file).parts)


def find_places(error: BaseException) -> list[Place]:
    """The places of the author's code that an exception passed, the outermost first."""
    if isinstance(error, SyntaxError) and error.filename and is_authors(error.filename):
        return [Place(error.filename, error.lineno or 1)]
    frames: Iterable[tuple[types.FrameType, int]] = _walk(error.__traceback__)
    return [_place(frame, line) for frame, line in frames if _is_authors(frame)]


def find_place_of(frame: types.FrameType | None) -> Place | None:
    """The innermost place of the author's code on a stack that runs now."""
    while frame is not None and not _is_authors(frame):
        frame = frame.f_back
    return None if frame is None else _place(frame, frame.f_lineno)


def find_waiting(awaitable: Any) -> Place | None:
    """The innermost line of the author's at which a coroutine or async generator waits.

    Through tasks and threads as well, in which frameworks run tools.
    """
    return _find_waiting(awaitable, _MAX_TASKS_DEEP) or _find_in_workers()


def _find_waiting(awaitable: Any, tasks_deep: int) -> Place | None:
    found: Place | None = None
    holders: list[Any] = []
    for _ in range(_MAX_DEPTH):
        if awaitable is None or isinstance(awaitable, asyncio.Future):
            holders.append(awaitable)
            break
        frame = _first(awaitable, "cr_frame", "ag_frame", "gi_frame")
        if frame is not None and _is_authors(frame):
            found = _place(frame, frame.f_lineno)
            holders.clear()
        holders += () if frame is None else frame.f_locals.values()
        awaitable = _first(awaitable, "cr_await", "ag_await", "gi_yieldfrom") or _find_held(
            awaitable
        )
    if tasks_deep:
        for task in dict.fromkeys(task for holder in holders for task in _find_tasks(holder)):
            place = None if task.done() else _find_waiting(task.get_coro(), tasks_deep - 1)
            if place is not None:
                return place
    return found


def _find_held(awaitable: Any) -> Any:
    """What an awaitable of C waits for: the generator of an ``async for``, or a future."""
    if _first(awaitable, "cr_frame", "ag_frame", "gi_frame") is not None:
        return None
    held = gc.get_referents(awaitable)
    return next((one for one in held if isinstance(one, _AWAITED)), None)


def _find_in_workers() -> Place | None:
    """Where the author's code is in a thread of a pool, if that is one place only."""
    found = set()
    for frame in sys._current_frames().values():
        place = find_place_of(frame)
        if place is not None and any(_is_worker(one) for one in _list_callers(frame)):
            found.add(place)
    return found.pop() if len(found) == 1 else None


def _list_callers(frame: types.FrameType | None) -> Iterator[types.FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_worker(frame: types.FrameType) -> bool:
    """Whether a frame is that of a pool's thread: of concurrent.futures, or of anyio."""
    return frame.f_code.co_qualname in ("_worker", "WorkerThread.run")


def _find_tasks(holder: Any) -> Iterator[asyncio.Task[Any]]:
    """The tasks that a local variable, or what it names, leads to."""
    for value in (holder, *_members(holder)):
        values = [value, *value.values()] if isinstance(value, dict) else [value]
        for one in values:
            is_few = isinstance(one, list | tuple | set | dict) and len(one) <= _MANY
            yield from (task for task in (one, *(one if is_few else ())) if _is_task(task))


def _is_task(value: Any) -> TypeGuard[asyncio.Task[Any]]:
    return isinstance(value, asyncio.Task)


def _members(holder: Any) -> Iterable[Any]:
    """The attributes of an object that may run tasks: of one that gathers, groups or streams."""
    if isinstance(holder, asyncio.Future):
        return [getattr(holder, "_children", None)]
    return list(vars(holder).values()) if hasattr(holder, "__dict__") else ()


def _first(of: Any, *names: str) -> Any:
    """The first of these attributes that is there and something."""
    values = (getattr(of, name, None) for name in names)
    return next((value for value in values if value is not None), None)


def find_definition(of: Any) -> Place | None:
    """Where a function, a class or an object's class is written, if that is the author's code."""
    while isinstance(of, partial) or hasattr(of, "__wrapped__"):
        of = of.func if isinstance(of, partial) else of.__wrapped__
    code = getattr(getattr(of, "__func__", of), "__code__", None)
    if isinstance(code, types.CodeType):
        place = Place(code.co_filename, code.co_firstlineno, code.co_name)
        return place if is_authors(code.co_filename) else None
    kind = of if isinstance(of, type) else type(of)
    try:
        file, line = inspect.getsourcefile(kind), inspect.getsourcelines(kind)[1]
    except (OSError, TypeError):
        return None
    return Place(file, line, kind.__name__) if file and is_authors(file) else None


def _walk(traceback: types.TracebackType | None) -> Iterator[tuple[types.FrameType, int]]:
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next


def _is_authors(frame: types.FrameType) -> bool:
    return is_authors(frame.f_code.co_filename)


def _place(frame: types.FrameType, line: int) -> Place:
    return Place(frame.f_code.co_filename, line, frame.f_code.co_name)


def _shorten(file: str) -> str:
    """Relative to the working directory where the file is below it."""
    try:
        return str(Path(file).resolve().relative_to(Path.cwd()))
    except (OSError, ValueError):
        return file
