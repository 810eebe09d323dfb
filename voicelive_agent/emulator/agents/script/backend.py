"""Scripted model: it follows a script, offline and the same each time.

With it, a client's function calls can be developed and tested: a declared function is called
when a rule says so, when what was said names it, or when ``tool_choice`` demands it, with
arguments that its schema allows; its result is then spoken.
"""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerFinished,
    ArgumentsDelta,
    FunctionCall,
    FunctionCallBegan,
    TextDelta,
    TextDone,
    Usage,
)
from voicelive_agent.emulator.agents.messages import read_text
from voicelive_agent.emulator.agents.script.arguments import fill_arguments
from voicelive_agent.emulator.agents.script.file import AnswerScript, Rule, load_script

_WORD = re.compile(r"\s*\S+\s*")
_NAME_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_HOLE = re.compile(r"\{([\w.]+)(\||(?=\}))")
# Words of function names that say nothing of what the function is about.
_VAGUE = frozenset(
    {"get", "set", "fetch", "do", "the", "current", "my", "a", "to", "for", "by", "of"}
)
_ARGUMENT_PIECE = 12


class ScriptBackend:
    """A scripted model; without a script, the default one."""

    def __init__(
        self, script: AnswerScript | None = None, *, name: str = "the offline script"
    ) -> None:
        self.script = script or load_script()
        self.name = name

    async def start(self) -> None:
        """Nothing to start."""

    async def stop(self) -> None:
        """Nothing to stop."""

    def open_session(self, session_id: str, *, conversation_id: str = "") -> "ScriptSession":
        return ScriptSession(self.script)


class ScriptSession:
    """One session; the session's items are the whole of what the script goes by."""

    def __init__(self, script: AnswerScript) -> None:
        self._script = script

    async def close(self) -> None:
        """Nothing to close."""

    async def answer(self, request: AgentRequest) -> AsyncGenerator[AgentEvent, None]:
        answer = _Answer(self._script, request)
        text, calls = answer.write()
        words = _WORD.findall(text)
        limit = request.max_output_tokens
        reason = None
        if limit is not None and len(words) > limit:
            words, calls, reason = words[:limit], [], "max_output_tokens"
        for word in words:
            yield TextDelta(word)
            await asyncio.sleep(0)
        if reason is None:
            yield TextDone()
        for name, arguments in calls:
            call_id = f"call_{uuid.uuid4().hex[:22]}"
            yield FunctionCallBegan(call_id, name)
            for start in range(0, len(arguments), _ARGUMENT_PIECE):
                yield ArgumentsDelta(call_id, arguments[start : start + _ARGUMENT_PIECE])
                await asyncio.sleep(0)
            yield FunctionCall(call_id, name, arguments)
        spoken = len(words) + sum(len(arguments.split()) for _, arguments in calls)
        yield AnswerFinished(
            Usage(answer.count_input_words(), spoken),
            "max_output_tokens" if reason else None,
        )


