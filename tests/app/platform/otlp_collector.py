"""A collector on a real socket that speaks OTLP over HTTP and keeps what it is sent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """Spans and metrics as they arrived; ``arrived`` is set with each request."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)
    raw: bytes = b""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message["body"]
            more = message.get("more_body", False)
        if dict(scope["headers"]).get(b"content-encoding") == b"gzip":
            import gzip

            body = gzip.decompress(body)
        self.raw += body
        if scope["path"].endswith("/v1/traces"):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope_spans in resource.scope_spans:
                    self.spans += scope_spans.spans
        else:
            for measured in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope_metrics in measured.scope_metrics:
                    self.metrics += scope_metrics.metrics
        self.arrived.set()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def attributes(self) -> Iterator[str]:
        """The name of every attribute of every span, span event and measurement."""
        for span in self.spans:
            yield from (attribute.key for attribute in span.attributes)
            for event in span.events:
                yield from (attribute.key for attribute in event.attributes)
        for metric in self.metrics:
            for points in (metric.sum.data_points, metric.histogram.data_points):
                for point in points:
                    yield from (attribute.key for attribute in point.attributes)


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
