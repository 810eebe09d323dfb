"""What is used of libraries though they don't document it, and for which versions that was checked.

Where a version check fails after an upgrade: read what the library has changed in the places that
the test names, run the tests that are named, then raise the version here.
"""

import signal
from importlib.metadata import version

import pytest
import uvicorn
from packaging.specifiers import SpecifierSet
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from voicelive_agent.server.platform.connections import BoundedHttp


async def _app(scope: object, receive: object, send: object) -> None: ...


@pytest.mark.parametrize(
    ("package", "checked", "what_to_check"),
    [
        (
            "uvicorn",
            ">=0.54,<0.55",
            "HttpToolsProtocol's members that server/platform/connections.py names, and"
            " Server.capture_signals for drain.py; tests/server/platform/test_connections.py,"
            " test_slow_senders.py, test_descriptors.py, test_drain.py",
        ),
        (
            "openai-agents",
            ">=0.24,<0.25",
            "Handoff._agent_ref, by which frameworks/openai_agents.py finds who took over;"
            " tests/frameworks/test_openai_agents.py",
        ),
        (
            "pydantic-ai-slim",
            ">=2.68,<2.69",
            "Agent._instrument_default, by which telemetry/instrumentation.py sees an author's own"
            " choice; tests/server/platform/test_instrumentation.py. OpenAIChatModel's"
            " _streamed_response_cls and OpenAIStreamedResponse._validate_response, which"
            " model_agent/tool_call_deltas.py overrides;"
            " tests/model_agent/test_tool_call_deltas.py",
        ),
    ],
)
def test_the_installed_version_is_one_that_was_checked(
    package: str, checked: str, what_to_check: str
) -> None:
    assert SpecifierSet(checked).contains(version(package)), f"check {what_to_check}"


async def test_uvicorn_keeps_what_bounds_its_connections() -> None:
    """``BoundedHttp`` counts, times and answers by these."""
    config = uvicorn.Config(_app)
    config.load()
    state = ServerState()
    for protocol in (HttpToolsProtocol, BoundedHttp):
        connection = protocol(config, state, {})
        assert connection.connections is state.connections
        assert connection.cycle is None
        for name in ("on_message_begin", "on_headers_complete", "on_message_complete"):
            assert callable(getattr(connection, name))
    assert "send_400_response" in vars(HttpToolsProtocol)
    names = RequestResponseCycle.__init__.__code__.co_names
    assert {"more_body", "response_complete"} <= set(names)


def test_uvicorn_takes_signals_with_a_method_of_its_server() -> None:
    """``Drain`` asks the server to exit by what that method is bound to."""
    server = uvicorn.Server(uvicorn.Config(_app))
    with server.capture_signals():
        handler = signal.getsignal(signal.SIGTERM)
    assert getattr(handler, "__self__", None) is server
    assert server.should_exit is False


def test_a_handoff_knows_its_agent() -> None:
    agents = pytest.importorskip("agents")
    sales = agents.Agent("sales")
    assert agents.handoff(sales)._agent_ref() is sales


def test_pydantic_ai_tells_whether_its_author_has_chosen_an_instrumentation() -> None:
    pydantic_ai = pytest.importorskip("pydantic_ai")
    before = pydantic_ai.Agent._instrument_default
    try:
        pydantic_ai.Agent.instrument_all(True)
        assert pydantic_ai.Agent._instrument_default
    finally:
        pydantic_ai.Agent._instrument_default = before
