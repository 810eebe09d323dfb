"""Spans and metrics of turns, by OpenTelemetry's API: they cost next to nothing until an SDK is
configured (``server.platform.telemetry.exporters``).

Names follow the GenAI semantic conventions where these have one; the spans of a model and its
tools come from the agent's framework (``instrumentation``) and hang beneath the turn's.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from contextvars import Token
from typing import TYPE_CHECKING, Any, Self, cast

from opentelemetry import context, metrics, propagate, trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import SpanKind, Status, StatusCode

if TYPE_CHECKING:
    from voicelive_agent.server.conversations import TurnRecord
    from voicelive_agent.server.engine.events import TurnRequest

DEFAULT_AGENT_NAME = "voicelive-agent"

_tracer = trace.get_tracer("voicelive_agent")
_meter = metrics.get_meter("voicelive_agent")
_TURN_KEY = context.create_key("voicelive_agent.turn")
_REQUEST_KEY = context.create_key("voicelive_agent.request")

# Those that the GenAI conventions advise for durations; the SDK's own are made for milliseconds.
_BOUNDARIES_S = [0.01 * 2**exponent for exponent in range(14)]

_turns = _meter.create_counter("voicelive_agent.turns", "{turn}", "Turns that ended")
_superseded = _meter.create_counter(
    "voicelive_agent.turns.superseded", "{turn}", "Turns that a newer one of the caller ended"
)
_failed = _meter.create_counter("voicelive_agent.turns.failed", "{turn}", "Turns that failed")
_duration = _meter.create_histogram(
    "gen_ai.invoke_agent.duration",
    "s",
    "Duration of a turn",
    explicit_bucket_boundaries_advisory=_BOUNDARIES_S,
)
_first_delta = _meter.create_histogram(
    "voicelive_agent.turn.time_to_first_delta",
    "s",
    "Start of a turn to its first spoken text",
    explicit_bucket_boundaries_advisory=_BOUNDARIES_S,
)

_active_turns = 0


def _observe_active(_: CallbackOptions) -> Iterator[Observation]:
    yield Observation(_active_turns)


# Observed, not counted up and down: a turn that runs when the SDK comes would only count down.
_meter.create_observable_up_down_counter(
    "voicelive_agent.streams.active", [_observe_active], "{stream}", "Turns that run now"
)

capture_speech = False
"""Whether spans hold what people said; set from the settings at start."""
agent_name = DEFAULT_AGENT_NAME
"""What the spans of turns call the agent; likewise."""


class TurnSpan:
    """The span ``invoke_agent …`` of one turn, and its part in the metrics; entered, it is current.

    No generator makes a context manager of it: that would be a twentieth of what comes before a
    turn's first words.
    """

    def __init__(self, request: "TurnRequest") -> None:
        # What every span beneath is told of, too; not as baggage, which would go out with requests.
        self._attributes = {
            "gen_ai.conversation.id": request.key.session_id,
            # As the official host calls it.
            "azure.ai.agentserver.invocations.invocation_id": request.invocation_id,
        }
        self._span: trace.Span = trace.INVALID_SPAN
        self._current: AbstractContextManager[trace.Span] | None = None
        self._started = time.perf_counter()

    def __enter__(self) -> Self:
        global _active_turns
        self._token = context.attach(context.set_value(_TURN_KEY, self._attributes))
        _active_turns += 1
        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            # Nobody has configured an SDK: what the API does then costs 20 us, for nothing.
            return self
        try:
            self._start()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *error: Any) -> None:
        try:
            if self._current is not None:
                self._current.__exit__(*error)
        finally:
            self._leave()

    def _start(self) -> None:
        # An exception's text can hold what was said, so none is recorded here.
        self._current = _tracer.start_as_current_span(
            f"invoke_agent {agent_name}",
            kind=SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        )
        self._span = self._current.__enter__()
        self._span.set_attribute("gen_ai.operation.name", "invoke_agent")
        self._span.set_attribute("gen_ai.agent.name", agent_name)

    def _leave(self) -> None:
        global _active_turns
        _active_turns -= 1
        context.detach(self._token)

    def end(self, record: "TurnRecord", first_delta_ms: int | None) -> None:
        """Note how the turn ended; what was said only where that was asked for."""
        failed = record.status == "failed"
        attributes = {
            "voicelive_agent.turn.kind": record.kind,
            "voicelive_agent.turn.status": record.status,
            "voicelive_agent.turn.reason": record.reason,
        }
        if failed:
            attributes["error.type"] = record.reason
        _turns.add(1, attributes)
        _duration.record(time.perf_counter() - self._started, attributes)
        if first_delta_ms is not None:
            _first_delta.record(first_delta_ms / 1000)
        if record.reason == "superseded":
            _superseded.add(1)
        if failed:
            _failed.add(1, {"error.type": record.reason})
        span = self._span
        if not span.is_recording():
            return
        span.set_attributes(attributes)
        span.set_attribute("voicelive_agent.turn.interrupted", record.interrupted)
        if first_delta_ms is not None:
            span.set_attribute("voicelive_agent.turn.first_delta_ms", first_delta_ms)
        if capture_speech:
            span.set_attribute("gen_ai.input.messages", _as_messages("user", record.text))
            span.set_attribute("gen_ai.output.messages", _as_messages("assistant", record.reply))
        if failed:
            span.set_status(Status(StatusCode.ERROR, record.reason))


def find_turn_attributes(of: context.Context | None) -> dict[str, str]:
    """What each span within a turn says of that turn; nothing outside of turns."""
    return cast(dict[str, str], context.get_value(_TURN_KEY, of) or {})


def find_request_id() -> str:
    """The ``x-request-id`` of the request that is being answered; empty outside of requests."""
    return cast(str, context.get_value(_REQUEST_KEY) or "")


def continue_trace(headers: Mapping[str, str], request_id: str) -> Token[context.Context]:
    """Make the W3C trace context of an HTTP request current, and the id of the request.

    What it returns is to be given to ``leave_trace``, in the same task.
    """
    traced = "traceparent" in headers or "baggage" in headers
    # Never the current one: the next request of a connection may start in that of the one before.
    outer = propagate.extract(headers) if traced else context.Context()
    return context.attach(context.set_value(_REQUEST_KEY, request_id, outer))


def leave_trace(token: Token[context.Context]) -> None:
    """The request of ``continue_trace`` was answered."""
    context.detach(token)


def _as_messages(role: str, text: str) -> str:
    message = {"role": role, "parts": [{"type": "text", "content": text}]}
    return json.dumps([message] if text else [], ensure_ascii=False)
