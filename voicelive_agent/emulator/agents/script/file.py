"""Script file (YAML) of a scripted model: what it answers to what, and which functions it calls.

::

    greeting: Hello, how can I help you?
    rules:
      - said: [weather, "/how (warm|cold) is it in (?P<city>\\w+)/"]
        call: "*weather*"
        arguments: {location: "{city}"}
        before: One moment.
        say: I can't look up the weather, but I hope it is fine.
      - result_of: "*weather*"
        say: It is {result.temperature|unknown} degrees in {arguments.location|your place}.
    otherwise: You said {said}.

The first rule that applies answers. ``said`` holds words or phrases, or a regular expression
between slashes; any of them is enough. ``call`` holds patterns of function names; of those that
the client declared, the first that matches is called, and where there is none, ``say`` is said.
``{name|else}`` is a part of what was said, or of a function's ``arguments`` or ``result``.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

DEFAULT_SCRIPT = Path(__file__).with_name("default_script.yaml")


class ScriptError(ValueError):
    """A script that can't be used; the message names the file, the place and what to write."""


def _as_list(value: object) -> object:
    return [value] if isinstance(value, (str, Mapping)) else value


Texts = Annotated[list[str], BeforeValidator(_as_list), Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScriptedCall(_Part):
    """A function to call: the first declared one that a pattern matches."""

    function: Texts
    arguments: dict[str, Any] = Field(default_factory=dict)


class Rule(_Part):
    """An answer, and when it is given."""

    said: Texts | None = None
    result_of: Texts | None = None
    say: Texts | None = None
    before: Texts | None = None
    call: Texts | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)
    calls: list[ScriptedCall] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.said is None) == (self.result_of is None):
            raise ValueError("a rule has either 'said' or 'result_of'")
        if self.call is not None and self.calls:
            raise ValueError("a rule has 'call' or 'calls', not both")
        if self.result_of is not None and (self.call or self.calls or self.say is None):
            raise ValueError("a rule with 'result_of' has 'say' and calls nothing")
        if self.say is None and self.call is None and not self.calls:
            raise ValueError("a rule has 'say', 'call' or 'calls'")
        if self.arguments and self.call is None:
            raise ValueError("'arguments' belong to a 'call'")
        for text in self.said or ():
            _compile(text)
        return self

    def match(self, said: str) -> dict[str, str] | None:
        """The named parts of what was said, or None where the rule doesn't apply."""
        for text in self.said or ():
            if found := _compile(text).search(said):
                return {name: part for name, part in found.groupdict().items() if part}
        return None

    def list_calls(self) -> list[ScriptedCall]:
        if self.call is not None:
            return [ScriptedCall(function=self.call, arguments=self.arguments)]
        return self.calls


class AnswerScript(_Part):
    """What a scripted model answers."""

    greeting: Texts = ["Hello. How can I help you?"]
    rules: list[Rule] = Field(default_factory=list)
    otherwise: Texts = ["You said: {said}"]
    result: Texts = ["{function|The function} answers: {result|nothing}."]
    """Said of a function's result that no rule is for."""


def load_script(path: Path | None = None) -> AnswerScript:
    """The script in a file; without one, the default script. Raises ScriptError."""
    path = path or DEFAULT_SCRIPT
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path}: not readable as UTF-8 text ({error})") from error
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScriptError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(value, dict):
        raise ScriptError(
            f"{path}: write a mapping with 'greeting', 'rules' and 'otherwise', not "
            f"{type(value).__name__}"
        )
    try:
        return AnswerScript.model_validate(value)
    except ValidationError as error:
        lines = [_describe(dict(one)) for one in error.errors(include_url=False)]
        raise ScriptError(f"{path}: " + "; ".join(lines)) from error


def _describe(error: dict[str, Any]) -> str:
    place = ""
    for part in error["loc"]:
        # Rules are counted from one, as a person counts them.
        place += f" {part + 1}" if isinstance(part, int) else f"{' ' if place else ''}{part}"
    reason = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        reason = "there is no such key"
    return f"{place}: {reason}" if place else reason


def _compile(text: str) -> re.Pattern[str]:
    if len(text) > 1 and text.startswith("/") and text.endswith("/"):
        try:
            return re.compile(text[1:-1], re.IGNORECASE)
        except re.error as error:
            raise ValueError(f"{text} is not a regular expression: {error}") from None
    words = r"\s+".join(re.escape(word) for word in text.split())
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)
