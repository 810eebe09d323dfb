"""What leaves this process as telemetry: with the agent's identity, and without private words.

Imports the OpenTelemetry SDK, so it is imported only where telemetry goes somewhere.
"""

import logging
from collections.abc import Mapping, Sequence

from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Status

from voicelive_agent.server.platform.telemetry.public_attributes import keep_public
from voicelive_agent.server.platform.telemetry.spans import find_turn_attributes

_SEVERITIES = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}


class TurnMarks(SpanProcessor):
    """Says of every span within a turn which turn that is, those of frameworks included."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        span.set_attributes(find_turn_attributes(parent_context))


class OutgoingSpans(SpanExporter):
    """Passes spans on to ``exporter``, each with ``identity`` among its attributes.

    Private attributes are left out, those of events included, unless speech is captured.
    """

    def __init__(
        self, exporter: SpanExporter, identity: Mapping[str, str], capture_speech: bool
    ) -> None:
        self._exporter = exporter
        self._identity = identity
        self._capture_speech = capture_speech

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([self._prepare(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def _prepare(self, span: ReadableSpan) -> ReadableSpan:
        keep = dict if self._capture_speech else keep_public
        # A description written by others can be an exception's text.
        status = span.status if self._capture_speech else Status(span.status.status_code)
        return ReadableSpan(
            name=span.name,
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes={**keep(span.attributes or {}), **self._identity},
            events=[
                Event(event.name, keep(event.attributes or {}), event.timestamp)
                for event in span.events
            ],
            links=[Link(link.context, keep(link.attributes or {})) for link in span.links],
            kind=span.kind,
            status=status,
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )


class OutgoingLogs(logging.Handler):
    """Passes log lines on, with the trace they belong to; of exceptions only their type."""

    def __init__(self, logger: Logger, identity: Mapping[str, str]) -> None:
        super().__init__()
        self._logger = logger
        self._identity = identity
        # The exporters' own complaints would come back to them.
        self.addFilter(lambda record: not record.name.startswith(("opentelemetry", "azure")))

    def emit(self, record: logging.LogRecord) -> None:
        attributes = {**self._identity, **find_turn_attributes(None), "code.module": record.name}
        if record.exc_info and record.exc_info[0] is not None:
            attributes["exception.type"] = record.exc_info[0].__qualname__
        self._logger.emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                severity_number=_SEVERITIES.get(record.levelno, SeverityNumber.UNSPECIFIED),
                severity_text=record.levelname,
                body=record.getMessage(),
                attributes=attributes,
            )
        )
