"""Telemetry from a real server to a real collector: what is recorded, and what never is."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import httpx
import pytest

from app.platform.privacy import PRIVATE_ATTRIBUTES, SAFE_ATTRIBUTES, is_private, keep_public
from tests.app.platform.otlp_collector import Collector, collect
from tests.app.processes import ROOT, start_server

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
WORDS = "my secret word is xyzzy"


async def record_turns(tmp_path: Path, collector: Collector, **environment: str) -> str:
    """Talk until telemetry arrives, then end the server, which sends the rest; its log."""
    async with (
        start_server(
            tmp_path,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_BSP_SCHEDULE_DELAY="50",
            LOG_FORMAT="json",
            AGENT="tests.app.platform.failing_agent:reply",
            **environment,
        ) as server,
        httpx.AsyncClient(base_url=server.url) as client,
        asyncio.timeout(60),
    ):
        while not collector.arrived.is_set():
            for text in (WORDS, "fail"):
                headers = {"traceparent": TRACEPARENT}
                await client.post("/invocations", json={"input": text}, headers=headers)
        server.signal(signal.SIGTERM)
        assert await server.wait() == 0
        return server.log.read_text()


async def test_turns_are_recorded_without_what_was_said(tmp_path: Path) -> None:
    async with collect() as collector:
        log = await record_turns(tmp_path, collector)
    names = {span.name for span in collector.spans}
    assert "invoke_agent" in names
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE_ID}
    failed = [span for span in collector.spans if span.status.code == 2]
    assert failed
    assert set(collector.attributes()) <= SAFE_ATTRIBUTES
    assert b"xyzzy" not in collector.raw
    assert {metric.name for metric in collector.metrics} >= {
        "voicelive_agent.turns",
        "voicelive_agent.turns.failed",
        "gen_ai.invoke_agent.duration",
        "voicelive_agent.turn.time_to_first_delta",
        "voicelive_agent.streams.active",
    }
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    ends = [line for line in lines if line["message"].startswith("turn completed")]
    assert {line.get("trace_id") for line in ends} <= {TRACE_ID, None}
    assert any(line.get("trace_id") == TRACE_ID for line in ends)
    assert "xyzzy" not in "".join(line["message"] for line in ends)


async def test_what_was_said_is_recorded_only_when_asked_for(tmp_path: Path) -> None:
    async with collect() as collector:
        await record_turns(
            tmp_path, collector, OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="true"
        )
    assert set(collector.attributes()) <= SAFE_ATTRIBUTES | PRIVATE_ATTRIBUTES
    assert b"xyzzy" in collector.raw


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
        server.signal(signal.SIGTERM)
        assert await server.wait() == 0


async def test_without_a_destination_nothing_of_the_sdk_is_imported() -> None:
    code = (
        "import sys, app.main;"
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
        ("gen_ai.request.model", False),
        ("gen_ai.usage.input_tokens", False),
    ],
)
def test_private_attributes(name: str, private: bool) -> None:
    assert is_private(name) is private
    assert (name in keep_public({name: 1})) is not private


def test_no_attribute_is_both_safe_and_private() -> None:
    assert not SAFE_ATTRIBUTES & PRIVATE_ATTRIBUTES
    assert not [name for name in SAFE_ATTRIBUTES if is_private(name)]
