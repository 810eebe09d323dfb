import json
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.agent import TurnKind
from voicelive_agent.server.conversations import ConversationKey, TurnRecord, TurnStatus
from voicelive_agent.server.conversations.records import (
    decode_record,
    describe_record,
    encode_json,
    encode_record,
)

KEY = ConversationKey("user", "session")
# Any Python string, lone surrogates included: JSON can carry them.
any_text = st.text(st.characters(exclude_categories=())) | st.just("\ud83d\ude00 \udfff ü \x00")
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=10,
)
any_object = st.dictionaries(any_text, any_json, max_size=4)
records = st.builds(
    TurnRecord,
    invocation_id=st.text(min_size=1),
    key=st.just(KEY),
    kind=st.sampled_from(get_args(TurnKind)),
    text=any_text,
    action=st.none() | any_object,
    status=st.sampled_from(get_args(TurnStatus)),
    reason=any_text,
    reply=any_text,
    heard=st.none() | any_text,
    heard_is_known=st.booleans(),
    marks=st.lists(st.tuples(st.integers(0), st.integers(0))),
    notes=any_object,
    started_at=st.floats(allow_nan=False),
    ended_at=st.none() | st.floats(allow_nan=False),
    interrupted=st.booleans(),
    sequence=st.integers(1, 2**53),
)


def as_stored(value: Any) -> Any:
    """The rule: every lone surrogate becomes U+FFFD, nothing else changes, no length either."""
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, dict):
        return {as_stored(name): as_stored(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_stored(item) for item in value]
    return value


@given(records)
def test_a_record_comes_back_as_it_went(record: TurnRecord) -> None:
    encoded = encode_record(record).encode()
    decoded = decode_record(encoded, KEY, record.sequence)
    for name in TurnRecord.__slots__:
        if name not in ("key", "sequence", "marks"):
            assert getattr(decoded, name) == as_stored(getattr(record, name))
    assert decoded.marks == record.marks
    assert (decoded.key, decoded.sequence) == (KEY, record.sequence)
    assert len(decoded.reply) == len(record.reply)


@given(records)
def test_an_exported_record_is_strict_json_with_every_field(record: TurnRecord) -> None:
    decoded = decode_record(encode_record(record), KEY, record.sequence)
    line = json.dumps(describe_record(decoded), allow_nan=False, ensure_ascii=False)
    assert "\n" not in line
    assert line.encode()
    read = json.loads(line)
    assert set(read) == {*TurnRecord.__slots__, "user_id", "session_id"} - {"key"}


def test_a_huge_text_comes_back() -> None:
    text = "Ünïcødé 🎉 " * 1_000_000
    record = TurnRecord("id", KEY, "speech", reply=text)
    assert decode_record(encode_record(record), KEY, 1).reply == text


def test_fields_of_a_newer_version_are_ignored() -> None:
    stored = json.loads(encode_record(TurnRecord("id", KEY, "speech", reply="r")))
    decoded = decode_record(encode_json({**stored, "mood": "good"}), KEY, 3)
    assert decoded == TurnRecord("id", KEY, "speech", reply="r", sequence=3)


def test_numbers_that_json_does_not_have_are_exported_as_null() -> None:
    record = TurnRecord("id", KEY, "action", action={"a": [float("nan"), {"b": float("-inf")}]})
    decoded = decode_record(encode_record(record), KEY, 1)
    assert decoded.action is not None and decoded.action["a"][1] == {"b": float("-inf")}
    assert describe_record(decoded)["action"] == {"a": [None, {"b": None}]}
