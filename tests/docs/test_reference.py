"""The reference says what the code has: settings, public fields, endings of a turn."""

import dataclasses
import re
from pathlib import Path

from infra.reference import PAGE, write_page
from voicelive_agent import PastTurn, Turn
from voicelive_agent.server.engine.ending import Ending
from voicelive_agent.settings_sources import known_variables

DOCS = Path(__file__).parents[2] / "docs"


def read(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def test_tables_of_settings_are_those_of_the_classes() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert write_page(page) == page, "write it anew: .venv/bin/python -m infra.reference"


def test_every_setting_is_on_a_page() -> None:
    pages = read("reference/settings.md") + read("howto/model-without-code.md")
    names = {name for name in known_variables() if not name.startswith("AZURE_VOICELIVE_")}
    assert [name for name in sorted(names) if f"`{name}" not in pages] == []


def test_every_field_of_a_turn_is_on_its_page() -> None:
    page = read("reference/turn.md")
    first, _, second = page.partition("\n## PastTurn")
    for text, shape in ((first, Turn), (second, PastTurn)):
        for field in dataclasses.fields(shape):
            assert f"`{field.name}`" in text, f"{shape.__name__}.{field.name}"


def test_every_ending_of_a_turn_is_on_the_page_of_limits() -> None:
    rows = dict(
        re.findall(r"^\| `(\w+)` \| (\w+) \|", read("reference/limits.md"), flags=re.MULTILINE)
    )
    assert rows == {ending.value: ending.status for ending in Ending}
