"""Half surrogate pairs, as agents on JavaScript, C# and Java send them."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.client.core.unicode_text import WholeCharacters, clean_text

TEXT_DELTA = "response.audio_transcript.delta"


def deltas(*texts: str, kind: str = TEXT_DELTA) -> str:
    characters = WholeCharacters()
    return "".join(
        characters.clean({"type": kind, "item_id": "a", "delta": text})["delta"] for text in texts
    )


def test_halves_of_one_item_are_joined() -> None:
    """With --json the first of them ended the client; on a pipe it silenced it, exit code 0."""
    assert deltas("Hi \ud83d", "\ude00 there.") == "Hi 😀 there."


def test_halves_of_two_items_are_not() -> None:
    characters = WholeCharacters()
    first = characters.clean({"type": TEXT_DELTA, "item_id": "a", "delta": "x\ud83d"})
    second = characters.clean({"type": TEXT_DELTA, "item_id": "b", "delta": "\ude00y"})
    assert (first["delta"], second["delta"]) == ("x", "\ufffdy")


@given(
    st.recursive(
        st.text(st.characters()),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    )
)
def test_whatever_an_event_holds_can_be_written(value: Any) -> None:
    event = WholeCharacters().clean({"type": "warning", "delta": "\udc00", "held": value})
    json.dumps(event, ensure_ascii=False).encode()


@given(st.text(st.characters(exclude_categories=["Cs"])), st.data())
def test_no_cut_between_code_units_loses_anything(text: str, data: st.DataObject) -> None:
    units = [
        unit.decode("utf-16-le", "surrogatepass")
        for encoded in [text.encode("utf-16-le")]
        for unit in (encoded[at : at + 2] for at in range(0, len(encoded), 2))
    ]
    at = data.draw(st.integers(0, len(units)))
    assert deltas("".join(units[:at]), "".join(units[at:])) == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whole_text_stays(text: str) -> None:
    assert clean_text(text) == text
