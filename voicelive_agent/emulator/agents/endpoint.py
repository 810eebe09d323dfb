"""Endpoint of an agent or a model: HTTP that answers a POST with a stream of lines."""

import asyncio
import json
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
)
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from typing import Any, Literal

import httpx

from voicelive_agent.emulator.agents import AnswerError, AnswerLimits
from voicelive_agent.emulator.agents.answer_body import (
    AnswerBody,
    BodyError,
    OverdueError,
    Patience,
)
from voicelive_agent.wire.net import is_this_machine

CONNECT_TIMEOUT_S = 5.0
LOCAL_USER_ID = "local-user"
"""The ``x-agent-user-id`` of all callers: nobody signs in to the emulator."""
_NO_ROUTE = frozenset({404, 405, 501})
_ERROR_BODY_BYTES = 64 * 1024
_ERROR_BODY_S = 5.0


class Answer:
    """An answer with status 200, while it is being read."""

    def __init__(self, endpoint: "Endpoint", response: httpx.Response, body: AnswerBody) -> None:
        self._endpoint = endpoint
        self._body = body
        self.content_type: str = response.headers.get("content-type", "")

    def require_event_stream(self, protocol: str) -> None:
        """Raises AnswerError unless it is a stream of server-sent events."""
        if self.content_type.split(";")[0].strip().lower() != "text/event-stream":
            raise self._endpoint.violation(
                f"the answer's content type is {self.content_type[:100] or 'missing'!r}: "
                f"{protocol} asks for text/event-stream"
            )

    async def read_lines(self) -> AsyncGenerator[str, None]:
        """Lines without their ends (LF, CRLF or CR). Raises AnswerError."""
        with self._endpoint.translate_errors("in mid-answer"):
            async with aclosing(self._body.read_lines()) as lines:
                async for line in lines:
                    yield line

    async def read_whole(self) -> bytes:
        """All of it at once. Raises AnswerError."""
        with self._endpoint.translate_errors("in mid-answer"):
            return await self._body.read_whole()


class Endpoint:
    """Where an agent or a model answers.

    ``hint`` is the sentence that tells the developer what to do when nothing answers there.
    Raises ValueError for a URL that is none.
    """

    def __init__(
        self,
        url: str,
        path: str,
        *,
        who: Literal["agent", "model"],
        hint: str,
        limits: AnswerLimits,
        headers: Mapping[str, str] | None = None,
        status_hints: Mapping[int, str] | None = None,
        advise_without_route: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        self.url = join_path(read_url(url), path)
        self.who = who
        self._hint = hint
        self._limits = limits
        self._headers = {"accept-encoding": "identity", **(headers or {})}
        self._status_hints = status_hints or {}
        self._advise_without_route = advise_without_route
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        local = is_this_machine(self.url.host)
        self._client = httpx.AsyncClient(
            headers=self._headers,
            timeout=httpx.Timeout(self._limits.silence_s, connect=CONNECT_TIMEOUT_S),
            # A local connection costs nothing, and a kept one may be closed under a request.
            limits=httpx.Limits(max_keepalive_connections=0 if local else 20),
            trust_env=not local,
        )

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    @asynccontextmanager
    async def post(
        self,
        body: Mapping[str, Any],
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Answer]:
        """The answer to a POST, once its status is known to be 200. Raises AnswerError.

        Leaving the context closes the connection unless the response was read to its end.
        """
        if self._client is None:
            raise RuntimeError("the endpoint is not started")
        request = self._client.build_request(
            "POST", self.url.copy_merge_params(dict(params or {})), json=body, headers=headers
        )
        patience = Patience(self._limits.whole_s)
        with self.translate_errors("before it answered"):
            async with patience.waiting():
                response = await self._client.send(request, stream=True)
        try:
            answered = AnswerBody(response, patience, self._limits.body_bytes)
            if response.status_code != 200:
                raise await self._error_of_status(response, await _read_error_body(answered))
            yield Answer(self, response, answered)
        finally:
            await response.aclose()

    def violation(self, message: str) -> AnswerError:
        return AnswerError(f"{self.who}_contract_violation", message)

    async def _error_of_status(self, response: httpx.Response, body: bytes) -> AnswerError:
        told = describe_error(body)
        hint = self._status_hints.get(response.status_code)
        if response.status_code in _NO_ROUTE and self._advise_without_route is not None:
            hint = await self._advise_without_route()
        return AnswerError(
            f"{self.who}_error",
            f"the {self.who} answered POST {self._shown_url} with HTTP {response.status_code}"
            f"{f' ({told})' if told else ''} where 200 is expected{f': {hint}' if hint else ''}",
            status=response.status_code,
        )

    @property
    def _shown_url(self) -> str:
        """Without the query and credentials, which may hold a key."""
        return str(self.url.copy_with(query=None, userinfo=b""))

    @contextmanager
    def translate_errors(self, when: str) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            reason = f" ({error})" if "SSL" in str(error) else ""
            raise AnswerError(
                f"{self.who}_unreachable",
                f"nothing answers at {self._shown_url}{reason}: {self._hint}",
            ) from error
        except httpx.TimeoutException as error:
            raise AnswerError(
                f"{self.who}_timeout",
                f"the {self.who} at {self._shown_url} was silent for {self._limits.silence_s:g} s "
                f"{when} (--agent-timeout): send something sooner, a comment line "
                "(': keep-alive') if need be",
            ) from error
        except OverdueError as error:
            raise AnswerError(
                f"{self.who}_timeout",
                f"the {self.who} at {self._shown_url} did not end its answer in "
                f"{self._limits.whole_s:g} s (--answer-timeout): end it sooner, or raise the limit",
            ) from error
        except BodyError as error:
            raise self.violation(str(error)) from error
        except httpx.TransportError as error:
            raise AnswerError(
                f"{self.who}_disconnected",
                f"the {self.who} at {self._shown_url} closed the connection {when}: "
                "look for an error in its log",
            ) from error


async def _read_error_body(body: AnswerBody) -> bytes:
    with suppress(httpx.HTTPError, BodyError, OverdueError, TimeoutError):
        async with asyncio.timeout(_ERROR_BODY_S):
            return await body.read_start(_ERROR_BODY_BYTES)
    return b""


def describe_error(body: bytes) -> str:
    """``code: message`` of an error envelope, else the start of the body; one line."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        error = value.get("error", value)
        if isinstance(error, dict):
            parts = [error.get("code"), error.get("message") or error.get("detail")]
            if told := ": ".join(str(part) for part in parts if part):
                return told[:500]
        elif isinstance(error, str):
            return ": ".join([error, str(value["message"])] if value.get("message") else [error])
    return " ".join(body.decode("utf-8", "replace").split())[:200]


def read_url(url: str) -> httpx.URL:
    """An HTTP URL. Raises ValueError for anything else."""
    try:
        base = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise ValueError(f"{url!r} is not a URL: {error}") from None
    if base.scheme not in ("http", "https") or not base.host:
        raise ValueError(f"{url!r} is not an http:// or https:// URL")
    return base


def join_path(base: httpx.URL, path: str) -> httpx.URL:
    """The URL of ``path`` below a base URL, which may already name it and may have a query."""
    stem = base.path.rstrip("/")
    return base.copy_with(path=stem if stem.endswith(path) else stem + path, fragment=None)
