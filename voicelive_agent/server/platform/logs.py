"""Logs: one line per event on stderr, as text or as JSON with trace ids, never what was said.

An exception's own text can repeat what was said ("no table for Ms Badofi"): it is shown on the
developer's own machine, shortly and with the place in their code, and elsewhere only where someone
asked for it. Its type, every place it passed, and an HTTP status with its host always are.
"""

import copy
import json
import logging
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

from opentelemetry import trace

from voicelive_agent.diagnostics import diagnose, is_local
from voicelive_agent.diagnostics.diagnosis import describe_alone, is_ours
from voicelive_agent.server.platform.ids import is_trace_id
from voicelive_agent.server.platform.telemetry.spans import find_request_id
from voicelive_agent.server.settings import Settings

_TEXT_LEFT_OUT = "(its text may repeat what was said: VOICELIVE_SHOW_ERRORS=true shows it)"

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class TextFormatter(logging.Formatter):
    """One line of text, and under it why that happened."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._settings = settings

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_info or record.exc_text:
            # Another handler's formatter leaves an exception's whole text there.
            record = copy.copy(record)
            record.exc_text = None
        return super().format(record)

    def formatException(self, ei: ExcInfo) -> str:
        if ei[1] is None:
            return super().formatException(ei)
        return describe_error(ei[1], self._settings)


def describe_error(error: BaseException, settings: Settings) -> str:
    """Why: on a developer's machine a few lines, elsewhere every place that was passed."""
    shown = settings.show_errors
    if shown is None:
        shown = settings.is_development and is_local()
    if not shown:
        return "".join(describe_without_words(error))
    if settings.is_development and settings.log_level != "DEBUG":
        return diagnose(error).screen
    return "".join(traceback.format_exception(error))


def describe_without_words(error: BaseException) -> list[str]:
    """Lines of an exception and those before it: types and places, but nobody's words."""
    lines: list[str] = []
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        lines += [*describe_without_words(before), "\n\nwhich led to:\n\n"]
    lines += ["Traceback (most recent call last):\n", *traceback.format_tb(error.__traceback__)]
    lines.append(_describe_without_words(error))
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for number, member in enumerate(members, 1):
        lines += [f"\n\n{number} of its group:\n\n", *describe_without_words(member)]
    return lines


def _describe_without_words(error: BaseException) -> str:
    cause = describe_alone(error, texts=False)
    return str(cause) if is_ours(error) else f"{cause} {_TEXT_LEFT_OUT}"


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


def _drop_traceback(record: logging.LogRecord) -> bool:
    """Keep what an application raised at its start out of uvicorn's log: it was told already."""
    return not record.getMessage().startswith("Traceback ")


class _ErrorStream(logging.StreamHandler[TextIO]):
    """Lines on stderr; what can't be written stops nothing.

    Where an agent had closed stderr, the line about SIGTERM raised, and the signal was not obeyed.
    """

    def handleError(self, record: logging.LogRecord) -> None:
        with suppress(Exception):
            super().handleError(record)


def configure_logs(settings: Settings) -> None:
    """Set the level of our loggers, and a handler where the process has none yet."""
    handler = _ErrorStream()
    if settings.log_format == "json" or (settings.hosted and settings.log_format == ""):
        handler.setFormatter(JsonFormatter(settings))
    else:
        handler.setFormatter(TextFormatter(settings))
    logging.basicConfig(handlers=[handler])
    logging.getLogger("voicelive_agent").setLevel(settings.log_level)
    # It warns of a malformed header with the header's text.
    logging.getLogger("opentelemetry.baggage.propagation").setLevel(logging.ERROR)
    logging.getLogger("uvicorn.access").addFilter(_drop_query)
    logging.getLogger("uvicorn.error").addFilter(_drop_traceback)
