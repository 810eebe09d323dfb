from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.client.core.cards import Cards, unwrap

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def test_fields_that_nobody_agreed_on_are_listed() -> None:
    card = Cards().read({"type": "weather", "city": "Seattle", "text": "Cloudy", "more": {"a": 1}})
    assert card.title == "weather"
    assert card.lines == ("city: Seattle", "Cloudy", 'more: {"a": 1}')


@pytest.mark.parametrize(
    "delta",
    [
        {"type": "ui.card", "title": "T"},
        'data: {"type": "ui.card", "title": "T"}',
        '{"type": "ui.card", "title": "T"}',
    ],
)
def test_event_may_still_be_wrapped(delta: Any) -> None:
    assert Cards().read({"type": "response.invocation.delta", "delta": delta}).title == "T"
    assert unwrap({"type": "response.invocation.delta", "delta": "data: no"}) == {"text": "no"}


def test_buttons_of_a_turn_count_on_and_the_next_turn_begins_anew() -> None:
    cards = Cards()
    for label in ("a", "b"):
        cards.read({"type": "ui.buttons", "buttons": [{"label": label, "action": {"is": label}}]})
    assert cards.choose(2) == {"is": "b"}
    cards.end_turn()
    assert cards.choose(1) == {"is": "a"}
    cards.read({"type": "ui.card", "title": "no buttons"})
    assert cards.choose(1) == {"is": "a"}
    cards.read({"type": "ui.buttons", "buttons": [{"label": "c", "action": {"is": "c"}}]})
    assert cards.choose(1) == {"is": "c"}
    assert cards.choose(2) is None
    assert cards.choose(0) is None


def test_action_that_is_no_object_becomes_a_click() -> None:
    cards = Cards()
    cards.read({"buttons": [{"label": "Go", "action": "go"}]})
    assert cards.choose(1) == {"type": "click", "action": "go"}


@given(st.dictionaries(st.sampled_from(["type", "title", "lines", "buttons", "delta"]), JSON))
def test_whatever_an_agent_sends_can_be_read(event: dict[str, Any]) -> None:
    cards = Cards()
    card = cards.read(event)
    for number, label in card.buttons:
        assert isinstance(label, str)
        assert cards.choose(number) is not None
