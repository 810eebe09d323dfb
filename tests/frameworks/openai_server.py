"""A local model server: OpenAI's chat completions and Responses, streamed, as a test scripts them.

    async with OpenAIServer() as server:
        server.answer(Call("get_weather", city="Oslo"))
        server.answer("It is ", Pause(), "cold.")

Each answer serves one request; what was asked is in ``server.requests``.
"""

import asyncio
import contextlib
import itertools
import json
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

from openai import AsyncOpenAI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.frameworks.local_server import serve


class Call:
    """The model calls a tool."""

    def __init__(self, name: str, /, **arguments: Any) -> None:
        self.name = name
        self.arguments = json.dumps(arguments)


class Pause:
    """The model stops here until ``resume`` is called."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._resumed = asyncio.Event()

    def resume(self) -> None:
        self._resumed.set()

    async def wait(self) -> None:
        self.reached.set()
        await self._resumed.wait()


class Break:
    """The model fails in the middle of its answer."""


@dataclass
class Refuse:
    """The server refuses the request with an HTTP status; stands alone in its answer."""

    status: int = 429
    retry_after: str | None = None
    code: str = "rate_limit_exceeded"
    body: dict[str, Any] = field(default_factory=dict)
    """In place of a body with that code."""


class Frames:
    """A chat completion's stream as another server would send it; stands alone in its answer.

    Each frame is a delta, or a whole chunk where it has ``choices`` or ``error``, or an event of
    the Responses protocol; ``finish`` is the reason of a last chunk.
    """

    def __init__(self, *frames: dict[str, Any], finish: str | None = "stop") -> None:
        self.chunks = [self._complete(frame) for frame in frames]
        if finish is not None:
            self.chunks.append(self._complete({}, finish))

    @staticmethod
    def _complete(frame: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        if frame.keys() & {"choices", "error", "type"}:
            return frame
        choice = {"index": 0, "delta": frame, "finish_reason": finish}
        head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return {**head, "choices": [choice]}


Step = str | Call | Pause | Break | Refuse | Frames


@dataclass
class Received:
    """One request. ``disconnected`` is set when its peer goes before the answer's end."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages or input items, as the framework sent them."""
        items: list[dict[str, Any]] = self.body.get("messages") or self.body.get("input") or []
        return items

    @property
    def tools(self) -> set[str]:
        return {tool.get("function", tool)["name"] for tool in self.body.get("tools") or ()}

    def transcript(self) -> list[str]:
        """What was said and called, a line for each, without the instructions."""
        return [line for item in self.messages for line in _transcribe(item)]


class OpenAIServer:
    """Serves on a free port of 127.0.0.1; ``url`` is the base URL for a client.

    Below ``root``, any path that ends as OpenAI's do is served.
    """

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self._answers: deque[tuple[Step, ...]] = deque()
        self._arrived = asyncio.Event()
        self._clients: list[AsyncOpenAI] = []
        self._app = Starlette(
            routes=[
                Route("/{base:path}/chat/completions", self._complete, methods=["POST"]),
                Route("/{base:path}/responses", self._respond, methods=["POST"]),
            ]
        )
        self._open = contextlib.AsyncExitStack()

    def connect(self) -> AsyncOpenAI:
        """A client of this server, closed with it."""
        client = AsyncOpenAI(base_url=self.url, api_key="key", max_retries=0)
        self._clients.append(client)
        return client

    def answer(self, *steps: Step) -> None:
        self._answers.append(steps)

    async def __aenter__(self) -> "OpenAIServer":
        self.root = await self._open.enter_async_context(serve(self._app))
        self.url = f"{self.root}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients:
            await client.close()
        await self._open.aclose()

    async def wait_for_request(self, count: int) -> Received:
        """The request of this number, counted from 1, once it has arrived."""
        while len(self.requests) < count:
            self._arrived.clear()
            await self._arrived.wait()
        return self.requests[count - 1]

    async def _complete(self, request: Request) -> Response:
        return await self._serve(request, _ChatCompletion)

    async def _respond(self, request: Request) -> Response:
        return await self._serve(request, _Responses)

    async def _serve(self, request: Request, encoding: type["_Encoding"]) -> Response:
        received = Received(request.url.path, dict(request.headers), await request.json())
        self.requests.append(received)
        self._arrived.set()
        steps = self._answers.popleft() if self._answers else ("I have nothing to say.",)
        if isinstance(steps[0], Refuse):
            refusal = steps[0]
            return JSONResponse(
                {"error": {"message": "slow down", "type": "requests", "code": refusal.code}}
                | refusal.body,
                refusal.status,
                {"retry-after": refusal.retry_after} if refusal.retry_after is not None else None,
            )
        if not received.body.get("stream"):
            return JSONResponse(
                {"error": {"message": "this server only streams", "code": "not_streamed"}}, 400
            )
        return StreamingResponse(
            self._stream(received, steps, encoding()), media_type="text/event-stream"
        )

    async def _stream(
        self, received: Received, steps: tuple[Step, ...], encoding: "_Encoding"
    ) -> AsyncIterator[bytes]:
        ended = False
        try:
            if not isinstance(steps[0], Frames):
                for event in encoding.open():
                    yield event
            for step in steps:
                if isinstance(step, Pause):
                    await step.wait()
                elif isinstance(step, Break):
                    ended = True
                    raise ConnectionAbortedError("a scripted failure in mid-stream")
                elif isinstance(step, Frames):
                    for chunk in step.chunks:
                        yield _encode(chunk)
                    yield b"data: [DONE]\n\n"
                    ended = True
                    return
                elif isinstance(step, Call):
                    for event in encoding.call(step):
                        yield event
                elif isinstance(step, str):
                    for event in encoding.say(step):
                        yield event
            for event in encoding.close():
                yield event
            ended = True
        finally:
            if not ended:
                received.disconnected.set()


