"""A collector on a real socket that speaks OTLP over HTTP and keeps what it is sent."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span


def read_attributes(attributes: Any) -> dict[str, Any]:
    """Names and values, lists left out."""
    return {each.key: _read_value(each) for each in attributes}


def _read_value(attribute: KeyValue) -> Any:
    return getattr(attribute.value, attribute.value.WhichOneof("value") or "string_value")


@dataclass
class Collector:
    """Spans, metrics and logs as they arrived, and all of it as bytes."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)
    logs: list[LogRecord] = field(default_factory=list)
    raw: bytes = b""
    _arrival: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Until ``condition`` holds; it is asked again with each arrival."""
        while not condition():
            self._arrival.clear()
            await self._arrival.wait()

    def read_points(self, metric: str) -> list[Any]:
        """The newest data points of a metric: of counters and histograms, totals so far."""
        newest = next((each for each in reversed(self.metrics) if each.name == metric), None)
        if newest is None:
            return []
        return [*newest.sum.data_points, *newest.histogram.data_points]

    def attributes(self) -> Iterator[str]:
        """The name of every attribute of spans, their events and links, log lines, measurements."""
        for span in self.spans:
            yield from (attribute.key for attribute in span.attributes)
            for event in span.events:
                yield from (attribute.key for attribute in event.attributes)
            for link in span.links:
                yield from (attribute.key for attribute in link.attributes)
        for log in self.logs:
            yield from (attribute.key for attribute in log.attributes)
        for metric in self.metrics:
            for points in (metric.sum.data_points, metric.histogram.data_points):
                for point in points:
                    yield from (attribute.key for attribute in point.attributes)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message["body"]
            more = message.get("more_body", False)
        if dict(scope["headers"]).get(b"content-encoding") == b"gzip":
            body = gzip.decompress(body)
        self.raw += body
        self._keep(scope["path"], body)
        self._arrival.set()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def _keep(self, path: str, body: bytes) -> None:
        if path.endswith("/v1/traces"):
            for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for of_scope in of_resource.scope_spans:
                    self.spans += of_scope.spans
        elif path.endswith("/v1/logs"):
            for logged in ExportLogsServiceRequest.FromString(body).resource_logs:
                for by_scope in logged.scope_logs:
                    self.logs += by_scope.log_records
        else:
            for measured in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for in_scope in measured.scope_metrics:
                    self.metrics += in_scope.metrics


@contextlib.asynccontextmanager
async def collect() -> AsyncIterator[Collector]:
    """A running collector."""
    collector = Collector()
    config = uvicorn.Config(collector, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    collector.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield collector
    finally:
        server.should_exit = True
        await task
