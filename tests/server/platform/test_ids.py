"""Ids: which values are taken over, and which are replaced."""

import uuid

import pytest

from voicelive_agent.server.platform.ids import (
    choose_invocation_id,
    choose_request_id,
    choose_session_id,
    is_valid_id,
    make_uuid,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.mark.parametrize("value", ["a", "A-b_c.d:1", "x" * 256])
def test_valid_ids(value: str) -> None:
    assert is_valid_id(value)
    assert choose_invocation_id(value) == value
    assert choose_session_id(value, "default") == value


@pytest.mark.parametrize("value", ["a\n", "a b", "x" * 257, "ü", "a/b", "a\x00", "é", "١"])
def test_invalid_ids_are_replaced_by_a_new_uuid_and_not_by_the_default(value: str) -> None:
    """The official host's pattern lets a trailing newline through into the session id."""
    assert not is_valid_id(value)
    uuid.UUID(choose_invocation_id(value))
    uuid.UUID(choose_session_id(value, "default"))


def test_a_missing_session_id_is_the_containers_then_a_new_one() -> None:
    assert choose_session_id(None, "default") == "default"
    assert choose_session_id("", "default") == "default"
    uuid.UUID(choose_session_id(None, ""))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"traceparent": TRACEPARENT, "x-request-id": "mine"}, TRACE),
        ({"x-request-id": "mine"}, "mine"),
        ({"traceparent": "nonsense", "x-request-id": "mine"}, "mine"),
        ({"traceparent": f"00-{'0' * 32}-b7ad6b7169203331-01", "x-request-id": "mine"}, "mine"),
    ],
)
def test_request_id(headers: dict[str, str], expected: str) -> None:
    assert choose_request_id(headers) == expected


@pytest.mark.parametrize("value", ["", "a\r\nx: y", "x" * 300, "ü"])
def test_an_unusable_request_id_is_replaced(value: str) -> None:
    assert len(choose_request_id({"x-request-id": value})) == 32


def test_a_new_id_is_a_random_uuid_as_others_write_it() -> None:
    made = [make_uuid() for _ in range(200)]
    assert len(set(made)) == len(made)
    for text in made:
        read = uuid.UUID(text)
        assert (str(read), read.version, read.variant) == (text, 4, uuid.RFC_4122)
