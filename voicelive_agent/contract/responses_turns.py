"""Turns of the agent that is judged, by the Responses protocol: requests, and what answers them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import httpx
import pytest

from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.requests import trust_authorities
from voicelive_agent.contract.stream import read_json
from voicelive_agent.contract.target import Target

T = TypeVar("T")

_SHOWN = 300
ENDS = frozenset({"response.completed", "response.failed", "response.incomplete"})
_DELTA = "response.output_text.delta"
_BEFORE = ("response.created", "response.in_progress")
_ITEM = ("response.output_item.added", "response.content_part.added")
_AFTER = (
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
)


@dataclass
class Answer:
    """One HTTP answer. Its text form is for people to read."""

    request: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    events: list[dict[str, Any]] = field(default_factory=list)
    """Those of a stream, each with its ``event:`` as ``_name``."""

    @property
    def json(self) -> Any:
        try:
            return read_json(self.body)
        except ValueError:
            return None

    @property
    def response(self) -> dict[str, Any]:
        """The response that it holds, or ends with; empty where there is none."""
        found = self.json
        if self.events:
            found = self.events[-1].get("response")
        return found if isinstance(found, dict) else {}

    @property
    def text(self) -> str:
        """What is said."""
        return "".join(
            str(part.get("text", ""))
            for item in self.response.get("output") or ()
            for part in item.get("content") or ()
        )

    @property
    def types(self) -> list[str]:
        return [str(event.get("type")) for event in self.events]

    def __str__(self) -> str:
        lines = [self.request, f"HTTP {self.status}, {self.headers.get('content-type', '')}"]
        if self.events:
            return "\n".join([*lines, "events: " + ", ".join(self.types)])
        return "\n".join([*lines, f"{self.body[:_SHOWN]!r}"])


class Asker:
    """Asks one agent."""

    def __init__(self, target: Target, judge: Judge) -> None:
        self.target = target
        self.judge = judge
        self._client = httpx.AsyncClient(
            base_url=target.url,
            headers={"accept-encoding": "identity", **target.headers},
            params=target.query,
            timeout=target.timeout_seconds,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            verify=trust_authorities(),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        user: str | None = None,
    ) -> Answer:
        """A request to ``/responses{path}``, and the whole answer."""
        if content is None and body is not None:
            content = json.dumps(body, ensure_ascii=False).encode()
        headers = {"content-type": "application/json"} if content is not None else {}
        if user is not None:
            headers["x-agent-user-id"] = user
        label = f"{method} /responses{path}" + (f", body: {content[:_SHOWN]!r}" if content else "")
        try:
            reply = await self._client.request(
                method, f"/responses{path}", content=content, headers=headers
            )
        except httpx.TimeoutException:
            pytest.fail(f"{label}: no answer in {self.target.timeout_seconds:g} s", pytrace=False)
        answer = Answer(label, reply.status_code, reply.headers, reply.content)
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            answer.events = list(_read_events(answer.body))
        return answer

    async def send_stream(self, body: Any, on_begin: Callable[[], T]) -> tuple[Answer, T]:
        """Likewise a stream; what is done once its first event is there, and what that gives."""
        label = f"POST /responses, body: {json.dumps(body)[:_SHOWN]}"
        received, begun = b"", list[T]()
        async with self._client.stream("POST", "/responses", json=body) as reply:
            async for piece in reply.aiter_bytes():
                received += piece
                if not begun and b"\n\n" in received:
                    begun.append(on_begin())
        if not begun:
            pytest.fail(f"{label}: HTTP {reply.status_code} without an event", pytrace=False)
        answer = Answer(label, reply.status_code, reply.headers, received)
        answer.events = list(_read_events(received))
        return answer, begun[0]

    async def ask(self, input: Any, *, user: str | None = None, **fields: Any) -> Answer:
        """A turn that has to be answered whole. Judges RS-1 and RS-5, or RS-2 to RS-5."""
        answer = await self.send("POST", "", {"input": input, **fields}, user=user)
        self.judge_stream(answer) if fields.get("stream") else self._judge_whole(answer)
        return answer

    def _judge_whole(self, answer: Answer) -> None:
        whole = answer.response
        self.judge(
            answer.status == 200
            and whole.get("object") == "response"
            and whole.get("status") == "completed",
            "RS-1",
            "HTTP 200 with a completed response",
            answer,
        )
        self._judge_ids(answer)

    def judge_stream(self, answer: Answer) -> None:
        __tracebackhide__ = True
        judge, events = self.judge, answer.events
        judge(answer.status == 200 and bool(events), "RS-2", "a stream of events", answer)
        named = all(event.get("_name") == event.get("type") for event in events)
        judge(named, "RS-2", "event: and the type of its data the same", answer)
        numbers = [event.get("sequence_number") for event in events]
        judge(numbers == list(range(len(events))), "RS-4", "0, 1, 2, …", str(numbers), answer)
        judge(_is_in_order(answer.types), "RS-3", " → ".join((*_BEFORE, "…", *ENDS)), answer)
        streamed = "".join(e["delta"] for e in events if e.get("type") == _DELTA)
        done = "".join(e["text"] for e in events if e.get("type") == _AFTER[0])
        judge(streamed == done == answer.text, "RS-5", streamed, done, answer.text, answer)
        self._judge_ids(answer)

    def _judge_ids(self, answer: Answer) -> None:
        whole = answer.response
        name = str(whole.get("id"))
        items = [str(item.get("id")) for item in whole.get("output") or ()]
        partition = name.removeprefix("caresp_")[:18]
        fitting = name.startswith("caresp_") and all(
            item.partition("_")[2].startswith(partition) for item in items
        )
        self.judge(fitting, "RS-6", "caresp_… and items with its partition key", name, *items)


def _is_in_order(types: list[str]) -> bool:
    """Whether a turn of one text comes as the protocol has it; other items may stand before."""
    if tuple(types[:2]) != _BEFORE or sum(one in ENDS for one in types) != 1:
        return False
    if types[-1] != "response.completed" or _DELTA not in types:
        return types[-1] in ENDS
    first = types.index(_DELTA)
    return tuple(types[first - 2 : first]) == _ITEM and tuple(types[-4:]) == _AFTER


def _read_events(body: bytes) -> Any:
    for block in body.decode("utf-8", "replace").split("\n\n"):
        lines = dict(
            line.partition(": ")[::2] for line in block.split("\n") if not line.startswith(":")
        )
        if "data" in lines:
            try:
                event = read_json(lines["data"])
            except ValueError:
                continue
            if isinstance(event, dict):
                yield {**event, "_name": lines.get("event")}
