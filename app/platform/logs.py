"""Logs: one line per event on stderr, as text or as JSON with trace ids, never what was said."""

import json
import logging
from datetime import UTC, datetime

from opentelemetry import trace

from app.settings import Settings


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the trace it belongs to."""

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
    if settings.log_format == "json" or (settings.hosted and settings.log_format == ""):
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler])
    logging.getLogger("app").setLevel(settings.log_level)
    # It warns of a malformed header with the header's text.
    logging.getLogger("opentelemetry.baggage.propagation").setLevel(logging.ERROR)
    logging.getLogger("uvicorn.access").addFilter(_drop_query)
    # It logs each chunk of a stream at DEBUG, and those hold what was said.
    logging.getLogger("sse_starlette").setLevel(logging.INFO)
