"""Reload for ``dev``: starts, watches and replaces the agent server when its files change."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from voicelive_agent.dev.agent_server import AgentServer, AgentServerError
from voicelive_agent.dev.news import News
from voicelive_agent.dev.port_switch import Door
from voicelive_agent.dev.watched_files import watch_changes
from voicelive_agent.emulator.watch.feed import Feed
from voicelive_agent.listening import find_free_port

_BEGUN_S = 0.3
"""Within which a request that was passed on has begun, and is one of the turns that are ended."""
_SHOWN = 3
_TO_GO_ON = "save a file to try again"


class ReloadingAgent:
    """An agent server behind ``listener``. ``arguments`` are those of ``voicelive-agent serve``.

    ``news`` tell the developer what happens. Without ``directory``, nothing is reloaded, and the
    server's end is an error.
    """

    def __init__(
        self,
        listener: socket.socket,
        arguments: Sequence[str],
        news: News,
        directory: Path | None,
    ) -> None:
        self._door = Door(listener)
        self._arguments = arguments
        self._news = news
        self._directory = directory and directory.resolve()
        self._current: AgentServer | None = None
        self._retiring: set[AgentServer] = set()

    @contextlib.asynccontextmanager
    async def running(self, feed: Feed) -> AsyncIterator[None]:
        """The agent, which starts meanwhile, until the context ends. Raises AgentServerError.

        ``feed`` is told what happens, too.
        """
        self._news.feed = feed
        try:
            async with self._door.serving(), asyncio.TaskGroup() as group:
                run = group.create_task(self._run(group))
                try:
                    yield
                finally:
                    run.cancel()
                    await self._stop()
        except BaseExceptionGroup as errors:
            failed, others = errors.split(AgentServerError)
            if failed is not None and others is None:
                raise AgentServerError(str(failed.exceptions[0])) from errors
            if len(errors.exceptions) == 1:
                # What runs beside the agent failed: its own error says what to do.
                raise errors.exceptions[0] from None
            raise

    async def _run(self, group: asyncio.TaskGroup) -> None:
        await self._replace(group)
        if self._directory is None:
            return
        async for names in watch_changes(self._directory):
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            anew = f"{', '.join(names[:_SHOWN])}{more} changed: the agent is started anew"
            self._news.tell("starting", anew, names)
            if await self._replace(group):
                self._news.tell("ready", "the agent answers with the new code", names)

    async def _replace(self, group: asyncio.TaskGroup) -> bool:
        """Start a server with what the files say now; the one before stays where that fails."""
        await self._door.hold()
        server = AgentServer(find_free_port(), self._arguments, self._news.log)
        try:
            await server.start()
        except AgentServerError as error:
            await server.stop()
            await self._go_on(str(error))
            return False
        except BaseException:
            await server.stop()
            raise
        before, self._current = self._current, server
        await self._door.open_to(server.port)
        group.create_task(self._watch(server))
        if before is not None:
            self._retiring.add(before)
            group.create_task(self._retire(before))
        return True

    async def _go_on(self, error: str) -> None:
        if self._directory is None:
            raise AgentServerError(error)
        if self._current is None:
            self._news.tell("failed", f"{error}; {_TO_GO_ON}")
            await self._door.refuse(f"the agent doesn't run: {error}")
        else:
            before = "the code before it goes on answering"
            self._news.tell("failed", f"{error}; {before}: {_TO_GO_ON}")
            await self._door.open_to(self._current.port)

    async def _watch(self, server: AgentServer) -> None:
        """Tell of the end of a server that nobody asked to end."""
        code = await server.ended()
        if server is not self._current:
            return
        self._current = None
        ended = f"The agent server has ended with code {code}"
        if self._directory is None:
            raise AgentServerError(ended)
        self._news.tell("ended", f"{ended}: {_TO_GO_ON}")
        await self._door.refuse(f"{ended}: see the terminal of voicelive-agent dev")

    async def _retire(self, server: AgentServer) -> None:
        await asyncio.sleep(_BEGUN_S)
        await server.stop()
        self._retiring.discard(server)

    async def _stop(self) -> None:
        servers = {self._current, *self._retiring} - {None}
        self._current = None
        await asyncio.gather(*(server.stop() for server in servers if server is not None))
