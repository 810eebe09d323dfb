"""Endpoint of an agent or a model: HTTP that answers a POST with a stream of lines.

Reading line by line is deliberate: Voice Live's documentation prints ``data:`` lines without
the blank lines between them that server-sent events ask for.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Literal

import httpx

from voicelive_agent.emulator.agents import AnswerError
from voicelive_agent.wire.net import is_this_machine

CONNECT_TIMEOUT_S = 5.0
SILENCE_TIMEOUT_S = 60.0
"""How long who answers may send nothing."""
LINE_BYTES = 4 * 1024 * 1024
"""The longest line that is read; Voice Live's own frames to the client have this limit."""
LOCAL_USER_ID = "local-user"
"""The ``x-agent-user-id`` of all callers: nobody signs in to the emulator."""
_ERROR_BODY_BYTES = 64 * 1024


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
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        status_hints: Mapping[int, str] | None = None,
    ) -> None:
        self.url = _join(read_url(url), path)
        self.who = who
        self._hint = hint
        self._timeout_s = timeout_s
        self._headers = {"accept-encoding": "identity", **(headers or {})}
        self._status_hints = status_hints or {}
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        local = is_this_machine(self.url.host)
        self._client = httpx.AsyncClient(
            headers=self._headers,
            timeout=httpx.Timeout(self._timeout_s, connect=CONNECT_TIMEOUT_S),
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
    ) -> AsyncIterator[httpx.Response]:
        """The response to a POST, once its status is known to be 200. Raises AnswerError.

        Leaving the context closes the connection unless the response was read to its end.
        """
        if self._client is None:
            raise RuntimeError("the endpoint is not started")
        request = self._client.build_request(
            "POST", self.url.copy_merge_params(dict(params or {})), json=body, headers=headers
        )
        with self._translate_errors("before it answered"):
            response = await self._client.send(request, stream=True)
        try:
            if response.status_code != 200:
                raise self._error_of_status(response, await self._read_error_body(response))
            yield response
        finally:
            await response.aclose()

    def require_event_stream(self, response: httpx.Response, protocol: str) -> None:
        """Raises AnswerError unless the response is a stream of server-sent events."""
        content_type = response.headers.get("content-type", "")
        if content_type.split(";")[0].strip().lower() != "text/event-stream":
            raise self.violation(
                f"the answer's content type is {content_type or 'missing'!r}: {protocol} asks for "
                "text/event-stream"
            )

    async def read_lines(self, response: httpx.Response) -> AsyncGenerator[str, None]:
        """Lines without their ends (LF, CRLF or CR). Raises AnswerError."""
        buffer = bytearray()
        after_cr = False
        with self._translate_errors("in mid-answer"):
            async for chunk in response.aiter_bytes():
                for piece in chunk.splitlines(keepends=True):
                    if after_cr and piece == b"\n" and not buffer:
                        after_cr = False
                        continue
                    after_cr = piece.endswith(b"\r")
                    buffer += piece
                    if len(buffer) > LINE_BYTES:
                        raise self.violation(
                            f"a line is longer than {LINE_BYTES // 1024**2} MiB: send less at once"
                        )
                    if piece.endswith((b"\n", b"\r")):
                        yield self._decode(buffer)
                        buffer.clear()
        if buffer:
            yield self._decode(buffer)

    def violation(self, message: str) -> AnswerError:
        return AnswerError(f"{self.who}_contract_violation", message)

    def _decode(self, line: bytearray) -> str:
        try:
            return line.decode("utf-8").rstrip("\r\n").removeprefix("\ufeff")
        except UnicodeDecodeError:
            raise self.violation("a line is not UTF-8, which event streams are in") from None

    async def _read_error_body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        with suppress(httpx.HTTPError):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) >= _ERROR_BODY_BYTES:
                    break
        return bytes(body)

    def _error_of_status(self, response: httpx.Response, body: bytes) -> AnswerError:
        told = describe_error(body)
        hint = self._status_hints.get(response.status_code)
        return AnswerError(
            f"{self.who}_error",
            f"the {self.who} answered POST {self._shown_url} with HTTP {response.status_code}"
            f"{f' ({told})' if told else ''} where 200 is expected{f': {hint}' if hint else ''}",
        )

    @property
    def _shown_url(self) -> str:
        """Without the query and credentials, which may hold a key."""
        return str(self.url.copy_with(query=None, userinfo=b""))

    @contextmanager
    def _translate_errors(self, when: str) -> Iterator[None]:
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
                f"the {self.who} at {self._shown_url} was silent for {self._timeout_s:g} s {when}: "
                "send something sooner, a comment line (': keep-alive') if need be",
            ) from error
        except httpx.DecodingError as error:
            raise self.violation(f"the answer cannot be decoded: {error}") from error
        except httpx.TransportError as error:
            raise AnswerError(
                f"{self.who}_disconnected",
                f"the {self.who} at {self._shown_url} closed the connection {when}: "
                "look for an error in its log",
            ) from error


def describe_error(body: bytes) -> str:
    """``code: message`` of an error envelope, else the start of the body; one line."""
    try:
        value = json.loads(body)
    except ValueError:
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


def _join(base: httpx.URL, path: str) -> httpx.URL:
    """The URL of ``path`` below a base URL, which may already name it and may have a query."""
    stem = base.path.rstrip("/")
    return base.copy_with(path=stem if stem.endswith(path) else stem + path, fragment=None)
