"""Judges an error response: its body and its source header."""

from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.stream import Reply

SOURCES = ("user", "platform", "upstream")


def judge_envelope(judge: Judge, reply: Reply, body: str = "ERR-1", source: str = "ERR-2") -> None:
    """Judge an error's body and header under the given clauses."""
    __tracebackhide__ = True
    value = reply.json()
    error = value.get("error") if isinstance(value, dict) else None
    judge(
        isinstance(error, dict)
        and all(isinstance(error.get(name), str) and error[name] for name in ("code", "message")),
        body,
        '{"error":{"code":"…","message":"…"}}',
        reply,
    )
    judge(
        reply.content_type.startswith("application/json"),
        body,
        "content-type: application/json",
        reply,
    )
    judge(
        reply.headers.get("x-platform-error-source") in SOURCES,
        source,
        f"x-platform-error-source: {', '.join(SOURCES)}",
        reply,
    )
