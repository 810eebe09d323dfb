"""A model agent that runs, and what its model was told."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.frameworks.openai_server import OpenAIServer
from voicelive_agent.frameworks import LoadedAgent, load_agent

Configure = Callable[..., None]
"""Sets variables of the environment beside those that name the model server."""


@asynccontextmanager
async def running(agent: Any = None) -> AsyncIterator[LoadedAgent]:
    agent = agent or load_agent("model")
    await agent.start()
    try:
        yield agent
    finally:
        await agent.stop()


def read_instructions(server: OpenAIServer, request: int = 0) -> str:
    return json.dumps(server.requests[request].body, ensure_ascii=False)
