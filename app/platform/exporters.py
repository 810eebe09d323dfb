"""Where telemetry goes: Azure Monitor, an OTLP endpoint, both, or nowhere.

The SDK and its exporters take longer to import than the whole server takes to start, so this is
done in a thread once the server is ready; turns before that are served and not recorded.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from app import __version__
from app.platform import telemetry
from app.platform.privacy import keep_public
from app.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

logger = logging.getLogger(__name__)


class Exporters:
    """Telemetry of one server process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._shutdowns: list[Callable[[], Any]] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def wanted(self) -> bool:
        settings = self._settings
        return bool(
            settings.applicationinsights_connection_string.get_secret_value()
            or settings.otel_exporter_otlp_endpoint
        )

    def start(self) -> None:
        """Begin to set up in the background, where telemetry has somewhere to go."""
        telemetry.capture_speech = self._settings.otel_instrumentation_genai_capture_message_content
        if self.wanted:
            self._task = asyncio.create_task(self._set_up())

    async def stop(self) -> None:
        """Send what is left."""
        if self._task is not None:
            await self._task
        for shutdown in self._shutdowns:
            await asyncio.to_thread(shutdown)

    async def _set_up(self) -> None:
        try:
            await asyncio.to_thread(self.configure)
        except ImportError as error:
            logger.warning(
                "telemetry is off: %s is not installed; get it with"
                " pip install 'voicelive-agent[telemetry,azure-monitor]'",
                error.name,
            )
        except Exception:
            # Its messages can hold the connection string.
            logger.warning("telemetry is off: its exporters could not be set up")

    def configure(self) -> None:
        """Set the global tracer and meter providers."""
        from opentelemetry import metrics, trace
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        name = self._settings.foundry_agent_name or "voicelive-agent"
        resource = Resource.create({"service.name": name, "service.version": __version__})
        tracers = TracerProvider(resource=resource)
        readers = []
        for spans, measurements in self._make_exporters():
            public = spans if telemetry.capture_speech else make_public(spans)
            tracers.add_span_processor(BatchSpanProcessor(public))
            readers.append(PeriodicExportingMetricReader(measurements))
        meters = MeterProvider(readers, resource=resource)
        trace.set_tracer_provider(tracers)
        metrics.set_meter_provider(meters)
        self._shutdowns = [tracers.shutdown, meters.shutdown]

    def _make_exporters(self) -> "Iterator[tuple[SpanExporter, MetricExporter]]":
        connection = self._settings.applicationinsights_connection_string.get_secret_value()
        if connection:
            from azure.monitor.opentelemetry import exporter as azure

            yield (
                azure.AzureMonitorTraceExporter(connection_string=connection),
                azure.AzureMonitorMetricExporter(connection_string=connection),
            )
        if self._settings.otel_exporter_otlp_endpoint:
            protocol = self._settings.otel_exporter_otlp_protocol.split("/")[0]
            package = f"opentelemetry.exporter.otlp.proto.{protocol}"
            # Both read the endpoint, headers and timeouts from OpenTelemetry's own variables.
            yield (
                import_module(f"{package}.trace_exporter").OTLPSpanExporter(),
                import_module(f"{package}.metric_exporter").OTLPMetricExporter(),
            )


def make_public(exporter: "SpanExporter") -> "SpanExporter":
    """An exporter that leaves out private attributes, those of events included."""
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.trace import Status

    def make_span_public(span: "ReadableSpan") -> "ReadableSpan":
        return ReadableSpan(
            name=span.name,
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=keep_public(span.attributes),
            events=[
                Event(event.name, keep_public(event.attributes), event.timestamp)
                for event in span.events
            ],
            links=span.links,
            kind=span.kind,
            # A description written by others can be an exception's text.
            status=Status(span.status.status_code),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    class PublicExporter(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            return exporter.export([make_span_public(span) for span in spans])

        def shutdown(self) -> None:
            exporter.shutdown()

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return exporter.force_flush(timeout_millis)

    return PublicExporter()
