"""Stored responses and errors of the Responses protocol."""

from typing import Any

import pytest

from voicelive_agent.contract.responses_turns import Answer, Asker

UNKNOWN = "caresp_" + "0123456789abcdef00" + "a" * 32


def judge_error(asker: Asker, answer: Answer, status: int, clause: str) -> None:
    """Judge that it is an error of this status, in the protocol's shape."""
    __tracebackhide__ = True
    asker.judge(answer.status == status, clause, f"HTTP {status}", answer)
    told = (answer.json or {}).get("error") if isinstance(answer.json, dict) else None
    fields = isinstance(told, dict) and all(told.get(name) for name in ("code", "message", "type"))
    asker.judge(fields, "RS-9", '{"error":{"code","message","type"}}', answer)
    source = answer.headers.get("x-platform-error-source")
    asker.judge(
        source in ("user", "platform", "upstream"), "RS-10", "x-platform-error-source", answer
    )


async def test_a_stored_response_is_read_listed_and_removed(asker: Asker) -> None:
    answer = await asker.ask(asker.target.text)
    path = f"/{answer.response['id']}"
    again = await asker.send("GET", path)
    same = again.status == 200 and again.response.get("output") == answer.response.get("output")
    asker.judge(same, "RS-12", "the response as it was answered", again)
    items = await asker.send("GET", f"{path}/input_items?limit=1")
    listed = items.json if isinstance(items.json, dict) else {}
    data = listed.get("data") or [{}]
    asker.judge(
        items.status == 200 and listed.get("object") == "list" and data[0].get("role") == "user",
        "RS-14",
        "a list with the user's message",
        items,
    )
    removed = await asker.send("DELETE", path)
    asker.judge(
        removed.status == 200 and removed.response.get("deleted") is True,
        "RS-13",
        '"deleted": true',
        removed,
    )
    judge_error(asker, await asker.send("GET", path), 404, "RS-13")


async def test_an_unknown_response(asker: Asker) -> None:
    judge_error(asker, await asker.send("GET", f"/{UNKNOWN}"), 404, "RS-12")
    judge_error(asker, await asker.send("POST", f"/{UNKNOWN}/cancel"), 404, "RS-16")


async def test_a_response_that_is_over_is_not_cancelled(asker: Asker) -> None:
    answer = await asker.ask(asker.target.text)
    cancelled = await asker.send("POST", f"/{answer.response['id']}/cancel")
    judge_error(asker, cancelled, 400, "RS-16")


async def test_what_is_not_to_be_stored(asker: Asker) -> None:
    answer = await asker.ask(asker.target.text, store=False)
    judge_error(asker, await asker.send("GET", f"/{answer.response['id']}"), 404, "RS-15")


@pytest.mark.parametrize(
    ("body", "clause"),
    [
        (b"{", "RS-8"),
        (b'{"input": 1}', "RS-8"),
        (b'{"input": null}', "RS-8"),
        (b'{"input": "a", "metadata": {"a": 1}}', "RS-8"),
        (b'{"input": "a", "metadata": {"a": "' + b"x" * 513 + b'"}}', "RS-8"),
        (b'{"input": "a", "background": true, "store": false}', "RS-17"),
        (b'{"input": "a", "stream_options": {}}', "RS-17"),
        (b'{"input": "a", "previous_response_id": "what"}', "RS-18"),
    ],
    ids=[
        "no JSON",
        "a number",
        "null",
        "metadata of a number",
        "metadata too long",
        "background without store",
        "stream_options without stream",
        "malformed previous_response_id",
    ],
)
async def test_a_request_that_is_refused(asker: Asker, body: bytes, clause: str) -> None:
    judge_error(asker, await asker.send("POST", "", content=body), 400, clause)


@pytest.mark.parametrize("path", ["/what", "/what/cancel", "/what/input_items"])
async def test_a_malformed_id_in_the_path(asker: Asker, path: str) -> None:
    method: Any = "POST" if path.endswith("cancel") else "GET"
    judge_error(asker, await asker.send(method, path), 400, "RS-18")
