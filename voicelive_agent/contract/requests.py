"""Requests to the agent that is judged, over real HTTP."""

import asyncio
import functools
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx
import pytest

from voicelive_agent.contract.stream import Reply
from voicelive_agent.contract.target import Target, new_session
from voicelive_agent.wire.invocations import DELTA

_SHOWN_BYTES = 160

Headers = dict[str, str] | list[tuple[bytes, bytes]]


@functools.cache
def trust_authorities() -> ssl.SSLContext:
    """Reading the certificates takes longer than a turn, so it is done once."""
    return httpx.create_ssl_context()


def speech(text: object) -> dict[str, object]:
    """The body that Voice Live sends for what a person said."""
    return {"type": "input_audio.transcription", "input": text}


class Wire:
    """Sends requests to one agent. Its text form shows no header and no query of the user's."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._client = httpx.AsyncClient(
            headers={"accept-encoding": "identity", **target.headers},
            params=target.query,
            timeout=httpx.Timeout(target.timeout_seconds),
            # A connection that the server is just closing must not be used again, for the test
            # would take that for the agent's fault: each request has its own.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            verify=trust_authorities(),
            trust_env=False,
        )

    def __repr__(self) -> str:
        return "<Wire>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    def session(self) -> str:
        """A session id for a test that need not have one of its own."""
        # A deployed agent starts a sandbox for each session.
        return self.target.session if self.target.deployed else new_session()

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        content: bytes | AsyncIterator[bytes] | None = None,
        content_type: str | None = "application/json",
        headers: Headers | None = None,
        session: str | None = None,
        raw_query: str = "",
    ) -> AsyncIterator["OpenReply"]:
        """Send a request; its response can be read piece by piece, or left.

        ``body`` is sent as JSON, ``content`` as it is. ``raw_query`` is appended percent-encoded
        as given, for values that no client would encode like that.
        """
        if content is None and body is not None:
            content = json.dumps(body, ensure_ascii=False).encode()
        sent = httpx.Headers(headers)
        if content is not None and content_type is not None:
            sent["content-type"] = content_type
        url = httpx.URL(self.target.url + path)
        params: dict[str, str] = dict(self.target.query)
        if session is not None:
            params["agent_session_id"] = session
        query = str(httpx.QueryParams(params))
        if raw_query:
            query = f"{query}&{raw_query}" if query else raw_query
        url = url.copy_with(query=query.encode() if query else None)
        if isinstance(content, bytes):
            shown = f", body of {len(content)} bytes: {content[:_SHOWN_BYTES]!r}"
        else:
            shown = ", body in chunks" if content is not None else ""
        request = self._client.build_request(method, url, content=content, headers=sent)
        # build_request has merged the client's query into a URL that holds it already.
        request.url = url
        label = f"{method} {path}{shown}"
        started = time.monotonic()
        try:
            response = await self._client.send(request, stream=True)
        except httpx.TimeoutException:
            __tracebackhide__ = True
            pytest.fail(f"{label}: no answer began in {_limit(self.target)}", pytrace=False)
        try:
            reply = Reply(
                request=label,
                status=response.status_code,
                headers={name.lower(): value for name, value in response.headers.items()},
            )
            yield OpenReply(reply, response, started, self.target)
        finally:
            await response.aclose()

    async def send(self, method: str, path: str, **options: Any) -> Reply:
        """Send a request and read the whole response."""
        async with self.open(method, path, **options) as opened:
            return await opened.rest()

    async def post(self, body: Any = None, **options: Any) -> Reply:
        """One turn, answered to its end."""
        options.setdefault("session", self.session())
        return await self.send("POST", "/invocations", body=body, **options)

    async def say(self, text: str, **options: Any) -> Reply:
        """One turn of speech, answered to its end."""
        return await self.post(speech(text), **options)

    @asynccontextmanager
    async def turn(self, text: str, **options: Any) -> AsyncIterator["OpenReply"]:
        """One turn of speech whose answer is read piece by piece, or left."""
        options.setdefault("session", self.session())
        async with self.open("POST", "/invocations", body=speech(text), **options) as opened:
            yield opened


class OpenReply:
    """A response that is still arriving."""

    def __init__(
        self, reply: Reply, response: httpx.Response, started: float, target: Target
    ) -> None:
        self.reply = reply
        self._started = started
        self._target = target
        self._chunks = response.aiter_raw()

    async def next_chunk(self) -> bool:
        """Read on; False at the end of the body, proper or not."""
        try:
            chunk = await anext(self._chunks)
        except StopAsyncIteration:
            return False
        except httpx.TransportError as error:
            self.reply.cut = f"{type(error).__name__}: {error}"
            return False
        self.reply.body += chunk
        self.reply.arrived.append((time.monotonic() - self._started, len(self.reply.body)))
        return True

    async def until(self, event_type: str = DELTA) -> bool:
        """Read until an event of this type has arrived; False where the stream ended before."""
        while event_type not in self.reply.types:
            if not await self.next_chunk():
                return False
        return True

    async def rest(self) -> Reply:
        """Read to the end, or for as long as an answer may take."""
        try:
            async with asyncio.timeout(self._target.timeout_seconds):
                while await self.next_chunk():
                    pass
        except TimeoutError:
            self.reply.cut = f"the answer did not end in {_limit(self._target)}"
        return self.reply


def _limit(target: Target) -> str:
    return (
        f"{target.timeout_seconds:g} s: answer long input sooner, or raise --agent-timeout-seconds"
    )
