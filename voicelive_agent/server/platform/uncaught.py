"""Uncaught errors: what an agent's own tasks and threads raise, logged as all else is.

asyncio would quote the exception and the arguments of a callback in its message, and Python prints
the rest past all logging; any of it can repeat what was said (``server.platform.logs``).
"""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from voicelive_agent.server.platform.logs import describe_error
from voicelive_agent.server.settings import Settings, SettingsError, load_settings

logger = logging.getLogger(__name__)

_ACCEPT_FAILURE_SECONDS = 10.0
_accept_failed_at = float("-inf")


@contextmanager
def log_uncaught() -> Iterator[None]:
    """Take over from the handlers of asyncio and Python; those that others have set stay."""
    loop = asyncio.get_running_loop()
    if loop.get_exception_handler() is None:
        loop.set_exception_handler(_log_from_loop)
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _log_from_thread
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _log_unraisable
    try:
        yield
    finally:
        if loop.get_exception_handler() is _log_from_loop:
            loop.set_exception_handler(None)
        if threading.excepthook is _log_from_thread:
            threading.excepthook = threading.__excepthook__
        if sys.unraisablehook is _log_unraisable:
            sys.unraisablehook = sys.__unraisablehook__


def explain_uncaught() -> None:
    """What ends the process is told like all else: shortly, with the place in the author's code.

    Python's own hook would print every frame of the server that imported the author's module.
    """
    if sys.excepthook is sys.__excepthook__ and not hasattr(sys, "ps1"):
        sys.excepthook = _print_uncaught


def _print_uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if not isinstance(error, Exception):
        sys.__excepthook__(kind, error, traceback)
        return
    sys.stderr.write(f"{describe_error(error, _find_settings())}\n")


def _find_settings() -> Settings:
    try:
        return load_settings()
    except SettingsError:
        # They may be what the error is about. Nothing is shown that was not asked for.
        return Settings.model_construct(host=os.environ.get("VOICELIVE_HOST", ""))


def _log_from_loop(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    global _accept_failed_at
    if "socket" in context and "exception" in context:
        # Said for each place of the listener's queue, 2048 times for one failure.
        if loop.time() - _accept_failed_at < _ACCEPT_FAILURE_SECONDS:
            return
        _accept_failed_at = loop.time()
    task = context.get("task") or context.get("future")
    # A callback is told with its arguments, a task with its result.
    what = "a callback failed" if "handle" in context else context.get("message")
    name = _name(task.get_coro()) if isinstance(task, asyncio.Task) else ""
    logger.error("%s: %s", what, name or "-", exc_info=context.get("exception"))


def _log_from_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit:
        name = args.thread.name if args.thread is not None else "-"
        logger.error("a thread failed: %s", name, exc_info=args.exc_value)


def _log_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    message = unraisable.err_msg or "an exception was ignored in"
    logger.error("%s: %s", message, _name(unraisable.object), exc_info=unraisable.exc_value)


def _name(what: object) -> str:
    return getattr(what, "__qualname__", type(what).__qualname__)
