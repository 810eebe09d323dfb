"""Python functions as tools of a model.

Every public function that a file defines is a tool: its name, its docstring, and a JSON schema
from its annotations. Plain functions run in threads, ``async`` ones on the event loop::

    def get_weather(city: str, days: int = 1) -> dict:
        '''The weather in a city.'''
"""

import asyncio
import functools
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import to_jsonable_python

from voicelive_agent.client.threads import run_in_thread

OUTPUT_LIMIT = 100_000
"""Characters of a result; a model takes in no more."""


class ToolsError(Exception):
    """A file with functions can't be used; the text says what to do."""


class Function:
    """One tool. Raises ToolsError for a signature that has no schema."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.name = function.__name__
        self._function = function
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
                raise ToolsError(f"{self.name}: {parameter}: a model gives arguments by name")
        # Validated as the function's own call would be, but not called yet.
        take: Any = functools.wraps(function)(lambda **arguments: arguments)
        try:
            self._arguments: TypeAdapter[dict[str, Any]] = TypeAdapter(take)
            self._schema = self._arguments.json_schema()
        except NameError as error:
            raise ToolsError(f"{self.name}: {error}: import what its annotations name") from error
        except PydanticUserError as error:
            raise ToolsError(
                f"{self.name}: its parameters have no JSON schema: use types such as str, int, "
                "list[str], Literal, or pydantic models"
            ) from error

    def describe(self) -> dict[str, Any]:
        """The tool as ``session.update`` has it."""
        described = {"type": "function", "name": self.name, "parameters": self._schema}
        if text := inspect.getdoc(self._function):
            described["description"] = text
        return described

    async def call(self, arguments: str, timeout_s: float) -> str:
        """The result as text for the model; whatever goes wrong is a result too."""
        try:
            given = self._arguments.validate_json(arguments or "{}")
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False, include_context=False)
            return _error("the arguments don't fit", faults)
        try:
            async with asyncio.timeout(timeout_s):
                if inspect.iscoroutinefunction(self._function):
                    result = await self._function(**given)
                else:
                    call = functools.partial(self._function, **given)
                    result = await run_in_thread(call, name=self.name)
                    if inspect.isawaitable(result):
                        result = await result
        except TimeoutError:
            return _error(f"{self.name} took longer than {timeout_s:g} s")
        except Exception as error:
            return _error(f"{type(error).__name__}: {error}")
        return _as_text(result)


class Functions:
    """The tools of one file."""

    def __init__(self, functions: Sequence[Callable[..., Any]]) -> None:
        self._functions = {function.__name__: Function(function) for function in functions}

    def describe(self) -> list[dict[str, Any]]:
        return [function.describe() for function in self._functions.values()]

    async def call(self, name: str, arguments: str, timeout_s: float) -> str:
        function = self._functions.get(name)
        if function is None:
            return _error(f"there is no function {name!r}")
        return await function.call(arguments, timeout_s)


def load_functions(path: Path) -> Functions:
    """The public functions that a Python file defines. Raises ToolsError."""
    spec = importlib.util.spec_from_file_location("voice_tools", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ToolsError(f"--tools {path}: no Python file there")
    module = importlib.util.module_from_spec(spec)
    # Annotations are looked up in the module by its name.
    sys.modules["voice_tools"] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ToolsError(f"--tools {path}: {type(error).__name__}: {error}") from error
    found = [
        function
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and not name.startswith("_")
        and function.__module__ == "voice_tools"
    ]
    if not found:
        raise ToolsError(f"--tools {path}: defines no public function")
    try:
        return Functions(found)
    except ToolsError as error:
        raise ToolsError(f"--tools {path}: {error}") from error


def _error(message: str, details: Any = None) -> str:
    return json.dumps({"error": message} | ({"details": details} if details else {}))


def _as_text(result: Any) -> str:
    if isinstance(result, str):
        text = result
    else:
        try:
            text = TypeAdapter(Any).dump_json(result, fallback=str).decode()
        except (ValueError, TypeError, RecursionError):
            try:
                text = json.dumps(to_jsonable_python(result, fallback=repr))
            except (ValueError, TypeError, RecursionError):
                text = repr(result)
    return text[:OUTPUT_LIMIT]
