"""How settings are read: options, environment, ``.env``, TOML; each program's own are its settings.

A field of a program's settings is one option (``--history-turns``), one variable
(``VOICELIVE_HISTORY_TURNS``, or what ``variable`` names instead) and one key of the program's table
in ``voicelive.toml`` (``history-turns``). No variable means two things in two programs.
"""

import argparse
import difflib
import importlib
import os
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from voicelive_agent.wire.net import DEFAULT_EMULATOR_PORT

TOML_FILE = "voicelive.toml"
ENV_FILE = ".env"

_PREFIX = "VOICELIVE_"
# By name: no program imports another, and a container holds not all of them.
_PROGRAMS = (
    "voicelive_agent.server.settings:Settings",
    "voicelive_agent.model_agent.settings:ModelAgentSettings",
    "voicelive_agent.emulator.settings:Settings",
    "voicelive_agent.client.settings:Settings",
)


class SettingsError(Exception):
    """Settings that can't be used: a line for each, with its variable and option."""


class ProgramSettings(BaseSettings):
    """The settings of one program. Read them with ``load``."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        protected_namespaces=(),
    )

    toml_table: ClassVar[str]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        path = getattr(dotenv_settings, "env_file", None)
        return (
            init_settings,
            _Variables(cls, os.environ),
            _Variables(cls, _read_dotenv(path)),
            InitSettingsSource(cls, _read_table(cls)),
        )


class _Variables(PydanticBaseSettingsSource):
    """Each field by its variable and no other name, in its case.

    pydantic-settings' own source reads a field with an alias by its name, too, once options may be
    given by that: VOICELIVE_API_KEY, which is the client's, as the server's key.
    """

    def __init__(self, settings: type[BaseSettings], variables: Mapping[str, str | None]) -> None:
        super().__init__(settings)
        self._variables = variables

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._variables.get(variable_of(self.settings_cls, field_name)), field_name, False

    def __call__(self) -> dict[str, Any]:
        read = {
            name: self.get_field_value(info, name)[0]
            for name, info in self.settings_cls.model_fields.items()
        }
        # An empty variable is one that is not set.
        return {name: value for name, value in read.items() if value}


Loaded = TypeVar("Loaded", bound=ProgramSettings)


def setting(
    group: str,
    help: str,
    default: Any = ...,
    *,
    variable: str | None = None,
    option: str | None = None,
    metavar: str | None = None,
    **constraints: Any,
) -> Any:
    """A field with an option in ``group`` of ``--help``; without a group it has none.

    ``variable`` and ``option`` replace the names that follow from the field's.
    """
    extra: dict[str, Any] = {
        "group": group,
        "option": option,
        "metavar": metavar,
        "variable": variable,
    }
    if "default_factory" not in constraints:
        constraints["default"] = default
    return Field(description=help, json_schema_extra=extra, **constraints)


def strip(value: object) -> object:
    """Without space around it: secrets are often made of files, with the newline at their end."""
    return value.strip() if isinstance(value, str) else value


def split_list(value: object) -> object:
    """``a, b c`` as a list; anything but text is left as it is."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def load(
    settings: type[Loaded], options: Mapping[str, Any] | None = None, env_file: Path | None = None
) -> Loaded:
    """The settings of a program; an option that is None was not given. Raises SettingsError."""
    given = {name: value for name, value in (options or {}).items() if value is not None}
    if env_file is not None:
        if not env_file.is_file():
            raise SettingsError(f"--env-file {env_file}: there is no such file")
        given["_env_file"] = env_file
    try:
        return settings(**given)
    except ValidationError as error:
        raise SettingsError("\n".join(_describe(settings, error))) from None


def variable_of(settings: type[BaseSettings], field: str) -> str:
    """The environment variable of a field."""
    info = settings.model_fields[field]
    named = _extra(info).get("variable") or info.validation_alias
    return str(named or f"{settings.model_config.get('env_prefix', '')}{field}".upper())


def variables_of(settings: type[BaseSettings]) -> Mapping[str, str]:
    """The variables of all fields, each with its field."""
    return {variable_of(settings, field): field for field in settings.model_fields}


def option_of(settings: type[BaseSettings], field: str) -> str:
    """The option of a field, or nothing where it has none."""
    extra = _extra(settings.model_fields[field])
    if not extra.get("group"):
        return ""
    return str(extra.get("option") or f"--{field.replace('_', '-')}")


def add_options(
    parser: argparse.ArgumentParser, settings: type[BaseSettings], first: Sequence[str] = ()
) -> None:
    """An option for each field that has a group, in the order of the fields.

    ``first`` are groups to stand before the others.
    """
    groups: dict[str, Any] = {group: parser.add_argument_group(group) for group in first}
    for field, info in settings.model_fields.items():
        if group := _extra(info).get("group"):
            if group not in groups:
                groups[group] = parser.add_argument_group(group)
            groups[group].add_argument(
                option_of(settings, field),
                dest=field,
                default=None,
                help=_help(settings, field),
                **_shape(info),
            )


def read_environment(env_file: Path | None = None) -> dict[str, str]:
    """The environment with the ``.env`` file under it; an empty variable is none."""
    layers = (dotenv_values(env_file or ENV_FILE), os.environ)
    return {name: value for layer in layers for name, value in layer.items() if value}


