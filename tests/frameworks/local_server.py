"""Serves an ASGI application on 127.0.0.1, inside the test's own event loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import uvicorn


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """A server inside a test leaves the process's signals alone."""
        yield


@contextlib.asynccontextmanager
async def serve(
    app: Any, *, port: int = 0, lifespan: Literal["on", "off"] = "off"
) -> AsyncIterator[str]:
    """The URL of the served application, without a slash at its end; port 0 is a free one."""
    config = uvicorn.Config(
        app,
        port=port,
        log_level="critical",
        lifespan=lifespan,
        ws="none",
        # A busy machine takes seconds between two requests of one client.
        timeout_keep_alive=600,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.force_exit = server.should_exit = True
        await task
