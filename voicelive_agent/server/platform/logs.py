"""Logs: one line per event on stderr, as text or as JSON with trace ids, never what was said.

An exception is logged with its type and every place it passed, but its own text can repeat what
was said ("no table for Ms Badofi"): that is shown only where someone asked for it.
"""

import json
import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType

from opentelemetry import trace

from voicelive_agent.server.platform.ids import is_trace_id
from voicelive_agent.server.platform.telemetry.spans import find_request_id
from voicelive_agent.server.settings import Settings

_TEXT_LEFT_OUT = (
    "(its text may repeat what was said:"
    " OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true shows it)"
)

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class TextFormatter(logging.Formatter):
    """One line of text, and the exception under it."""

    def __init__(self, show_words: bool) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._show_words = show_words

    def formatException(self, ei: ExcInfo) -> str:
        if self._show_words or ei[1] is None:
            return super().formatException(ei)
        return "".join(describe_without_words(traceback.TracebackException.from_exception(ei[1])))


def describe_without_words(error: traceback.TracebackException) -> list[str]:
    """Lines of an exception and those before it: types and places, but nobody's words."""
    lines: list[str] = []
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        lines += [*describe_without_words(before), "\n\nwhich led to:\n\n"]
    lines += ["Traceback (most recent call last):\n", *error.stack.format()]
    lines.append(f"{_name(error)} {_TEXT_LEFT_OUT}")
    for number, member in enumerate(error.exceptions or (), 1):
        lines += [f"\n\n{number} of its group:\n\n", *describe_without_words(member)]
    return lines


def _name(error: traceback.TracebackException) -> str:
    # exc_type goes in 3.15, exc_type_str came in 3.13.
    named = getattr(error, "exc_type_str", None) or getattr(error.exc_type, "__qualname__", "")
    return str(named)


class JsonFormatter(TextFormatter):
    """One JSON object a line: time, level, logger, message, and the trace it belongs to.

    ``request_id`` is what the caller got as ``x-request-id``. Where nobody began a trace, the
    request's own id is the trace's.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            line["trace_id"] = trace.format_trace_id(span.trace_id)
            line["span_id"] = trace.format_span_id(span.span_id)
        if request_id := find_request_id():
            if is_trace_id(request_id):
                line.setdefault("trace_id", request_id)
            line["request_id"] = request_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _drop_query(record: logging.LogRecord) -> bool:
    """Keep session ids, which are in the query, out of uvicorn's access log."""
    if isinstance(record.args, tuple) and len(record.args) > 2:
        args = list(record.args)
        args[2] = str(args[2]).partition("?")[0]
        record.args = tuple(args)
    return True


def configure_logs(settings: Settings) -> None:
    """Set the level of our loggers, and a handler where the process has none yet."""
    handler = logging.StreamHandler()
    show_words = settings.otel_instrumentation_genai_capture_message_content
    if settings.log_format == "json" or (settings.hosted and settings.log_format == ""):
        handler.setFormatter(JsonFormatter(show_words))
    else:
        handler.setFormatter(TextFormatter(show_words))
    logging.basicConfig(handlers=[handler])
    logging.getLogger("voicelive_agent").setLevel(settings.log_level)
    # It warns of a malformed header with the header's text.
    logging.getLogger("opentelemetry.baggage.propagation").setLevel(logging.ERROR)
    logging.getLogger("uvicorn.access").addFilter(_drop_query)
