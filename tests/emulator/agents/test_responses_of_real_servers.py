"""The emulator calls agents over the Responses protocol: our server's, and Microsoft's host's."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.serving import serve
from voicelive_agent.agent import Turn
from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerError,
    AnswerFinished,
    TextDelta,
    TextDone,
)
from voicelive_agent.emulator.agents.responses import ResponsesBackend, ResponsesSession
from voicelive_agent.server.app import create_app
from voicelive_agent.server.settings import Settings


async def ask(session: ResponsesSession, text: str) -> list[AgentEvent]:
    kind: Any = "speech" if text else "greeting"
    return [event async for event in session.answer(AgentRequest(kind, text))]


def join(events: list[AgentEvent]) -> str:
    """The text of an answer that ended as it should, without a word of complaint."""
    *deltas, done, finished = events
    assert isinstance(done, TextDone)
    assert isinstance(finished, AnswerFinished)
    assert (finished.breaches, finished.warnings) == ((), ())
    assert all(isinstance(delta, TextDelta) for delta in deltas)
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


async def reply(turn: Turn) -> AsyncIterator[str]:
    if turn.text == "fail":
        raise RuntimeError("secret")
    yield f"{turn.text or turn.kind}, "
    yield f"after {len(turn.history)}"


async def test_our_server_is_spoken_to_as_voice_live_would() -> None:
    app = create_app(reply, Settings(conversations="memory:", wires="responses"))
    async with serve(app) as url:
        backend = ResponsesBackend(url)
        await backend.start()
        try:
            session = backend.open_session("s1")
            assert join(await ask(session, "")) == "greeting, after 0"
            assert join(await ask(session, "hello")) == "hello, after 1"
            assert join(await ask(backend.open_session("s2"), "other")) == "other, after 0"
            with pytest.raises(AnswerError, match="server_error"):
                await ask(session, "fail")
            assert join(await ask(session, "again")) == "again, after 3"
        finally:
            await backend.stop()


@pytest.mark.filterwarnings("ignore")
async def test_microsofts_host_is_spoken_to_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTSERVER_STATE_ROOT", str(tmp_path))
    from azure.ai.agentserver.responses import ResponsesAgentServerHost, TextResponse

    host = ResponsesAgentServerHost(configure_observability=None)

    @host.response_handler
    async def handle(request: Any, context: Any, _: Any) -> Any:
        async def answer() -> AsyncIterator[str]:
            if await context.get_input_text() == "fail":
                raise RuntimeError("secret")
            yield "after "
            yield str(len(await context.get_history()))

        return TextResponse(context, request, text=answer())

    async with serve(host) as url:
        backend = ResponsesBackend(url)
        await backend.start()
        try:
            session = backend.open_session("s1")
            assert join(await ask(session, "hello")) == "after 0"
            assert join(await ask(session, "again")) == "after 2"
            with pytest.raises(AnswerError, match="server_error"):
                await ask(session, "fail")
        finally:
            await backend.stop()
