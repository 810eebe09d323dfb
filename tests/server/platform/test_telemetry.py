"""Telemetry from a real server to a real collector: what is recorded, and what never is."""

import asyncio
import contextlib
import gzip
import json
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, Status, StatusCode
from opentelemetry.util.types import AttributeValue
from starlette.requests import Request
from starlette.responses import JSONResponse

from tests.forked_processes import SERVER
from tests.frameworks.local_server import serve
from tests.server.platform.otlp_collector import Collector, collect, read_attributes
from tests.server.processes import ROOT, ServerProcess, start_server
from voicelive_agent.server.platform.telemetry.outgoing import OutgoingSpans
from voicelive_agent.server.platform.telemetry.public_attributes import (
    PRIVATE_ATTRIBUTES,
    SAFE_ATTRIBUTES,
    is_private,
    keep_public,
)
from voicelive_agent.server.platform.telemetry.spans import (
    continue_trace,
    find_request_id,
    leave_trace,
)

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
WORDS = "my secret word is xyzzy"
ERROR_STATUS = 2
SERVER_KIND = 2


@contextlib.asynccontextmanager
async def start_observed(
    tmp_path: Path, collector: Collector, imported: Sequence[str] = SERVER, **environment: str
) -> AsyncIterator[tuple[ServerProcess, httpx.AsyncClient]]:
    """A server that reports to ``collector``; ``end`` makes it send the rest."""
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_METRIC_EXPORT_INTERVAL": "100",
        "VOICELIVE_LOG_FORMAT": "json",
        "VOICELIVE_AGENT": "tests.server.platform.echoing_agent:reply",
        **environment,
    }
    async with (
        start_server(tmp_path, imported=imported, **environment) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30) as client,
        asyncio.timeout(90),
    ):
        yield server, client


async def wait_until_recording(collector: Collector) -> None:
    # What is measured comes last, and without a turn.
    await collector.wait_until(lambda: bool(collector.metrics))


async def end(server: ServerProcess) -> None:
    server.signal(signal.SIGTERM)
    assert await server.wait() == 0


async def say(client: httpx.AsyncClient, text: str, **params: str) -> None:
    body = {"type": "input_audio.transcription", "input": text}
    headers = {"traceparent": TRACEPARENT}
    response = await client.post("/invocations", json=body, headers=headers, params=params)
    assert '{"type":"done"}' in response.text


def read_json_lines(server: ServerProcess) -> list[dict[str, Any]]:
    lines = server.log.read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


async def test_turns_are_recorded_without_what_was_said(tmp_path: Path) -> None:
    async with collect() as collector:
        async with start_observed(tmp_path, collector) as (server, client):
            await wait_until_recording(collector)
            await say(client, WORDS, agent_session_id="room-1")
            await say(client, "fail")
            await end(server)
        assert [span.name for span in collector.spans] == ["invoke_agent voicelive-agent"] * 2
        completed, failed = collector.spans
        assert {span.trace_id.hex() for span in collector.spans} == {TRACE_ID}
        assert {span.kind for span in collector.spans} == {SERVER_KIND}
        said = read_attributes(completed.attributes)
        assert said["gen_ai.operation.name"] == "invoke_agent"
        assert said["gen_ai.agent.name"] == "voicelive-agent"
        assert said["gen_ai.conversation.id"] == "room-1"
        assert said["voicelive_agent.turn.status"] == "completed"
        assert failed.status.code == ERROR_STATUS
        assert read_attributes(failed.attributes)["error.type"] == "agent_failed"
        assert set(collector.attributes()) <= SAFE_ATTRIBUTES
        assert b"xyzzy" not in collector.raw


