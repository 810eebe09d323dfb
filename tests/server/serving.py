"""An application on a real socket: uvicorn in this process, on a free port."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from voicelive_agent.agent import Agent
from voicelive_agent.server.app import create_app
from voicelive_agent.server.settings import Settings


@contextlib.asynccontextmanager
async def serve(app: Starlette, *, root_path: str = "", **options: Any) -> AsyncIterator[str]:
    """The application's URL while it is being served; ``options`` are uvicorn's."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        root_path=root_path,
        log_config=None,
        access_log=False,
        **options,
    )
    server = uvicorn.Server(config)
    # Not serve(): that would take the signals of the process that runs the tests.
    task = asyncio.create_task(server._serve())
    while not server.started:
        if task.done():
            task.result()
            raise RuntimeError("the server did not start")
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def serve_agent(agent: Agent, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an agent server that runs ``agent``."""
    app = create_app(agent, Settings(conversations="memory:", **settings))
    async with serve(app) as url, httpx.AsyncClient(base_url=url, timeout=10) as client:
        yield client


def read_events(body: str) -> list[dict[str, Any]]:
    """The JSON objects of a stream; asserts the framing that Voice Live needs."""
    frames = body.split("\n\n")
    assert frames.pop() == ""
    events = []
    for frame in frames:
        if not frame.startswith(":"):
            assert frame.startswith("data: "), frame
            assert "\n" not in frame, frame
            events.append(json.loads(frame.removeprefix("data: ")))
    return events
