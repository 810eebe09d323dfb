"""Import by name: finds Python objects that a setting names as ``package.module:attribute``."""

import difflib
import importlib
import os
import sys
from types import ModuleType
from typing import Any

from voicelive_agent.command_name import spell_commands
from voicelive_agent.diagnostics import ExplainedError
from voicelive_agent.diagnostics.next_steps import find_next_step

# Packages of the frameworks, by the extra that installs them.
EXTRAS = {
    "pydantic_ai": "pydantic-ai",
    "agent_framework": "agent-framework",
    "langgraph": "langgraph",
    "langchain_core": "langgraph",
    "agents": "openai-agents",
}


class AgentLoadError(ExplainedError):
    """The agent can't be loaded. Says what was tried, what is wrong, and what is valid."""


def import_named(label: str, module_name: str, *, example: str) -> ModuleType:
    """Import a module, from the working directory too.

    ``label`` is what messages call the setting, ``example`` what they show as valid. Raises
    AgentLoadError.
    """
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module_name == missing or module_name.startswith(missing + "."):
            raise AgentLoadError(
                f"{label}: there is no module {missing!r}. Tried to import {module_name!r} from"
                f" {os.getcwd()} and the installed packages.{_suggest_modules(missing)}"
                f" A valid name is like {example}."
            ) from error
        raise AgentLoadError(
            f"{label}: the module {module_name!r} needs {_name_missing(missing)}",
            because=error,
            step=_say_how(missing, error),
        ) from error
    except (Exception, SystemExit) as error:
        raise AgentLoadError(
            f"{label}: the module {module_name!r} can't be imported", because=error
        ) from error


def _name_missing(missing: str) -> str:
    return f"the package {missing!r}, which is not there" if missing else "what is not there"


def _say_how(missing: str, error: ModuleNotFoundError) -> str:
    """How to get what an author's module imports: an extra of ours, or what pip knows."""
    root = missing.split(".")[0]
    if root in EXTRAS:
        return spell_commands(f"pip install 'voicelive-agent[{EXTRAS[root]}]'") + "."
    return find_next_step([error]) if missing else ""


def find_named(label: str, module: ModuleType, attribute: str, *, example: str) -> Any:
    """The (dotted) attribute of a module. Raises AgentLoadError."""
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise AgentLoadError(
                f"{label}: {getattr(found, '__name__', type(found).__name__)!r} has no attribute"
                f" {part!r}.{_suggest_attributes(found, part)} A valid name is like {example}."
            )
        found = getattr(found, part)
    return found


def _suggest_modules(missing: str) -> str:
    parent, _, last = missing.rpartition(".")
    places = getattr(sys.modules.get(parent), "__path__", [os.getcwd()])
    modules = [
        entry.name.removesuffix(".py")
        for place in places
        for entry in os.scandir(place)
        if entry.name.endswith(".py") or (entry.is_dir() and entry.name.isidentifier())
    ]
    close = difflib.get_close_matches(last, modules)
    return f" {parent or 'This directory'} has {', '.join(close)}." if close else ""


def _suggest_attributes(owner: Any, missing: str) -> str:
    """Names that are close, and those of what the module itself makes."""
    names = [name for name in dir(owner) if not name.startswith("_")]
    own = [name for name in names if _is_own(owner, getattr(owner, name))]
    found = list(dict.fromkeys([*difflib.get_close_matches(missing, names), *own]))[:8]
    return f" It has {', '.join(found)}." if found else ""


def _is_own(owner: Any, value: Any) -> bool:
    home = getattr(value, "__module__", None)
    if home == getattr(owner, "__name__", None):
        return True
    package = str(getattr(type(value), "__module__", "")).split(".")[0]
    return package in EXTRAS