async def test_metrics_count_what_happened(tmp_path: Path) -> None:
    """A turn that began before the SDK was there once only counted down: minus one for ever."""
    async with (
        collect() as collector,
        start_observed(tmp_path, collector) as (server, client),
        client.stream("POST", "/invocations", json={"input": "wait"}) as early,
    ):
        await wait_until_recording(collector)
        async with client.stream(
            "POST", "/invocations?agent_session_id=a", json={"input": "wait"}
        ) as waiting:
            await collector.wait_until(lambda: read_active(collector) == 2)
            await say(client, "instead", agent_session_id="a")
            await waiting.aread()
        await say(client, "fail")
        await client.post(f"/invocations/{early.headers['x-agent-invocation-id']}/cancel")
        await early.aread()
        await collector.wait_until(lambda: read_active(collector) == 0)
        await end(server)

        reasons: Counter[str] = Counter()
        for point in collector.read_points("voicelive_agent.turns"):
            reasons[read_attributes(point.attributes)["voicelive_agent.turn.reason"]] += (
                point.as_int
            )
        assert reasons == {"completed": 1, "superseded": 1, "agent_failed": 1, "cancelled": 1}
        (superseded,) = collector.read_points("voicelive_agent.turns.superseded")
        assert superseded.as_int == 1
        (failed,) = collector.read_points("voicelive_agent.turns.failed")
        assert failed.as_int == 1
        assert read_attributes(failed.attributes) == {"error.type": "agent_failed"}
        durations = collector.read_points("gen_ai.invoke_agent.duration")
        assert sum(point.count for point in durations) == 4
        (first_delta,) = collector.read_points("voicelive_agent.turn.time_to_first_delta")
        assert first_delta.count == 4
        # The SDK's own buckets are made for milliseconds: all turns would be in the first.
        assert [bound for bound in first_delta.explicit_bounds if bound < 1][-1] == 0.64
        # By FastAPI, which has the route of a request from its router.
        requests = collector.read_points("http.server.request.duration")
        routes = {read_attributes(point.attributes).get("http.route") for point in requests}
        assert routes == {"/invocations", "/invocations/{invocation_id}/cancel"}


def read_active(collector: Collector) -> int | None:
    points = collector.read_points("voicelive_agent.streams.active")
    return points[0].as_int if points else None


async def test_logs_are_json_with_trace_ids_and_go_where_spans_go(tmp_path: Path) -> None:
    async with collect() as collector:
        async with start_observed(tmp_path, collector) as (server, client):
            await wait_until_recording(collector)
            await say(client, WORDS)
            await say(client, "fail")
            await end(server)
        lines = read_json_lines(server)
        turns = [line for line in lines if line["message"].startswith("turn ")]
        assert [line["trace_id"] for line in turns] == [TRACE_ID] * 2
        assert {line["span_id"] for line in turns} == {
            span.span_id.hex() for span in collector.spans
        }
        sent = [log for log in collector.logs if log.body.string_value.startswith("turn ")]
        assert [log.body.string_value for log in sent] == [line["message"] for line in turns]
        assert [log.trace_id.hex() for log in sent] == [TRACE_ID] * 2
        assert [log.severity_text for log in sent] == ["INFO", "WARNING"]


