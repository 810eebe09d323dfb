"""Tables of settings in docs/reference/settings.md, written from the settings classes.

``python -m infra.reference`` writes them anew between their markers.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from voicelive_agent.client.settings import Settings as ClientSettings
from voicelive_agent.emulator.settings import Settings as EmulatorSettings
from voicelive_agent.server.settings import Settings as ServerSettings
from voicelive_agent.settings_sources import option_of, variable_of

PAGE = Path(__file__).parents[1] / "docs/reference/settings.md"
PROGRAMS: Mapping[str, type[BaseSettings]] = {
    "server": ServerSettings,
    "emulator": EmulatorSettings,
    "client": ClientSettings,
}
_PART = re.compile(r"(<!-- settings: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_ALWAYS_SHOWN = (bool, int, float)


def write_page(page: str) -> str:
    """The page with its tables as the settings classes have them."""
    return _PART.sub(lambda part: f"{part[1]}{write_tables(PROGRAMS[part[2]])}{part[3]}", page)


def write_tables(settings: type[BaseSettings]) -> str:
    """A table for each group of a program's settings; what the platform sets has no group."""
    groups: dict[str, list[str]] = defaultdict(list)
    for field, info in settings.model_fields.items():
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        if group := str(extra.get("group") or ""):
            groups[group].append(_write_row(settings, field, info))
    head = "| variable | option | default | what it is |\n|---|---|---|---|\n"
    tables = (
        f"\n**{group[:1].upper()}{group[1:]}**\n\n{head}{''.join(rows)}"
        for group, rows in groups.items()
    )
    return f"{''.join(tables)}\n"


def _write_row(settings: type[BaseSettings], field: str, info: FieldInfo) -> str:
    option = option_of(settings, field)
    text = (info.description or "").replace("|", "&#124;").replace("<", "&lt;")
    cells = (
        f"`{variable_of(settings, field)}`",
        f"`{option}`" if option else "",
        _write_default(info),
        text,
    )
    return f"| {' | '.join(cells)} |\n"


def _write_default(info: FieldInfo) -> str:
    default: Any = info.default
    if isinstance(default, SecretStr) or info.is_required() or not _is_shown(info, default):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _is_shown(info: FieldInfo, default: object) -> bool:
    is_switch_or_number = isinstance(default, _ALWAYS_SHOWN)
    return is_switch_or_number or (isinstance(default, str) and default != "")


if __name__ == "__main__":
    PAGE.write_text(write_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
