"""Pages lead somewhere: links, commands, options and variables in them are those that exist."""

import contextlib
import importlib.util
import io
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from voicelive_agent.cli import COMMANDS, main
from voicelive_agent.settings_sources import known_variables

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *ROOT.glob("CONTRIBUTING.md"),
    *ROOT.glob("examples/**/README.md"),
    *sorted((ROOT / "docs").rglob("*.md")),
]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_BIN = ".venv/bin/"
_NEEDS_BIN = ("python", "python3", "pip", "pytest", "ruff", "mypy", "uv", "voicelive-agent")


def name_page(path: Path) -> str:
    return str(path.relative_to(ROOT))


def each_page() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", PAGES, ids=name_page)


@cache
def read_anchors(path: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = _FENCED.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return frozenset(re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain)


@each_page()
def test_links_lead_somewhere(path: Path) -> None:
    text = _FENCED.sub("", path.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), target
        assert not anchor or anchor in read_anchors(found), target


def read_commands(path: Path) -> Iterator[list[str]]:
    """The words of each command that a page prints, in blocks and within lines."""
    text = path.read_text(encoding="utf-8")
    for kind, block in _FENCED.findall(text):
        if kind == "console":
            for line in re.findall(r"^[$#] ((?:.*\\\n)*.*)$", block, re.MULTILINE):
                yield from split_pipeline(line.replace("\\\n", " "))
    for code in _CODE.findall(_FENCED.sub("", text)):
        if code.startswith((_BIN, "make ")):
            yield from split_pipeline(code)


def split_pipeline(line: str) -> Iterator[list[str]]:
    words = shlex.split(line.replace("…", "ELLIPSIS"), comments=True)
    command: list[str] = []
    for word in [*words, "|"]:
        if word in ("|", "&&", ";"):
            # Variables for one command stand before it.
            while command and re.match(r"[A-Z_]+=", command[0]):
                del command[0]
            if command:
                yield command
            command = []
        else:
            command.append(word)


@cache
def read_help(command: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        main([command, "--help"])
    return out.getvalue()


def check_own_command(words: list[str]) -> None:
    command, *rest = words or ["--help"]
    if command in ("--help", "--version"):
        return
    assert command in COMMANDS, command
    for word in rest[: rest.index("--")] if "--" in rest else rest:
        if word.startswith("-") and word != "-":
            option = word.partition("=")[0]
            assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", read_help(command)), word


def check_pip(words: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].keys()
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "-r":
            assert (ROOT / following).is_file(), following
        for named in re.findall(r"voicelive-agent\[([\w,-]+)\]", word):
            assert set(named.split(",")) <= extras, named


@each_page()
def test_commands_exist(path: Path) -> None:
    """Options that are gone, and commands that nothing finds without activating, were printed."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for program, *words in read_commands(path):
        assert program not in _NEEDS_BIN or words[:2] == ["-m", "venv"], (program, *words)
        if program == "make":
            assert set(words) - {"ELLIPSIS"} <= targets, words
        elif program == f"{_BIN}voicelive-agent":
            check_own_command(words)
        elif program == f"{_BIN}python" and words[:1] == ["-m"]:
            assert importlib.util.find_spec(words[1]), words
        elif program == f"{_BIN}pip":
            check_pip(words)


@each_page()
def test_variables_are_settings(path: Path) -> None:
    known = set(known_variables())
    named = re.findall(r"\b(VOICELIVE_[A-Z0-9_]+)\b(?!…|_…)", path.read_text(encoding="utf-8"))
    assert [name for name in named if name not in known and not name.endswith("_")] == []


@each_page()
def test_a_page_says_for_whom_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.parent.name in ("howto", "reference"):
        assert re.search(r"^Start here\b", text, re.MULTILINE)


def test_files_that_the_architecture_names_exist() -> None:
    text = (ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8")
    for name in re.findall(r"`([\w.-]+/[\w./-]*)`", _FENCED.sub("", text)):
        assert (ROOT / name).exists() or (ROOT / "voicelive_agent" / name).exists(), name


def test_pages_that_are_named_anywhere_exist() -> None:
    """Code, messages and manifests name pages; a page that moved was still named."""
    tracked = subprocess.run(
        ["git", "grep", "-hoE", r"docs/[A-Za-z0-9_/-]+\.md", "--", ":!CHANGELOG.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    missing = {name for name in tracked.stdout.split() if not (ROOT / name).is_file()}
    assert missing == set()


def test_every_page_is_linked_from_the_index() -> None:
    index = ROOT / "docs/index.md"
    linked = {
        (index.parent / target.partition("#")[0]).resolve()
        for target in re.findall(r"\]\(([^)\s]+)\)", index.read_text(encoding="utf-8"))
    }
    pages = {path for path in PAGES if path.is_relative_to(index.parent) and path != index}
    decisions = {path for path in pages if path.parent.name == "decisions"}
    assert pages - decisions <= linked


@each_page()
def test_paths_of_modules_exist(path: Path) -> None:
    """CONTRIBUTING named a file of tests that had been renamed."""
    text = path.read_text(encoding="utf-8")
    named = re.findall(
        r"\b((?:tests|voicelive_agent|examples|infra|benchmarks)/[\w/]+\.py)\b", text
    )
    for one in named:
        assert (ROOT / one).is_file(), one
