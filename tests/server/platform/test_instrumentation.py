"""Beneath a turn's span hang those of its agent, model and tools, without anybody's words."""

import json
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.forked_processes import PROGRAMS
from tests.frameworks.openai_server import Call, OpenAIServer
from tests.server.platform.otlp_collector import Collector, collect, read_attributes
from tests.server.platform.test_telemetry import (
    TRACE_ID,
    end,
    say,
    start_observed,
    wait_until_recording,
)
from voicelive_agent.server.platform.telemetry.instrumentation import instrument_frameworks
from voicelive_agent.server.platform.telemetry.public_attributes import (
    PRIVATE_ATTRIBUTES,
    SAFE_ATTRIBUTES,
    is_private,
)

# Servers that import all frameworks.
pytestmark = pytest.mark.slow
AGENTS = "tests.server.platform.framework_agents"
TURN = "invoke_agent voicelive-agent"
ANSWER = "It rains, says xyzzy."


async def record_turn(
    tmp_path: Path, collector: Collector, agent: str, **environment: str
) -> dict[str, list[Span]]:
    """One turn in which the model calls a tool; the turn's spans by the name of their parent."""
    async with OpenAIServer() as model:
        environment = {
            "VOICELIVE_AGENT": agent,
            "VOICELIVE_AGENT_MODEL": "test",
            "VOICELIVE_AGENT_MODEL_BASE_URL": model.url,
            "VOICELIVE_AGENT_TOOLS": f"{AGENTS}:get_weather",
            **environment,
        }
        async with start_observed(tmp_path, collector, PROGRAMS, **environment) as (
            server,
            client,
        ):
            await wait_until_recording(collector)
            model.answer(Call("get_weather", city="xyzzy"))
            model.answer(ANSWER)
            await say(client, "what does xyzzy say", agent_session_id="room-1")
            await end(server)
    names = {span.span_id: span.name for span in collector.spans}
    children: dict[str, list[Span]] = {}
    for span in collector.spans:
        children.setdefault(names.get(span.parent_span_id, ""), []).append(span)
    return children


def find_beneath(children: dict[str, list[Span]], name: str) -> list[Span]:
    found = []
    for child in children.get(name, []):
        found += [child, *(find_beneath(children, child.name) if child.name != name else [])]
    return found


@pytest.mark.parametrize(
    ("agent", "agent_span"),
    [
        ("model", "invoke_agent model"),
        (f"{AGENTS}:agent_framework", "invoke_agent desk"),
    ],
)
async def test_agent_model_and_tools_are_beneath_the_turn(
    tmp_path: Path, agent: str, agent_span: str
) -> None:
    async with collect() as collector:
        children = await record_turn(tmp_path, collector, agent)
        assert [span.name for span in children[""]] == [TURN]
        assert [span.name for span in children[TURN]] == [agent_span]
        beneath = find_beneath(children, agent_span)
        assert sorted(span.name for span in beneath) == [
            "chat test",
            "chat test",
            "execute_tool get_weather",
        ]
        assert {span.trace_id.hex() for span in collector.spans} == {TRACE_ID}
        operations = {}
        for span in collector.spans:
            said = read_attributes(span.attributes)
            operations[span.name] = said["gen_ai.operation.name"]
            assert said["gen_ai.conversation.id"] == "room-1"
            assert said["azure.ai.agentserver.invocations.invocation_id"]
        assert operations == {
            TURN: "invoke_agent",
            agent_span: "invoke_agent",
            "chat test": "chat",
            "execute_tool get_weather": "execute_tool",
        }
        unknown = {name for name in collector.attributes() if is_private(name)}
        assert not unknown
        assert set(collector.attributes()) <= SAFE_ATTRIBUTES | {
            "gen_ai.aggregated_usage.input_tokens",
            "gen_ai.aggregated_usage.output_tokens",
        }
        assert b"xyzzy" not in collector.raw


@pytest.mark.parametrize("agent", ["model", f"{AGENTS}:agent_framework"])
async def test_words_of_models_and_tools_are_recorded_only_when_asked_for(
    tmp_path: Path, agent: str
) -> None:
    asked = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}
    async with collect() as collector:
        await record_turn(tmp_path, collector, agent, **asked)
        tool = next(span for span in collector.spans if span.name.startswith("execute_tool"))
        said = read_attributes(tool.attributes)
        assert json.loads(said["gen_ai.tool.call.arguments"]) == {"city": "xyzzy"}
        assert "rain and xyzzy" in said["gen_ai.tool.call.result"]
        private = {name for name in collector.attributes() if is_private(name)}
        assert private & PRIVATE_ATTRIBUTES


@pytest.mark.parametrize("agent", ["openai_agents", "langgraph"])
async def test_an_instrumentation_that_is_installed_is_turned_on(
    tmp_path: Path, agent: str
) -> None:
    """These frameworks have none of their own; here microsoft-opentelemetry brings one."""
    async with collect() as collector:
        await record_turn(tmp_path, collector, f"{AGENTS}:{agent}")
        spans = {span.span_id: span for span in collector.spans}
        tool = next(span for span in spans.values() if span.name == "execute_tool get_weather")
        ancestors = []
        while tool.parent_span_id in spans:
            tool = spans[tool.parent_span_id]
            ancestors.append(tool.name)
        assert ancestors[-1] == TURN
        assert any("test" in span.name.split() for span in spans.values()), "no span of the model"
        assert {span.trace_id.hex() for span in spans.values()} == {TRACE_ID}
        assert not [name for name in collector.attributes() if is_private(name)]
        assert b"xyzzy" not in collector.raw


def test_an_instrumentation_that_fails_costs_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is used of a framework may be gone in its next version."""
    done: list[bool] = []

    def fail(capture_speech: bool) -> None:
        raise AttributeError("gone")

    instrumentations = {"json": fail, "asyncio": done.append, "not_imported_at_all": fail}
    monkeypatch.setattr(
        "voicelive_agent.server.platform.telemetry.instrumentation._INSTRUMENTATIONS",
        instrumentations,
    )
    instrument_frameworks(False)
    assert done == [False]
    assert caplog.text.count("no spans of models and tools by json") == 1
