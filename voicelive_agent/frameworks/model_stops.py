"""Model stops: why a model ended an answer itself, in the words of providers and frameworks.

The words are those of OpenAI, Azure OpenAI, Anthropic, Google, Mistral, Zhipu and Bedrock behind
OpenAI-compatible servers, and of the exceptions of their libraries.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from voicelive_agent.diagnostics import ExplainedError

ModelStop = Literal["content_filtered", "answer_too_long"]

_TOO_LONG = frozenset(
    {
        "length",
        "max_length",
        "max_output_tokens",
        "max_tokens",
        "model_context_window_exceeded",
        "model_length",
        # Exceptions of Pydantic AI and of the OpenAI SDK.
        "incompletetoolcall",
        "lengthfinishreasonerror",
        "outputtokenlimitexceeded",
    }
)
_FILTERED = frozenset(
    {
        "blocked",
        "blocklist",
        "content_filter",
        "content_filtered",
        "content_policy_violation",
        "guardrail_intervened",
        "invalid_prompt",
        "prohibited_content",
        "recitation",
        "refusal",
        "responsibleaipolicyviolation",
        "safety",
        "sensitive",
        "spii",
        # Exceptions of Pydantic AI, Agent Framework, LiteLLM and the OpenAI SDK.
        "contentfiltererror",
        "contentfilterfinishreasonerror",
        "contentpolicyviolationerror",
        "openaicontentfilterexception",
    }
)
_BROKEN = frozenset({"error", "network_error"})
_REFUSALS = (400, 403, 422)
_FILTER_MESSAGE = re.compile(
    r"content[ _-]?(management|filter|safety)|responsible ?ai ?polic", re.IGNORECASE
)
_LONGEST_CHAIN = 10


class ModelStoppedError(ExplainedError):
    """Raised by an agent whose model ended the answer before it was through, or refused to begin.

    The caller hears a sentence that fits; ``stop`` is the code that the client is told.
    """

    def __init__(self, stop: ModelStop, message: str, *, step: str = "") -> None:
        super().__init__(message, step=step)
        self.stop = stop


def check_finish(*reasons: object) -> None:
    """Judge the finish reasons of an answer, the framework's and the provider's own.

    Raises ModelStoppedError where a limit or a filter cut it, ExplainedError where it broke off.
    """
    known = {reason.lower() for reason in reasons if isinstance(reason, str)}
    if known & _FILTERED:
        raise ModelStoppedError("content_filtered", "the model's content filter cut its answer")
    if known & _TOO_LONG:
        raise ModelStoppedError(
            "answer_too_long",
            "the model reached its limit of tokens in mid-answer",
            step="Raise max_tokens, or ask for shorter answers in the instructions.",
        )
    if known & _BROKEN:
        raise ExplainedError(
            "the model's server broke the answer off: its finish reason is an error",
            step="Look into the log of that server.",
        )


def find_stop(error: BaseException) -> ModelStop | None:
    """What stopped the model, where that is why an agent raised ``error``."""
    for cause in _follow(error):
        if isinstance(cause, ModelStoppedError):
            return cause.stop
        words = {word.lower() for word in _read_words(cause)}
        if words & _FILTERED or _tells_of_a_filter(cause):
            return "content_filtered"
        if words & _TOO_LONG:
            return "answer_too_long"
    return None


def _follow(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(_LONGEST_CHAIN):
        if error is None:
            return
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _read_words(error: BaseException) -> Iterator[str]:
    """The names of an error's types, and the codes that a provider gave it."""
    yield from (each.__name__ for each in type(error).__mro__)
    body: Any = getattr(error, "body", None)
    for found in (getattr(error, "code", None), *_read_codes(body)):
        if isinstance(found, str):
            yield found


def _read_codes(body: Any) -> Iterator[Any]:
    for _ in range(_LONGEST_CHAIN):
        if not isinstance(body, Mapping):
            return
        yield from (body.get("code"), body.get("type"))
        body = body.get("error") or body.get("innererror")


def _tells_of_a_filter(error: BaseException) -> bool:
    """Proxies pass a provider's message on, but not always its code."""
    status = getattr(error, "status_code", None)
    return status in _REFUSALS and _FILTER_MESSAGE.search(str(error)) is not None
