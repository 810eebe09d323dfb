"""The spans of models and tools beneath a turn's, as agents' frameworks make them.

Each framework has an instrumentation of its own, by the GenAI semantic conventions: it is turned
on here where the framework is in use, and told whether it may record what people said.
"""

import logging
import sys
from collections.abc import Callable
from importlib.metadata import entry_points

logger = logging.getLogger(__name__)


def instrument_frameworks(capture_speech: bool) -> None:
    """Turn on the instrumentation of what has been imported; the SDK has to be configured."""
    for module, instrument in _INSTRUMENTATIONS.items():
        if module not in sys.modules:
            continue
        try:
            instrument(capture_speech)
        except Exception:
            # Another version may lack what is used here; turns are recorded all the same.
            logger.warning("no spans of models and tools by %s", module, exc_info=True)


def _instrument_pydantic_ai(capture_speech: bool) -> None:
    from pydantic_ai import Agent
    from pydantic_ai.models.instrumented import InstrumentationSettings

    if not getattr(Agent, "_instrument_default", False):  # Its author has not chosen otherwise.
        Agent.instrument_all(
            InstrumentationSettings(
                include_content=capture_speech,
                include_binary_content=False,
                include_model_request_parameters=False,
            )
        )


def _instrument_agent_framework(capture_speech: bool) -> None:
    # Its spans are there by default, without words.
    if capture_speech:
        from agent_framework.observability import enable_sensitive_telemetry

        enable_sensitive_telemetry()


def _find_instrumentor(name: str) -> Callable[[bool], None]:
    """What a package that was installed beside the framework brings for it."""

    def instrument(capture_speech: bool) -> None:
        # It reads OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT itself.
        for found in entry_points(group="opentelemetry_instrumentor", name=name):
            found.load()().instrument()

    return instrument


_INSTRUMENTATIONS: dict[str, Callable[[bool], None]] = {
    "pydantic_ai": _instrument_pydantic_ai,
    "agent_framework": _instrument_agent_framework,
    "agents": _find_instrumentor("openai_agents"),
    "langchain_core": _find_instrumentor("langchain"),
}
