"""Bodies of requests: compressed ones are inflated within the bound, others are refused by name.

A gzip'd body was "invalid UTF-8" (case F17): the platform forwards its content-encoding.
"""

import gzip
import json
import zlib
from collections.abc import AsyncIterator

import pytest

from tests.server.serving import read_events, serve_agent
from voicelive_agent.agent import Output, Turn

SPEECH = json.dumps({"type": "input_audio.transcription", "input": "gz"}).encode()


class Parrot:
    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        yield turn.text or turn.kind


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(SPEECH, mtime=0)),
        ("GZIP", gzip.compress(SPEECH, mtime=0)),
        ("x-gzip", gzip.compress(SPEECH, mtime=0)),
        ("deflate", zlib.compress(SPEECH)),
        ("identity", SPEECH),
        ("", SPEECH),
    ],
)
async def test_a_body_is_read_in_the_coding_that_it_names(coding: str, body: bytes) -> None:
    async with serve_agent(Parrot()) as client:
        answer = await client.post(
            "/invocations", content=body, headers={"content-encoding": coding}
        )
        assert answer.status_code == 200, answer.text
        assert read_events(answer.text)[0]["delta"] == "gz"


@pytest.mark.parametrize(
    ("coding", "body", "status", "code"),
    [
        ("br", SPEECH, 415, "unsupported_content_encoding"),
        ("zstd", SPEECH, 415, "unsupported_content_encoding"),
        (
            "gzip, gzip",
            gzip.compress(gzip.compress(SPEECH, mtime=0), mtime=0),
            415,
            "unsupported_content_encoding",
        ),
        ("gzip", SPEECH, 400, "invalid_content_encoding"),
        ("gzip", gzip.compress(SPEECH, mtime=0)[:-9], 400, "invalid_content_encoding"),
        ("gzip", gzip.compress(SPEECH, mtime=0) + b"more", 400, "invalid_content_encoding"),
        ("gzip", gzip.compress(b"x" * 50_000_000, mtime=0), 413, "body_too_large"),
        ("deflate", zlib.compress(b" " * 2_000_000), 413, "body_too_large"),
    ],
)
async def test_what_can_not_be_inflated_is_refused(
    coding: str, body: bytes, status: int, code: str
) -> None:
    async with serve_agent(Parrot()) as client:
        answer = await client.post(
            "/invocations", content=body, headers={"content-encoding": coding}
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert answer.headers["x-agent-invocation-id"]
        if status == 413:
            assert "VOICELIVE_MAX_BODY_BYTES" in answer.text


@pytest.mark.parametrize(
    "header", ["x-agent-user-id", "x-agent-invocation-id", "x-agent-foundry-call-id"]
)
async def test_a_header_that_says_whose_turn_it_is_comes_once(header: str) -> None:
    """Of two, the first was taken, and what is in front of the server may take the other."""
    async with serve_agent(Parrot()) as client:
        headers = [(header, "a"), (header, "b"), ("content-type", "application/json")]
        answer = await client.post("/invocations", content=SPEECH, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "repeated_header")
        query = "/invocations?agent_session_id=a&agent_session_id=b"
        answer = await client.post(query, content=SPEECH)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "repeated_query")
