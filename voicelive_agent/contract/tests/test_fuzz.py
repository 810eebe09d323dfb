"""Bodies and headers that nobody thought of: refused properly, or answered properly."""

import json
from typing import Any
from urllib.parse import urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voicelive_agent.contract.envelope import judge_envelope
from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.requests import Wire
from voicelive_agent.contract.stream import judge_stream
from voicelive_agent.contract.target import Target

EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
# The keys and values that mean something, in places where they are not expected.
known = st.sampled_from(
    ["type", "input", "message", "input_audio.transcription", "done", "text", "delta", "error"]
)
near_turns = st.dictionaries(known | st.text(max_size=5), known | json_values, max_size=5)
bodies = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    json_values.map(lambda value: json.dumps(value).encode()),
    near_turns.map(lambda value: json.dumps(value).encode()),
    near_turns.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-16")),
    st.tuples(near_turns, st.integers(0, 80)).map(
        lambda cut: json.dumps(cut[0]).encode()[: cut[1]]
    ),
)
header_values = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=40
).map(lambda text: text.strip().encode("latin-1"))
header_names = st.sampled_from(
    [
        "accept",
        "baggage",
        "content-encoding",
        "content-type",
        "cookie",
        "last-event-id",
        "traceparent",
        "tracestate",
        "x-agent-foundry-call-id",
        "x-agent-invocation-id",
        "x-agent-user-id",
        "x-request-id",
    ]
)
headers = st.dictionaries(header_names, header_values, max_size=5)


async def _judge_turn(target: Target, judge: Judge, **options: Any) -> None:
    __tracebackhide__ = True
    async with Wire(target) as wire:
        reply = await wire.post(**options)
        judge(reply.status < 500, "BAD-6", "no status of 5xx", reply)
        if reply.answered:
            judge_stream(judge, reply)
        else:
            judge(400 <= reply.status < 500, "BAD-6", "a status of 4xx", reply)
            judge_envelope(judge, reply)


@EXAMPLES
@given(body=bodies, content_type=st.sampled_from(["application/json", "text/plain", "x/y"]))
async def test_any_body(target: Target, judge: Judge, body: bytes, content_type: str) -> None:
    await _judge_turn(target, judge, content=body, content_type=content_type)


@EXAMPLES
@given(sent=headers)
async def test_any_header(target: Target, judge: Judge, sent: dict[str, bytes]) -> None:
    judge.require("ID-2")
    raw = [(name.encode(), value) for name, value in sent.items()]
    body = {"message": target.text}
    await _judge_turn(target, judge, body=body, headers=raw, content_type=None)


@EXAMPLES
@given(session=st.text(max_size=300), query=st.dictionaries(st.text(), st.text(), max_size=3))
async def test_any_query(target: Target, judge: Judge, session: str, query: dict[str, str]) -> None:
    judge.require("ID-4")
    raw_query = urlencode({**query, "agent_session_id": session}, errors="surrogatepass")
    body = {"message": target.text}
    await _judge_turn(target, judge, body=body, session=None, raw_query=raw_query)


@EXAMPLES
@given(path=st.binary(min_size=1, max_size=300), cancel=st.booleans())
async def test_any_id_in_the_path(target: Target, judge: Judge, path: bytes, cancel: bool) -> None:
    """The judge's clause is ID-8: a status of 4xx, in the envelope."""
    judge.require("ID-8")
    quoted = "".join(f"%{byte:02X}" for byte in path)
    async with Wire(target) as wire:
        reply = await wire.send(
            "POST" if cancel else "GET", f"/invocations/{quoted}{'/cancel' if cancel else ''}"
        )
    judge(400 <= reply.status < 500, "ID-8", "a status of 4xx", reply)
    judge_envelope(judge, reply, "ID-8", "ID-8")
