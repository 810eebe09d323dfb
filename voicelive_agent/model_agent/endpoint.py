"""The model's endpoint, tried once at start: whether it answers, takes the key, knows the model.

Nothing is generated for it: the list of models is asked for (``GET /models``), and where a server
has none, whether the path for answers is there.
"""

import asyncio
import difflib
import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic_ai.models import Model

from voicelive_agent.diagnostics import ExplainedError

logger = logging.getLogger(__name__)

_SECONDS = 5.0
_SHOWN = 8
_ABSENT = (404, 405, 501)
_VERSION = "/v1"


async def tell_outcome(model: Model, source: str) -> None:
    """Log in a sentence what the endpoint says. Raises nothing."""
    client: Any = getattr(model, "client", None)
    if not hasattr(client, "models") or not hasattr(client, "base_url"):
        # A provider of another kind: its first turn will tell.
        return
    base_url = str(client.base_url).rstrip("/")
    try:
        async with asyncio.timeout(_SECONDS):
            await _try(client, base_url, model.model_name)
    except Exception:
        logger.exception("the model's endpoint was tried, and no turn can work yet")
    else:
        logger.info("the model's endpoint answers: %s", source)


async def _try(client: Any, base_url: str, model: str) -> None:
    """Raises what keeps turns from working."""
    client = client.with_options(max_retries=0)
    try:
        names = [one.id for one in (await client.models.list()).data]
    except Exception as error:
        if getattr(error, "status_code", None) not in _ABSENT:
            raise ExplainedError(
                f"{_name(base_url)} does not take a request", because=error
            ) from error
        names = []
        await _find_paths(base_url, error)
    if names and model not in names:
        _refuse_unknown(base_url, model, names)


def _refuse_unknown(base_url: str, model: str, names: Sequence[str]) -> None:
    # Ollama lists `qwen3:latest` for `qwen3`.
    known = {name.removesuffix(":latest") for name in names}
    if model.removesuffix(":latest") in known:
        return
    close = difflib.get_close_matches(model, names, n=1)
    meant = f"Did you mean {close[0]!r}? " if close else ""
    more = ", …" if len(names) > _SHOWN else ""
    raise ExplainedError(
        f"{_name(base_url)} answers, but lists no model {model!r}",
        step=f"{meant}It has {', '.join(names[:_SHOWN])}{more}: correct VOICELIVE_AGENT_MODEL.",
    )


async def _find_paths(base_url: str, error: Exception) -> None:
    """Whether answers have a path there, where no list of models has. Raises ExplainedError."""
    async with httpx.AsyncClient(timeout=_SECONDS) as http:
        for path in ("/chat/completions", "/responses"):
            # A path that is there refuses GET, or wants a key.
            if (await http.get(base_url + path)).status_code != 404:
                return
        candidate = base_url + _VERSION
        for path in ("/models", "/chat/completions"):
            if (await http.get(candidate + path)).status_code != 404:
                raise ExplainedError(
                    f"{_name(base_url)} answers, but not at {base_url}",
                    because=error,
                    step=f"The base URL lacks /v1: VOICELIVE_AGENT_MODEL_BASE_URL={candidate}",
                )
    raise ExplainedError(
        f"{_name(base_url)} answers, but not at {base_url}",
        because=error,
        step="Correct VOICELIVE_AGENT_MODEL_BASE_URL: it ends in /v1 for most servers.",
    )


def _name(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