class _Answer:
    """What the script has to say to one request."""

    def __init__(self, script: AnswerScript, request: AgentRequest) -> None:
        self._script = script
        self._request = request
        self._items = list(request.items)
        if not self._items and request.text:
            part = {"type": "input_text", "text": request.text}
            self._items = [{"type": "message", "role": "user", "content": [part]}]
        last_user = max(
            (index for index, item in enumerate(self._items) if _is_user(item)), default=-1
        )
        self._said = read_text(self._items[last_user]) if last_user >= 0 else ""
        self._since = self._items[last_user + 1 :]
        self._turn = sum(1 for item in self._items if item.get("role") == "assistant")

    def write(self) -> tuple[str, list[tuple[str, str]]]:
        """The text, and the functions to call with their arguments as JSON text."""
        made = [item for item in self._since if item.get("type") == "function_call"]
        outputs = [item for item in self._since if item.get("type") == "function_call_output"]
        if not self._said and not outputs:
            return self._pick(self._script.greeting, {}), []
        before, calls = self._plan()
        if self._request.tool_choice != "none" and len(made) < len(calls):
            rest = calls[len(made) :]
            rest = rest if self._request.parallel_tool_calls else rest[:1]
            return ("" if made else before), rest
        if outputs:
            return " ".join(self._tell_result(item) for item in outputs), []
        return self._say(), []

    def count_input_words(self) -> int:
        texts = [self._request.instructions, *(json.dumps(item) for item in self._items)]
        return sum(len(text.split()) for text in texts)

    def _plan(self) -> tuple[str, list[tuple[str, str]]]:
        """The calls that this turn asks for, those already made included."""
        for rule in self._script.rules:
            parts = rule.match(self._said)
            if parts is None or not (calls := self._list_calls(rule, parts)):
                continue
            return self._pick(rule.before or [""], {"said": self._said, **parts}), calls
        if any(rule.match(self._said) is not None for rule in self._script.rules):
            tool = self._find_demanded()
        else:
            tool = self._find_demanded() or self._find_named()
        return "", [self._write_call(tool, {})] if tool else []

    def _list_calls(self, rule: Rule, parts: Mapping[str, str]) -> list[tuple[str, str]]:
        values = {"said": self._said, **parts}
        calls = []
        for call in rule.list_calls():
            tool = self._find_tool(call.function)
            if tool is not None:
                calls.append(self._write_call(tool, _fill_values(call.arguments, values)))
        return calls

    def _write_call(self, tool: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[str, str]:
        arguments = fill_arguments(tool.get("parameters"), self._said, given)
        # Without spaces, as models write them: clients compare the text.
        text = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
        return str(tool["name"]), text

    def _list_tools(self) -> list[Mapping[str, Any]]:
        choice = self._request.tool_choice
        demanded = choice.get("name") if isinstance(choice, Mapping) else None
        return [
            tool
            for tool in self._request.tools
            if tool.get("type", "function") == "function"
            and isinstance(tool.get("name"), str)
            and demanded in (None, tool["name"])
        ]

    def _find_tool(self, patterns: Sequence[str]) -> Mapping[str, Any] | None:
        for pattern in patterns:
            for tool in self._list_tools():
                if fnmatchcase(tool["name"].lower(), pattern.lower()):
                    return tool
        return None

    def _find_demanded(self) -> Mapping[str, Any] | None:
        choice = self._request.tool_choice
        if choice == "required" or isinstance(choice, Mapping):
            tools = self._list_tools()
            return self._find_named() or (tools[0] if tools else None)
        return None

    def _find_named(self) -> Mapping[str, Any] | None:
        """The function whose name shares most with what was said, if any does."""
        said = {word.removesuffix("s") for word in re.findall(r"\w+", self._said.lower())}
        best, most = None, 0.0
        for tool in self._list_tools():
            parts = {part.lower().removesuffix("s") for part in _NAME_PARTS.findall(tool["name"])}
            parts -= _VAGUE
            share = len(parts & said) / len(parts) if parts else 0.0
            if share > most:
                best, most = tool, share
        return best if most >= 0.5 else None

    def _say(self) -> str:
        for rule in self._script.rules:
            parts = rule.match(self._said)
            if parts is not None and rule.say is not None:
                return self._pick(rule.say, {"said": self._said, **parts})
        return self._pick(self._script.otherwise, {"said": self._said})

    def _tell_result(self, output: Mapping[str, Any]) -> str:
        call_id = output.get("call_id")
        call = next(
            (
                item
                for item in self._items
                if item.get("type") == "function_call" and item.get("call_id") == call_id
            ),
            {},
        )
        name = str(call.get("name", ""))
        values = {
            "said": self._said,
            "function": name.replace("_", " "),
            "arguments": _read_json(call.get("arguments")),
            "result": _read_json(output.get("output")),
        }
        for rule in self._script.rules:
            if any(fnmatchcase(name.lower(), one.lower()) for one in rule.result_of or ()):
                return self._pick(rule.say or [""], values)
        return self._pick(self._script.result, values)

    def _pick(self, texts: Sequence[str], values: Mapping[str, Any]) -> str:
        """One of the texts, another each turn, with its holes filled."""
        return " ".join(fill_text(texts[self._turn % len(texts)], values).split())


def fill_text(text: str, values: Mapping[str, Any]) -> str:
    """``{name.part|else}`` replaced by its value; without value and ``else``, by nothing."""
    parts, position = [], 0
    while hole := _HOLE.search(text, position):
        parts.append(text[position : hole.start()])
        end = _find_end(text, hole.start())
        if end is None:
            parts.append(hole[0])
            position = hole.end()
            continue
        value = _look_up(values, hole[1])
        otherwise = text[hole.end() : end] if hole[2] == "|" else ""
        filled = value not in (None, "")
        parts.append(_say_value(value) if filled else fill_text(otherwise, values))
        position = end + 1
    return "".join([*parts, text[position:]])


def _find_end(text: str, start: int) -> int | None:
    """Where the brace that opens at ``start`` is closed."""
    depth = 0
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return position
    return None


def _fill_values(arguments: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with their holes filled; those that come out empty are left out."""

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return fill_text(value, values)
        if isinstance(value, Mapping):
            return {key: fill(one) for key, one in value.items()}
        return [fill(one) for one in value] if isinstance(value, list) else value

    filled = {name: fill(value) for name, value in arguments.items()}
    return {name: value for name, value in filled.items() if value != ""}


def _look_up(values: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(values, Mapping):
            values = values.get(part)
        elif isinstance(values, list) and part.isdecimal() and int(part) < len(values):
            values = values[int(part)]
        else:
            return None
    return values


def _say_value(value: Any) -> str:
    """A JSON value as one would say it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(
            f"{str(key).replace('_', ' ')} {_say_value(one)}" for key, one in value.items()
        )
    if isinstance(value, list):
        return ", ".join(map(_say_value, value))
    return "nothing" if value is None else str(value)


def _read_json(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _is_user(item: Mapping[str, Any]) -> bool:
    return item.get("type", "message") == "message" and item.get("role") == "user"
