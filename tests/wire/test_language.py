"""Which texts are language tags."""

import pytest

from voicelive_agent.wire.language import is_language_tag


@pytest.mark.parametrize(
    "tag",
    ["en", "en-US", "de-DE", "zh-Hant-TW", "es-419", "sl-rozaj", "de-1996", "en-u-ca-buddhist"],
)
def test_tags(tag: str) -> None:
    assert is_language_tag(tag)


@pytest.mark.parametrize("text", ["", "C", "de_DE", "de_DE:de", "en-US.UTF-8", "english", "en-"])
def test_what_is_none(text: str) -> None:
    assert not is_language_tag(text)
