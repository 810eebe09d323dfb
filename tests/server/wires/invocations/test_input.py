"""What counts as speech, an action, a greeting, or no turn at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.server.platform.errors import ApiError
from voicelive_agent.server.wires.invocations.input import parse_turn

JSON = "application/json"
SPEECH = "input_audio.transcription"


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        (JSON, {"type": SPEECH, "input": "hello"}, "hello"),
        (JSON, {"type": SPEECH, "input": " padded ", "locale": "en"}, " padded "),
        (JSON, {"input": "hello"}, "hello"),
        (JSON, {"message": "hello"}, "hello"),
        ("application/x-www-form-urlencoded", {"message": "hello"}, "hello"),
        ("", {"message": "hello"}, "hello"),
        ("text/plain", "hello {there}", "hello {there}"),
        ("text/plain; charset=utf-8", "Grüße", "Grüße"),
        ("text/plain", '{"no": json', '{"no": json'),
        ("text/plain", {"type": SPEECH, "input": "hello"}, "hello"),
        (JSON, '{"input": "half \\ud83d a pair"}', "half \N{REPLACEMENT CHARACTER} a pair"),
        (JSON, '{"input": "\\ud83d\\ude00"}', "😀"),
        (JSON, '\ufeff{"input": "with a mark"}', "with a mark"),
    ],
)
def test_speech(content_type: str, body: object, text: str) -> None:
    raw = body if isinstance(body, str) else json.dumps(body)
    turn = parse_turn(content_type, raw.encode())
    assert turn[:3] == ("speech", text, None)
    assert turn.typed == (SPEECH not in raw)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "  \n",
        "{}",
        '{"input": ""}',
        '{"input": null}',
        '{"message": " "}',
        json.dumps({"type": SPEECH}),
        json.dumps({"type": SPEECH, "input": None}),
        json.dumps({"type": SPEECH, "input": ""}),
    ],
)
@pytest.mark.parametrize("content_type", [JSON, ""])
def test_greeting(content_type: str, body: str) -> None:
    assert parse_turn(content_type, body.encode())[:3] == ("greeting", "", None)


@pytest.mark.parametrize(
    "action",
    [
        {"type": "button_click", "action": "select_hotel", "hotel_id": 7},
        {"type": ""},
        {"type": None, "input": "x"},
        {"type": "message", "input": "x"},
        {"action": "book", "input": {"table": 4}},
        {"nested": {"deep": [1, 2.5, True, None, "é"]}},
        json.loads('{"deep": ' * 64 + "1" + "}" * 64),
    ],
)
def test_action_is_verbatim(action: dict[str, Any]) -> None:
    assert parse_turn(JSON, json.dumps(action).encode()) == ("action", "", action, False)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "invalid_json"),
        (b"hello", "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b'{"a": -Infinity}', "invalid_json"),
        (b'{"a": 1e999}', "invalid_json"),
        (b"\xff\xfe{}", "invalid_utf8"),
        (b"[]", "invalid_request"),
        (b'"text"', "invalid_request"),
        (b"null", "invalid_request"),
        (b"7", "invalid_request"),
        (b'{"input": 7}', "invalid_input"),
        (b'{"input": ["a"]}', "invalid_input"),
        (b'{"message": {"a": 1}}', "invalid_input"),
        (b'{"type": "input_audio.transcription", "input": false}', "invalid_input"),
        (b"[" * 100_000, "invalid_json"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "invalid_json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "invalid_json"),
        (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "nested_too_deep"),
        (b'{"a": ' * 65 + b"1" + b"}" * 65, "nested_too_deep"),
    ],
)
def test_what_is_no_turn(body: bytes, code: str) -> None:
    with pytest.raises(ApiError) as raised:
        parse_turn(JSON, body)
    assert (raised.value.status, raised.value.code, raised.value.source) == (400, code, "user")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()), st.text())
def test_any_body_is_a_turn_or_an_error_of_the_caller(body: bytes, content_type: str) -> None:
    try:
        kind, text, action, _ = parse_turn(content_type, body)
    except ApiError as error:
        assert error.source == "user"
    else:
        assert (kind == "speech") == bool(text.strip())
        assert (kind == "action") == (action is not None)
        text.encode("utf-8")