def _encode(event: dict[str, Any], name: str = "") -> bytes:
    line = f"event: {name}\n" if name else ""
    return f"{line}data: {json.dumps(event)}\n\n".encode()


class _Encoding:
    """How one protocol says it."""

    def open(self) -> Iterator[bytes]:
        raise NotImplementedError

    def say(self, text: str) -> Iterator[bytes]:
        raise NotImplementedError

    def call(self, call: Call) -> Iterator[bytes]:
        raise NotImplementedError

    def close(self) -> Iterator[bytes]:
        raise NotImplementedError


_ids = itertools.count(1)


class _ChatCompletion(_Encoding):
    def __init__(self) -> None:
        self._id = f"chatcmpl-{next(_ids)}"
        self._calls = 0

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _encode(
            {
                "id": self._id,
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "test",
                "choices": [choice],
            }
        )

    def open(self) -> Iterator[bytes]:
        yield self._chunk({"role": "assistant", "content": ""})

    def say(self, text: str) -> Iterator[bytes]:
        yield self._chunk({"content": text})

    def call(self, call: Call) -> Iterator[bytes]:
        index, self._calls = self._calls, self._calls + 1
        function = {"name": call.name, "arguments": ""}
        head = {"index": index, "id": f"call_{next(_ids)}", "type": "function"}
        yield self._chunk({"tool_calls": [head | {"function": function}]})
        for part in (call.arguments[:5], call.arguments[5:]):
            yield self._chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})

    def close(self) -> Iterator[bytes]:
        yield self._chunk({}, "tool_calls" if self._calls else "stop")
        yield b"data: [DONE]\n\n"


class _Responses(_Encoding):
    def __init__(self) -> None:
        self._id = f"resp_{next(_ids)}"
        self._sequence = itertools.count()
        self._output: list[dict[str, Any]] = []
        self._text: list[str] | None = None

    def _event(self, type: str, **fields: Any) -> bytes:
        return _encode({"type": type, "sequence_number": next(self._sequence), **fields}, type)

    def _response(self, status: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "response",
            "created_at": 1,
            "model": "test",
            "status": status,
            "output": self._output,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": {
                "input_tokens": 1,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": 1,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 2,
            },
        }

    def open(self) -> Iterator[bytes]:
        yield self._event("response.created", response=self._response("in_progress"))

    def say(self, text: str) -> Iterator[bytes]:
        if self._text is None:
            self._text = []
            self._message = f"msg_{next(_ids)}"
            item = self._describe_message("in_progress", None)
            part: dict[str, Any] = {"type": "output_text", "text": "", "annotations": []}
            yield self._event("response.output_item.added", output_index=self._index, item=item)
            yield self._event("response.content_part.added", **self._place, part=part)
        self._text.append(text)
        yield self._event("response.output_text.delta", **self._place, delta=text, logprobs=[])

    def call(self, call: Call) -> Iterator[bytes]:
        yield from self._end_message()
        item = {
            "id": f"fc_{next(_ids)}",
            "type": "function_call",
            "call_id": f"call_{next(_ids)}",
            "name": call.name,
            "arguments": "",
            "status": "in_progress",
        }
        place = {"output_index": self._index, "item_id": item["id"]}
        arguments = call.arguments
        yield self._event("response.output_item.added", output_index=self._index, item=item)
        yield self._event("response.function_call_arguments.delta", **place, delta=arguments)
        yield self._event(
            "response.function_call_arguments.done", **place, name=call.name, arguments=arguments
        )
        item = item | {"arguments": arguments, "status": "completed"}
        yield self._event("response.output_item.done", output_index=self._index, item=item)
        self._output.append(item)

    def close(self) -> Iterator[bytes]:
        yield from self._end_message()
        yield self._event("response.completed", response=self._response("completed"))

    @property
    def _index(self) -> int:
        return len(self._output)

    @property
    def _place(self) -> dict[str, Any]:
        return {"output_index": self._index, "content_index": 0, "item_id": self._message}

    def _describe_message(self, status: str, text: str | None) -> dict[str, Any]:
        part: dict[str, Any] = {"type": "output_text", "text": text, "annotations": []}
        return {
            "id": self._message,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [part] if text is not None else [],
        }

    def _end_message(self) -> Iterator[bytes]:
        if self._text is None:
            return
        text, self._text = "".join(self._text), None
        item = self._describe_message("completed", text)
        yield self._event("response.output_text.done", **self._place, text=text, logprobs=[])
        yield self._event("response.content_part.done", **self._place, part=item["content"][0])
        yield self._event("response.output_item.done", output_index=self._index, item=item)
        self._output.append(item)


def _transcribe(item: dict[str, Any]) -> Iterator[str]:
    if item.get("type") == "function_call":
        yield _describe_call(item)
    elif item.get("type") == "function_call_output":
        yield f"result {_read_text(item['output'])}"
    elif item["role"] == "tool":
        yield f"result {_read_text(item['content'])}"
    elif item["role"] in ("user", "assistant"):
        if text := _read_text(item.get("content")):
            yield f"{item['role']}: {text}"
        for call in item.get("tool_calls") or ():
            yield _describe_call(call["function"])


def _describe_call(call: dict[str, Any]) -> str:
    arguments = json.loads(call["arguments"])
    return f"call {call['name']}({', '.join(f'{k}={v}' for k, v in arguments.items())})"


def _read_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content or ())
