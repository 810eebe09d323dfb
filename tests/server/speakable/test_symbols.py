"""Symbols and spoken forms: marks that are the message become words, others part words."""

from dataclasses import astuple, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.server.speakable import SpokenForms, find_forms, speakable
from voicelive_agent.server.speakable.symbols import CHARS


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        (
            "| Feature | Basic | Pro |\n|---|---|---|\n| WiFi | ✅ | ✅ |\n| Parking | ❌ | ✅ |\n",
            "Feature, Basic, Pro.\nWiFi, yes, yes.\nParking, no, yes.\n",
        ),
        ("WiFi ✅, parking ❌.", "WiFi yes, parking no."),
        ("✅ Free WiFi\n❌ Parking", "yes, Free WiFi\nno, Parking"),
        ("- ✔️ Soup\n- ✖️ Fish\n", "yes, Soup.\nno, Fish.\n"),
        ("1➕1 is 2", "1 plus 1 is 2"),
        ("10➗2 and 3✖️4 and 5➖1", "10 divided by 2 and 3 times 4 and 5 minus 1"),
        ("9:00→17:00, Oslo ➡️ Bergen", "9:00 to 17:00, Oslo to Bergen"),
        ("→ Next\nSales ↑ 5%, costs ⬇️ 2%", " Next\nSales up 5%, costs down 2%"),
        ("⭐⭐⭐⭐", "4 stars"),
        ("Rated ★★★★☆ by all, 4.5 ⭐", "Rated 4 out of 5 stars by all, 4.5 stars"),
        ("★★★½", "3½ stars"),
        ("| Inn | ⭐ |\n| Server | 🟢 |\n| Dogs | 🚫 |", "Inn, 1 star.\nServer, green.\nDogs, no"),
        (
            "| Mon | ☀️ |\n| Tue | 🌧️ ⛅ |\n| Wed | 🇩🇪 |\n| Hot | 🔥🔥🔥 |\n| Cook | 👩🏽‍🍳 Ann |\n",
            "Mon, sun.\nTue, cloud with rain, sun behind cloud.\nWed, Germany.\nHot, fire.\n"
            "Cook, Ann.\n",
        ),
        ("❶ Go ❷ stop, 1️⃣2️⃣, 🅰️ side", "1 Go 2 stop, 1 2, A side"),
    ],
)
def test_a_mark_that_is_the_message_is_said(text: str, spoken: str) -> None:
    """Marks of a table vanished, and 1➕1 was eleven."""
    assert speakable(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Hello😀world", "Hello world"),
        ("Great 🎉🎉 news", "Great news"),
        ("Great🎉! (🎉yes🎉)", "Great! (yes)"),
        ("⭐ Best choice", " Best choice"),
        ("Dogs 🚫 and 🟢 lights", "Dogs and lights"),
    ],
)
def test_a_decorative_mark_parts_words(text: str, spoken: str) -> None:
    assert speakable(text) == spoken


@pytest.mark.parametrize("language", ["de", "es", "fr", "it", "nl", "pt", "ja", "zh"])
def test_each_language_has_a_word_for_each_form(language: str) -> None:
    forms = find_forms(f"{language}-XX")
    assert all(astuple(forms))
    for field in fields(SpokenForms):
        given_places = getattr(forms, field.name).count("{}")
        assert given_places == str(field.default).count("{}"), field.name


def test_marks_are_said_in_the_language_of_the_caller() -> None:
    text = "| WLAN | ✅ |\n| Hunde | ❌ |\n"
    assert speakable(text, find_forms("de-DE")) == "WLAN, ja.\nHunde, nein.\n"
    assert speakable("9:00→17:00", find_forms("de")) == "9:00 bis 17:00"
    assert speakable("★★★☆☆", find_forms("fr-FR")) == "3 étoiles sur 5"
    assert speakable("汤 ✅", find_forms("zh-CN")) == "汤 是"
    assert speakable("| Mo | 🌧️ |\n", find_forms("de")) == "Mo, wolke mit regen.\n"
    assert speakable("| ma | 🌧️ |\n", find_forms("nl")) == "ma, cloud with rain.\n"
    assert find_forms("xx") == SpokenForms()


@given(
    st.text(st.characters(categories=["Ll"], max_codepoint=0x17F), min_size=1, max_size=6),
    st.sampled_from([*CHARS, "😀", "🇩🇪", "👨‍👩‍👧", "❤️"]),
    st.text(st.characters(categories=["Ll"], max_codepoint=0x17F), min_size=1, max_size=6),
)
def test_words_never_grow_together(before: str, mark: str, after: str) -> None:
    words = speakable(f"So {before}{mark}{after}").split()
    assert words[:2] == ["So", before]
    assert words[-1] == after
