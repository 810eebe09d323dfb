"""Where telemetry goes: Azure Monitor, an OTLP endpoint, both, or nowhere.

The SDK and its exporters take longer to import than the whole server takes to start, so this is
done in a thread once the server is ready; turns before that are served and not recorded.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from voicelive_agent import __version__
from voicelive_agent.command_name import spell_commands
from voicelive_agent.server.platform.telemetry import spans as telemetry
from voicelive_agent.server.platform.telemetry.instrumentation import instrument_frameworks
from voicelive_agent.server.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

logger = logging.getLogger(__name__)

_LAST_SECONDS = 5.0


class _Destination(NamedTuple):
    """One place to which all three signals go."""

    spans: "SpanExporter"
    metrics: "MetricExporter"
    logs: "LogRecordExporter"


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
        telemetry.agent_name = self._settings.foundry_agent_name or telemetry.DEFAULT_AGENT_NAME
        if self.wanted:
            self._task = asyncio.create_task(self._set_up())

    async def stop(self) -> None:
        """Send what is left."""
        # A destination that hangs would hold the process until it is killed.
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                if self._task is not None:
                    await self._task
                await asyncio.gather(*map(_call_in_daemon, self._shutdowns))

    async def _set_up(self) -> None:
        try:
            await asyncio.to_thread(self.configure)
        except ImportError as error:
            logger.warning(
                "telemetry is off: %s is not installed; get it with %s",
                error.name,
                spell_commands("pip install 'voicelive-agent[telemetry,azure-monitor]'"),
            )
        except Exception as error:
            # Its text can hold the connection string.
            logger.warning(
                "telemetry is off: its exporters could not be set up (%s); check"
                " APPLICATIONINSIGHTS_CONNECTION_STRING and OTEL_EXPORTER_OTLP_…",
                type(error).__name__,
            )

    def configure(self) -> None:
        """Set the global providers, and turn on what the agents' frameworks record."""
        from opentelemetry import metrics, trace
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from voicelive_agent.server.platform.telemetry.outgoing import (
            OutgoingLogs,
            OutgoingSpans,
            TurnMarks,
        )

        identity = self._settings.agent_identity()
        resource = Resource.create(
            {"service.name": telemetry.agent_name, "service.version": __version__}
        )
        destinations = list(self._make_destinations())
        tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        tracers.add_span_processor(TurnMarks())
        loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
        for destination in destinations:
            spans = OutgoingSpans(destination.spans, identity, telemetry.capture_speech)
            tracers.add_span_processor(BatchSpanProcessor(spans))
            loggers.add_log_record_processor(BatchLogRecordProcessor(destination.logs))
        readers = [PeriodicExportingMetricReader(each.metrics) for each in destinations]
        meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        trace.set_tracer_provider(tracers)
        instrument_frameworks(telemetry.capture_speech)
        outgoing_logs = OutgoingLogs(loggers.get_logger("voicelive_agent"), identity)
        logging.getLogger().addHandler(outgoing_logs)
        self._shutdowns = [tracers.shutdown, meters.shutdown, loggers.shutdown]
        # Last: once there are measurements, everything is recorded.
        metrics.set_meter_provider(meters)

    def _make_destinations(self) -> Iterator[_Destination]:
        settings = self._settings
        connection = settings.applicationinsights_connection_string.get_secret_value()
        if connection:
            from azure.monitor.opentelemetry import exporter as azure

            # It would keep what can't be sent in files under /tmp, of which nobody knows.
            options: dict[str, Any] = {
                "connection_string": connection,
                "disable_offline_storage": True,
            }
            if settings.applicationinsights_auth_mode.strip().lower() == "entra":
                from azure.identity import ManagedIdentityCredential

                options["credential"] = ManagedIdentityCredential()
            yield _Destination(
                azure.AzureMonitorTraceExporter(**options),
                azure.AzureMonitorMetricExporter(**options),
                azure.AzureMonitorLogExporter(**options),
            )
        if settings.otel_exporter_otlp_endpoint:
            protocol = settings.otel_exporter_otlp_protocol.split("/")[0]
            package = f"opentelemetry.exporter.otlp.proto.{protocol}"
            # All read the endpoint, headers and timeouts from OpenTelemetry's own variables.
            yield _Destination(
                import_module(f"{package}.trace_exporter").OTLPSpanExporter(),
                import_module(f"{package}.metric_exporter").OTLPMetricExporter(),
                import_module(f"{package}._log_exporter").OTLPLogExporter(),
            )


async def _call_in_daemon(function: Callable[[], Any]) -> None:
    """In a thread that nobody waits for when the process ends."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def call() -> None:
        try:
            function()
        finally:
            with suppress(RuntimeError):  # The loop is gone: it took too long.
                loop.call_soon_threadsafe(ended.set)

    Thread(target=call, daemon=True).start()
    await ended.wait()
