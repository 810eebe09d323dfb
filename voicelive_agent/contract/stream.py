"""Server-sent events as an agent must send them, read from the bytes of one response."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from voicelive_agent.contract.judge import Judge
from voicelive_agent.wire.invocations import DELTA, SPEECH_DONE, SPOKEN_EVENT_TYPES, check_answer

_SHOWN_BYTES = 200


@dataclass
class Reply:
    """One HTTP response to one request, its body as raw bytes."""

    request: str
    """Method, path and body of the request, for people to read; no headers, no query."""
    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes = b""
    cut: str = ""
    """How the connection broke before the body's proper end; empty where it did not."""
    arrived: list[tuple[float, int]] = field(default_factory=list)
    """(seconds since the request, bytes so far) for each chunk."""

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def answered(self) -> bool:
        return self.status == 200

    @property
    def streamed(self) -> bool:
        return self.status == 200 and self.content_type.lower().startswith("text/event-stream")

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that can be read; what can't is left out."""
        found = []
        for block in self.body.split(b"\n\n"):
            for line in block.split(b"\n"):
                if line.startswith(b"data:"):
                    try:
                        event = read_json(line[5:])
                    except ValueError:
                        continue
                    if isinstance(event, dict):
                        found.append(event)
        return found

    @property
    def types(self) -> list[str]:
        return [str(event.get("type")) for event in self.events]

    @property
    def spoken(self) -> str:
        """The concatenation of the deltas."""
        return "".join(str(e.get("delta", "")) for e in self.events if e.get("type") == DELTA)

    @property
    def client_events(self) -> list[dict[str, Any]]:
        """Events that are not spoken."""
        return [e for e in self.events if e.get("type") not in SPOKEN_EVENT_TYPES]

    @property
    def comments(self) -> int:
        return sum(
            1
            for block in self.body.split(b"\n\n")
            for line in block.split(b"\n")
            if line.startswith(b":")
        )

    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return read_json(self.body)
        except ValueError:
            return None

    def __str__(self) -> str:
        shown = {
            name: value
            for name, value in self.headers.items()
            if name.startswith("x-") or name in ("content-type", "allow")
        }
        lines = [
            self.request,
            f"HTTP {self.status} "
            + ", ".join(f"{name}: {value[:80]}" for name, value in sorted(shown.items())),
            f"{len(self.body)} bytes, first: {self.body[:_SHOWN_BYTES]!r}",
        ]
        if len(self.body) > _SHOWN_BYTES:
            lines.append(f"last: {self.body[-_SHOWN_BYTES // 2 :]!r}")
        if self.streamed:
            lines.append(f"events: {_count(self.types)}")
        if self.cut:
            lines.append(f"the connection broke: {self.cut}")
        return "\n".join(lines)


def read_json(text: str | bytes) -> Any:
    """A JSON value. Raises ValueError for anything else, NaN and Infinity too."""
    with _deeper():
        return json.loads(text, parse_constant=_reject)


_WANTED = {
    "SSE-2": "valid UTF-8",
    "SSE-4": "`data:` lines only",
    "SSE-3": "`data: <json>` on one line, two line feeds after each event, no carriage return",
    "SSE-5": 'a JSON object such as {"type": "…"}',
    "SSE-6": f'one {{"type":"{SPEECH_DONE}","text":"…"}}',
    "SSE-7": 'one {"type":"done"}, at the end',
    "SSE-8": f"every {DELTA} before {SPEECH_DONE}",
    "SSE-10": "strings",
    "SSE-9": "the concatenation of the deltas",
}
"""What ``check_answer`` looks at, in the order in which it is told."""


def judge_stream(judge: Judge, reply: Reply) -> Reply:
    """Judge every clause of one whole answer, and return it."""
    __tracebackhide__ = True
    judge(
        reply.streamed,
        "SSE-1",
        "HTTP 200, content-type: text/event-stream",
        reply,
    )
    judge(not reply.cut, "SSE-12", "the end of the body", reply)
    with _deeper():
        found = check_answer(reply.body)
    for clause, wanted in _WANTED.items():
        findings = found.get(clause, [])
        messages = (finding.message for finding in findings)
        # Spaces that differ: samples of Microsoft's do so, and no caller hears it.
        harmless = clause == "SSE-9" and all(one.weight == "warning" for one in findings)
        judge(not findings, clause, wanted, reply, *messages, harmless=harmless)
    return reply


@contextmanager
def _deeper() -> Iterator[None]:
    """These tests stand deeper in their stack than the server that could read and write it."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 1000)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _reject(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _count(types: list[str]) -> str:
    """``a, a, a, b`` as ``a x3, b``."""
    runs: list[tuple[str, int]] = []
    for name in types:
        if runs and runs[-1][0] == name:
            runs[-1] = (name, runs[-1][1] + 1)
        else:
            runs.append((name, 1))
    return ", ".join(name if count == 1 else f"{name} x{count}" for name, count in runs)
