"""Invocations agents asked once, and what they answered."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from tests.emulator.agents.servers import Received, ServerScript, raw_server
from voicelive_agent.emulator.agents import AgentEvent, AgentRequest, TextDelta
from voicelive_agent.emulator.agents.invocations import InvocationsBackend

HELLO = (
    {"type": "output_audio_transcription.delta", "delta": "Hel"},
    {"type": "output_audio_transcription.delta", "delta": "lo."},
    {"type": "output_audio_transcription.done", "text": "Hello."},
    {"type": "done"},
)


@contextlib.asynccontextmanager
async def backend_at(url: str, **options: Any) -> AsyncIterator[InvocationsBackend]:
    backend = InvocationsBackend(url, **options)
    await backend.start()
    try:
        yield backend
    finally:
        await backend.stop()


async def ask(backend: InvocationsBackend, request: AgentRequest | str = "Hi") -> list[AgentEvent]:
    if isinstance(request, str):
        request = AgentRequest(text=request)
    session = backend.open_session("session-1")
    return [agent_event async for agent_event in session.answer(request)]


async def ask_script(
    script: ServerScript, request: AgentRequest | str = "Hi", **options: Any
) -> tuple[list[AgentEvent], list[Received]]:
    async with raw_server(script) as server, backend_at(server.url, **options) as backend:
        return await ask(backend, request), server.received


def text_of(agent_events: list[AgentEvent]) -> str:
    return "".join(
        agent_event.text for agent_event in agent_events if isinstance(agent_event, TextDelta)
    )