def read_setting(table: str, key: str, variable: str) -> str:
    """One setting from the environment, ``.env`` or TOML, or nothing; ``key`` as in ``models-dir``.

    For who needs no other setting of that program, or can't import it. Raises SettingsError.
    """
    if value := read_environment().get(variable):
        return value
    keys = {name.replace("_", "-"): value for name, value in _read_file().get(table, {}).items()}
    return str(keys.get(key, ""))


def emulator_url() -> str:
    """Where clients look for the emulator of this machine unless an option says otherwise."""
    port = read_setting("emulator", "port", "VOICELIVE_EMULATOR_PORT")
    # The emulator takes a free one for 0, which no client can know.
    return f"http://127.0.0.1:{DEFAULT_EMULATOR_PORT if port in ('', '0') else port}"


def find_unknown_names(env_file: Path | None = None) -> list[str]:
    """A line for each variable ``VOICELIVE_…`` that no program reads, with the nearest name."""
    names = {name for name in read_environment(env_file) if name.startswith(_PREFIX)}
    known = set(known_variables()) if names else set()
    return [f"{name} is no setting{_nearest(name, known)}" for name in sorted(names - known)]


def print_unknown_names(env_file: Path | None = None) -> None:
    for line in find_unknown_names(env_file):
        sys.stderr.write(f"{line}\n")


def known_variables() -> Iterable[str]:
    """Every variable of every program that is installed."""
    for program in _PROGRAMS:
        module, _, name = program.partition(":")
        try:
            settings = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError:
            continue
        yield from variables_of(settings)


def _nearest(name: str, known: Iterable[str]) -> str:
    # Without the prefix, which makes all of them alike.
    bare = {one.removeprefix(_PREFIX): one for one in known}
    close = difflib.get_close_matches(name.removeprefix(_PREFIX), bare, n=1)
    return f": did you mean {bare[close[0]]}?" if close else ": .env.example lists them all"


def _describe(settings: type[ProgramSettings], error: ValidationError) -> Iterable[str]:
    for problem in error.errors(include_url=False):
        if problem["type"] == "default_factory_not_called":
            # It follows from another wrong setting, which has a line of its own.
            continue
        message = str(problem["msg"]).removeprefix("Value error, ")
        if not problem["loc"]:
            yield message
            continue
        field, *inner = (str(part) for part in problem["loc"])
        option, name = option_of(settings, field), variable_of(settings, field)
        name = f"{option} ({name})" if option else name
        place = f" ({'.'.join(inner)})" if inner else ""
        yield f"{name}{place}: {message[:1].lower()}{message[1:]}{_quote(problem)}"


def _quote(problem: ErrorDetails) -> str:
    """What was given, where it is a number or a path; a secret or a structure never is."""
    value = problem["input"]
    if problem["type"].startswith("path_"):
        return f": {str(value)!r}, from {Path.cwd()}"
    return f", not {value!r}" if isinstance(value, (int, float)) else ""


def _read_file() -> dict[str, Any]:
    path = Path(TOML_FILE)
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: not readable as TOML ({error})") from None


def _read_table(settings: type[ProgramSettings]) -> dict[str, Any]:
    table = _read_file().get(settings.toml_table, {})
    fields = {name.replace("_", "-"): name for name in settings.model_fields}
    read: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("_", "-")
        if name not in fields:
            raise SettingsError(
                f"{TOML_FILE}: [{settings.toml_table}] has no setting {key!r}"
                f"{_nearest(name, fields)}"
            )
        read[fields[name]] = value
    return read


def _read_dotenv(path: Any) -> Mapping[str, str | None]:
    return dotenv_values(path, encoding="utf-8") if path and Path(path).is_file() else {}


def _extra(info: FieldInfo) -> dict[str, Any]:
    return info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}


def _help(settings: type[BaseSettings], field: str) -> str:
    info = settings.model_fields[field]
    text = f"{info.description} [{variable_of(settings, field)}"
    default = info.default
    if isinstance(default, bool):
        text += f", default {str(default).lower()}"
    elif isinstance(default, (str, int, float)) and default != "" and not info.is_required():
        text += f", default {default}"
    return f"{text}]".replace("%", "%%")


def _shape(info: FieldInfo) -> dict[str, Any]:
    """How argparse reads a value: text, for pydantic to judge, but for switches and lists."""
    kinds = [kind for kind in _flatten(info.annotation) if kind is not type(None)]
    kind = kinds[0]
    if kind is bool:
        return {"action": argparse.BooleanOptionalAction}
    extra = _extra(info)
    if get_origin(kind) is Literal:
        return {"metavar": extra.get("metavar") or "|".join(str(one) for one in get_args(kind))}
    if get_origin(kind) in (dict, list, tuple):
        return {"action": "append", "metavar": extra.get("metavar")}
    names: dict[Any, str] = {int: "N", float: "S", SecretStr: "KEY", Path: "PATH"}
    return {"metavar": extra.get("metavar") or names.get(kind, "TEXT")}


def _flatten(annotation: Any) -> tuple[Any, ...]:
    is_union = type(annotation).__name__ in ("UnionType", "_UnionGenericAlias", "Union")
    return get_args(annotation) if is_union else (annotation,)