async def test_without_telemetry_a_request_is_found_in_the_log_by_its_id(tmp_path: Path) -> None:
    """Lines had trace ids only where a caller or the SDK had begun a trace."""
    async with (
        start_server(tmp_path, VOICELIVE_LOG_FORMAT="json") as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        sent: list[dict[str, str]] = [
            {},
            {"traceparent": TRACEPARENT},
            {"traceparent": TRACEPARENT.replace(TRACE_ID, "0" * 32)},
            {"x-request-id": "my-own"},
        ]
        answers = [await client.post("/invocations", headers=headers) for headers in sent]
        await end(server)
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert (ids[1], ids[3]) == (TRACE_ID, "my-own")
    turns = [line for line in read_json_lines(server) if line["message"].startswith("turn ")]
    assert [line["request_id"] for line in turns] == ids
    assert [line.get("trace_id") for line in turns] == [*ids[:3], None]


async def test_the_log_holds_an_agents_exception_without_its_words(tmp_path: Path) -> None:
    """The text of an exception often quotes what could not be understood."""
    async with (
        start_server(
            tmp_path,
            VOICELIVE_AGENT="tests.server.platform.echoing_agent:reply",
            FOUNDRY_AGENT_NAME="mine",
            VOICELIVE_LOG_FORMAT="text",
        ) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        await say(client, "fail")
        await end(server)
    log = server.log.read_text()
    assert "echoing_agent.py:11, in reply) (its text may repeat what was said:" in log
    # The line of source is the author's own.
    assert log.count("xyzzy") == log.count('raise RuntimeError("failed on xyzzy")')


async def test_the_words_of_an_exception_are_logged_when_asked_for(tmp_path: Path) -> None:
    environment = {
        "VOICELIVE_AGENT": "tests.server.platform.echoing_agent:reply",
        "FOUNDRY_AGENT_NAME": "mine",
        "VOICELIVE_SHOW_ERRORS": "true",
    }
    async with (
        start_server(tmp_path, **environment) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        await say(client, "fail")
        await end(server)
    assert "RuntimeError: failed on xyzzy" in server.log.read_text()


async def test_what_was_said_is_recorded_only_when_asked_for(tmp_path: Path) -> None:
    asked = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}
    async with collect() as collector:
        async with start_observed(tmp_path, collector, **asked) as (server, client):
            await wait_until_recording(collector)
            await say(client, WORDS)
            await end(server)
        assert set(collector.attributes()) <= SAFE_ATTRIBUTES | PRIVATE_ATTRIBUTES
        (turn,) = collector.spans
        heard = json.loads(read_attributes(turn.attributes)["gen_ai.input.messages"])
        assert heard == [{"role": "user", "parts": [{"type": "text", "content": WORDS}]}]


async def test_on_foundry_each_span_says_whose_it_is(tmp_path: Path) -> None:
    """The portal finds an agent's traces by these; the official host stamps the same."""
    project = "/subscriptions/s/resourceGroups/g/providers/p/accounts/a/projects/p"
    foundry = {
        "FOUNDRY_AGENT_NAME": "front-desk",
        "FOUNDRY_AGENT_VERSION": "7",
        "FOUNDRY_AGENT_INSTANCE_CLIENT_ID": "1-2-3",
        "FOUNDRY_PROJECT_ARM_ID": project,
        "FOUNDRY_AGENT_SESSION_ID": "sandbox",
        "VOICELIVE_HOST": "127.0.0.1",
    }
    async with collect() as collector:
        async with start_observed(tmp_path, collector, **foundry) as (server, client):
            await wait_until_recording(collector)
            await say(client, WORDS)
            await end(server)
        (span,) = collector.spans
        assert span.name == "invoke_agent front-desk"
        said = read_attributes(span.attributes)
        assert said["gen_ai.agent.name"] == "front-desk"
        assert said["gen_ai.agent.version"] == "7"
        assert said["gen_ai.agent.id"] == "1-2-3"
        assert said["microsoft.foundry.project.id"] == project
        assert said["microsoft.session.id"] == said["gen_ai.conversation.id"] == "sandbox"
        assert said["azure.ai.agentserver.invocations.invocation_id"]
        assert set(collector.attributes()) <= SAFE_ATTRIBUTES


async def test_a_collector_that_is_away_costs_the_callers_nothing(tmp_path: Path) -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    async with (
        start_server(tmp_path, **environment) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        for _ in range(20):
            response = await client.post("/invocations")
            assert '{"type":"done"}' in response.text
        await end(server)


@pytest.mark.slow
async def test_a_collector_that_hangs_does_not_keep_the_server_from_exiting(
    tmp_path: Path,
) -> None:
    """Its exporters wait for ten seconds each, and try again: the pod was killed first."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        collector = Collector(f"http://127.0.0.1:{silent.getsockname()[1]}")
        async with start_observed(tmp_path, collector) as (server, client):
            for _ in range(20):
                await say(client, "hello")
            server.signal(signal.SIGTERM)
            assert await asyncio.wait_for(server.wait(), 30) == 0


class Ingestion:
    """What Application Insights takes telemetry with, as far as its exporters use it."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.raw = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.raw += body
        items = [json.loads(line) for line in body.splitlines()]
        items = items[0] if items and isinstance(items[0], list) else items
        self.items += items
        answer = {"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}
        await JSONResponse(answer)(scope, receive, send)

    def find(self, kind: str) -> list[dict[str, Any]]:
        found = [item["data"] for item in self.items]
        return [data["baseData"] for data in found if data["baseType"] == kind]


async def test_azure_monitor_gets_requests_metrics_and_logs_without_words(tmp_path: Path) -> None:
    ingestion = Ingestion()
    async with serve(ingestion) as url:
        key = "InstrumentationKey=00000000-0000-0000-0000-000000000000"
        environment = {
            "APPLICATIONINSIGHTS_CONNECTION_STRING": f"{key};IngestionEndpoint={url}/",
            # It would tell Microsoft of its own health.
            "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_BLRP_SCHEDULE_DELAY": "50",
            "OTEL_METRIC_EXPORT_INTERVAL": "100",
            "VOICELIVE_AGENT": "tests.server.platform.echoing_agent:reply",
        }
        async with (
            start_server(tmp_path, **environment) as server,
            httpx.AsyncClient(base_url=server.url, timeout=30) as client,
            asyncio.timeout(90),
        ):
            while not (ingestion.find("RequestData") and ingestion.find("MetricData")):
                await say(client, WORDS)
                await say(client, "fail")
            await end(server)
        requests = ingestion.find("RequestData")
        assert {request["name"] for request in requests} == {"invoke_agent voicelive-agent"}
        assert {request["success"] for request in requests} <= {True, False}
        assert requests[0]["properties"]["gen_ai.operation.name"] == "invoke_agent"
        metrics = [point for each in ingestion.find("MetricData") for point in each["metrics"]]
        measured = {point["name"] for point in metrics}
        assert {"voicelive_agent.turns", "voicelive_agent.streams.active"} <= measured
        assert any(log["message"].startswith("turn ") for log in ingestion.find("MessageData"))
        turns = [item for item in ingestion.items if item["data"]["baseType"] == "RequestData"]
        assert {item["tags"]["ai.operation.id"] for item in turns} == {TRACE_ID}
        assert b"xyzzy" not in ingestion.raw
        assert "telemetry is off" not in server.log.read_text()


async def test_azure_monitor_leaves_nothing_on_disk(tmp_path: Path) -> None:
    """What could not be sent was kept in /tmp, for whichever server started there next."""
    key = "InstrumentationKey=00000000-0000-0000-0000-000000000000"
    folder = tmp_path / "tmp"
    folder.mkdir()
    environment = {
        "APPLICATIONINSIGHTS_CONNECTION_STRING": f"{key};IngestionEndpoint=http://127.0.0.1:9/",
        "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
        "OTEL_METRIC_EXPORT_INTERVAL": "100",
        "TMPDIR": str(folder),
    }
    async with (
        start_server(tmp_path, **environment) as server,
        httpx.AsyncClient(base_url=server.url) as client,
        asyncio.timeout(60),
    ):
        while "azure.monitor" not in server.log.read_text():
            await say(client, WORDS)
        await end(server)
    assert "telemetry is off" not in server.log.read_text()
    assert not list(folder.iterdir())


async def test_a_senseless_connection_string_is_told_without_it(tmp_path: Path) -> None:
    async with (
        start_server(tmp_path, APPLICATIONINSIGHTS_CONNECTION_STRING="Key=s3cret") as server,
        httpx.AsyncClient(base_url=server.url) as client,
        asyncio.timeout(60),
    ):
        while "telemetry is off" not in server.log.read_text():
            await say(client, "hello")
        await end(server)
    log = server.log.read_text()
    assert "check APPLICATIONINSIGHTS_CONNECTION_STRING" in log
    assert "s3cret" not in log


async def test_without_a_destination_nothing_of_the_sdk_is_imported() -> None:
    code = (
        "import sys, voicelive_agent.server.app;"
        "print([m for m in sys.modules if m.startswith(('opentelemetry.sdk', 'azure'))])"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert output.decode().strip() == "[]"


@pytest.mark.parametrize(
    ("name", "private"),
    [
        ("gen_ai.input.messages", True),
        ("gen_ai.prompt.0.content", True),
        ("exception.message", True),
        ("gen_ai.something.new", True),
        ("gen_ai.request.model", False),
        ("gen_ai.usage.input_tokens", False),
        ("gen_ai.aggregated_usage.input_tokens", False),
        ("shop.order.id", False),
    ],
)
def test_private_attributes(name: str, private: bool) -> None:
    assert is_private(name) is private
    assert (name in keep_public({name: 1})) is not private


def test_no_attribute_is_both_safe_and_private() -> None:
    assert not SAFE_ATTRIBUTES & PRIVATE_ATTRIBUTES
    assert not [name for name in SAFE_ATTRIBUTES if is_private(name)]
    assert all(is_private(name) for name in PRIVATE_ATTRIBUTES)


def test_nothing_of_a_span_keeps_words() -> None:
    """Links kept theirs: attributes, events and the status were looked at, and they were not."""
    kept = InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(OutgoingSpans(kept, {}, capture_speech=False)))
    words: dict[str, AttributeValue] = {"gen_ai.prompt": "xyzzy", "shop.order.id": 7}
    tracer = tracers.get_tracer("shop")
    other = tracer.start_span("other").get_span_context()
    span = tracer.start_span("order", attributes=words, links=[Link(other, words)])
    span.add_event("asked", words)
    span.record_exception(RuntimeError("xyzzy"))
    span.set_status(Status(StatusCode.ERROR, "xyzzy"))
    span.end()
    (sent,) = kept.get_finished_spans()
    assert "xyzzy" not in sent.to_json()
    assert sent.links[0].attributes == {"shop.order.id": 7}
    assert sent.links[0].context == other


def test_a_request_without_a_trace_does_not_join_that_of_the_one_before() -> None:
    """The next request of a connection starts in the context in which the last one was read."""
    traced = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    first, second = continue_trace(traced, "first"), continue_trace({}, "second")
    assert not trace.get_current_span().get_span_context().is_valid
    assert find_request_id() == "second"
    leave_trace(second)
    assert find_request_id() == "first"
    leave_trace(first)
    assert find_request_id() == ""
