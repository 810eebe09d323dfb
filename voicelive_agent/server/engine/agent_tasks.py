"""Tasks that an agent, or its framework, starts: an exit in one is no end of the server.

asyncio lets SystemExit and KeyboardInterrupt out of any task and out of the event loop. So a tool
that calls ``sys.exit``, which a framework runs in a task of its own, ended the server with all its
calls. In an agent's tasks both become an error like another.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar
from typing import Any

from voicelive_agent.diagnostics import ExplainedError

_in_agent: ContextVar[bool] = ContextVar("within an agent's run", default=False)

Step = Callable[..., Any]


def enter_agent() -> None:
    """From here on, the tasks that this one starts are an agent's."""
    _in_agent.set(True)


def guard_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Let no task of an agent end ``loop``; others are made as they were."""
    before = loop.get_task_factory()
    if isinstance(before, _Factory):
        return
    loop.set_task_factory(_Factory(before))


class _Factory:
    def __init__(self, before: Any) -> None:
        self._before = before

    def __call__(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Any,
        *,
        context: Context | None = None,
        **options: Any,
    ) -> Any:
        if context is not None:
            options["context"] = context
        in_agent = _in_agent.get() if context is None else context.get(_in_agent, False)
        if in_agent:
            work = _GuardedCoroutine(work)
        if self._before is not None:
            return self._before(loop, work, **options)
        return asyncio.Task(work, loop=loop, **options)


class _GuardedCoroutine(Coroutine[Any, Any, Any]):
    """A coroutine out of which neither of the two comes; else the one that it holds."""

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        self._work = work

    def __getattr__(self, name: str) -> Any:
        # Its frame and name, for whoever looks where it waits.
        return getattr(self._work, name)

    def send(self, value: Any) -> Any:
        return _guard(self._work.send, value)

    def throw(self, *error: Any) -> Any:
        return _guard(self._work.throw, *error)

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._work.__await__()


def _guard(step: Step, *arguments: Any) -> Any:
    try:
        return step(*arguments)
    except (SystemExit, KeyboardInterrupt) as error:
        raise ExplainedError("the agent tried to end the process", because=error) from error
