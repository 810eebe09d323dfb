"""Tasks of one session: each is known, and joined before the session is gone."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)


class SessionTasks:
    """Tasks that end with the session; one that fails is logged without what was said."""

    def __init__(self, on_failed: Callable[[], None]) -> None:
        """``on_failed`` is called when a task ends with an exception."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._on_failed = on_failed

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finish)
        return task

    async def stop(self) -> None:
        """Cancel all tasks and wait until each has ended."""
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._tasks.difference_update(tasks)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("The task %s failed.", task.get_name(), exc_info=error)
            self._on_failed()
