"""Retries: a model that is asked again when it is busy, as long as the caller can wait."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.exceptions import (
    ModelAPIError,
    ModelConnectionError,
    ModelRateLimitError,
    ModelUnavailableError,
)
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from voicelive_agent.diagnostics.diagnosis import describe_alone
from voicelive_agent.frameworks.outlet import current_outlet

logger = logging.getLogger(__name__)

_FIRST_WAIT_SECONDS = 0.25
# A server that is being restarted is back by then; one that isn't there won't come.
_RECONNECTIONS = 2
_BUSY = (ModelRateLimitError, ModelUnavailableError, ModelConnectionError)


class PatientModel(WrapperModel):
    """Asks ``model`` again when it is rate-limited, unavailable or unreachable.

    Only a request of which nothing has been streamed is made again, so nothing is said twice and
    no tool runs twice. It waits as the provider's ``Retry-After`` says, or a little longer each
    time; where that would pass ``wait_seconds`` after the turn's start, it raises at once.
    """

    def __init__(self, model: Model, *, wait_seconds: float) -> None:
        super().__init__(model)
        self._wait_seconds = wait_seconds

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse, None]:
        # The provider's own client would wait without knowing of the turn's deadline.
        model_settings = ModelSettings(**{**(model_settings or {}), "max_retries": 0})
        attempt = 0
        async with AsyncExitStack() as stack:
            while True:
                try:
                    response = await stack.enter_async_context(
                        self.wrapped.request_stream(
                            messages, model_settings, model_request_parameters, run_context
                        )
                    )
                    break
                except _BUSY as error:
                    wait = self._choose_wait(error, attempt)
                    if wait is None:
                        raise
                    attempt += 1
                    what = describe_alone(error, texts=False)
                    state = "can't be reached" if _is_unreachable(error) else "is busy"
                    logger.warning("the model %s, asking again in %.2f s: %s", state, wait, what)
                    await asyncio.sleep(wait)
            yield response

    def _choose_wait(self, error: ModelAPIError, attempt: int) -> float | None:
        """Seconds to wait; None where the caller can't wait that long, or waiting won't help."""
        if _is_unreachable(error) and attempt >= _RECONNECTIONS:
            return None
        wait = error.retry_after
        if wait is None:
            wait = _FIRST_WAIT_SECONDS * 2**attempt * random.uniform(1, 1.5)
        now = asyncio.get_running_loop().time()
        return wait if now + wait < current_outlet().started + self._wait_seconds else None


def _is_unreachable(error: ModelAPIError) -> bool:
    return isinstance(error, ModelConnectionError)
