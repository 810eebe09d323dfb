"""What a Dockerfile says: the instructions that this project's own uses, and no others.

Heredocs, parser directives, SHELL, ADD, ONBUILD and flags but ``COPY --from`` are refused, so
that a build from this reading never does something else than a container engine would.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

_KNOWN = frozenset({"ARG", "CMD", "COPY", "ENV", "EXPOSE", "FROM", "RUN", "USER", "WORKDIR"})
# What an engine's own base images set, and `$PATH` in ENV goes on from.
BASE_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"}
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")
_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')
_FROM = re.compile(r"(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)


class DockerfileError(Exception):
    """An instruction that is not understood here; the text says which, and where."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, continued lines joined; ``line`` is where it starts."""

    name: str
    text: str
    line: int

    def refuse(self, reason: str) -> DockerfileError:
        return DockerfileError(f"Dockerfile, line {self.line}: {reason}: {self.name} {self.text}")


@dataclass(frozen=True, slots=True)
class Copy:
    """COPY: from the context, or from an earlier stage."""

    sources: tuple[str, ...]
    target: str
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """RUN in its shell form, with the environment, user and directory of that moment."""

    command: str
    environment: Mapping[str, str]
    user: str
    directory: str


@dataclass(slots=True)
class Stage:
    """One FROM and what follows; the last one is the image."""

    base: str
    name: str
    steps: list[Copy | Run] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0"
    directory: str = "/"
    command: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()


def parse(text: str, arguments: Mapping[str, str] | None = None) -> list[Stage]:
    """The stages in order, variables replaced. ``arguments`` are ``--build-arg``.

    Raises DockerfileError for what is not understood, and for arguments that nothing declares.
    """
    given, declared = dict(arguments or {}), set[str]()
    stages: list[Stage] = []
    variables: dict[str, str] = {}
    for instruction in read_instructions(text):
        if instruction.name not in _KNOWN:
            raise instruction.refuse("not understood here")
        if instruction.name == "FROM":
            match = _FROM.fullmatch(instruction.text)
            if match is None:
                raise instruction.refuse("not understood here")
            stage = Stage(match[1], match[2] or str(len(stages)))
            parents = (earlier for earlier in stages if earlier.name == stage.base)
            inherited = next(parents, None)
            stage.environment = dict(inherited.environment if inherited else BASE_ENVIRONMENT)
            stages.append(stage)
            variables = {}
        elif not stages:
            raise instruction.refuse("stands before FROM")
        elif instruction.name == "ARG":
            name, _, default = instruction.text.partition("=")
            declared.add(name)
            variables[name] = given.get(name, default)
        else:
            stage = stages[-1]
            # As in Docker, ENV wins over ARG.
            _apply(instruction, stage, variables | stage.environment)
    if not stages:
        raise DockerfileError("the Dockerfile has no FROM")
    if unknown := sorted(given.keys() - declared):
        raise DockerfileError(f"no ARG declares {', '.join(unknown)}")
    return stages


def read_instructions(text: str) -> list[Instruction]:
    """Instructions with their line numbers; comments are left out, also within continued ones."""
    instructions: list[Instruction] = []
    parts: list[str] = []
    start = 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        start = start if parts else number
        parts.append(line.removesuffix("\\").rstrip())
        if line.endswith("\\"):
            continue
        name, _, rest = " ".join(parts).partition(" ")
        instructions.append(Instruction(name.upper(), rest.strip(), start))
        parts = []
    if parts:
        raise DockerfileError(f"Dockerfile, line {start}: the last line is continued by nothing")
    return instructions


def _apply(instruction: Instruction, stage: Stage, variables: Mapping[str, str]) -> None:
    text = instruction.text
    match instruction.name:
        case "ENV":
            stage.environment |= _read_pairs(instruction, variables)
        case "WORKDIR":
            stage.directory = str(PurePosixPath(stage.directory, _replace(text, variables)))
        case "USER":
            stage.user = _replace(text, variables)
        case "EXPOSE":
            stage.ports += tuple(int(port) for port in _replace(text, variables).split())
        case "CMD":
            stage.command = _read_exec_form(instruction)
        case "COPY":
            stage.steps.append(_read_copy(instruction, stage, variables))
        case "RUN":
            if text.startswith(("[", "--")) or "<<" in text:
                raise instruction.refuse("only the shell form without flags is understood here")
            stage.steps.append(Run(text, dict(variables), stage.user, stage.directory))


def _replace(text: str, variables: Mapping[str, str]) -> str:
    return _VARIABLE.sub(
        lambda match: variables.get(match[1] or match[3], "") or match[2] or "", text
    )


def _read_pairs(instruction: Instruction, variables: Mapping[str, str]) -> dict[str, str]:
    if not _PAIR.match(instruction.text) or _PAIR.sub("", instruction.text).strip():
        raise instruction.refuse("write it as NAME=value")
    return {
        name: _replace(json.loads(value) if value.startswith('"') else value, variables)
        for name, value in _PAIR.findall(instruction.text)
    }


def _read_exec_form(instruction: Instruction) -> tuple[str, ...]:
    try:
        command = json.loads(instruction.text)
    except ValueError:
        command = None
    if not isinstance(command, list) or not all(isinstance(part, str) for part in command):
        raise instruction.refuse("only the exec form is understood here")
    return tuple(command)


def _read_copy(instruction: Instruction, stage: Stage, variables: Mapping[str, str]) -> Copy:
    words = _replace(instruction.text, variables).split()
    flags = [word for word in words if word.startswith("--")]
    if any(not flag.startswith("--from=") for flag in flags) or len(flags) > 1:
        raise instruction.refuse("of COPY's flags only --from is understood here")
    *sources, target = [word for word in words if not word.startswith("--")]
    if not sources:
        raise instruction.refuse("COPY needs a source and a target")
    # A trailing slash says that the target is a directory, which PurePosixPath would drop.
    absolute = str(PurePosixPath(stage.directory, target)) + ("/" if target.endswith("/") else "")
    return Copy(tuple(sources), absolute, flags[0].removeprefix("--from=") if flags else None)
