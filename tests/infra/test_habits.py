"""Checks are the same wherever they run, and contributors are told what is there."""

import re
from typing import Any

import yaml

from tests.infra.files import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
MARK = ".".join(("pytest", "mark", "alone"))


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def read_recipe(target: str) -> list[str]:
    """The commands of a target, as they are typed in a checkout."""
    (recipe,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.M)
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in str(recipe).splitlines()]


def test_hooks_are_the_checks_of_make_check_and_fetch_nothing() -> None:
    (local,) = read(".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    entries = [hook["entry"].replace(" --force-exclude", "") for hook in local["hooks"]]
    assert read_recipe("check") == ["@$(MAKE) --no-print-directory -j 2 types lint"]
    checks = [*read_recipe("types"), *read_recipe("lint")]
    assert sorted(entries) == sorted(command.removesuffix(" .") for command in checks)
    assert {hook["language"] for hook in local["hooks"]} == {"system"}


def test_the_workflow_is_ci_run_with_pinned_actions() -> None:
    workflow = read(".github/workflows/ci.yml")
    steps = workflow["jobs"]["ci"]["steps"]
    assert steps[-1] == {"run": ".ci/run"}
    assert workflow["permissions"] == {"contents": "read"}
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", action) for action in used)


def test_ci_run_checks_and_tests() -> None:
    lines = (ROOT / ".ci/run").read_text().splitlines()
    assert [line for line in lines if line.startswith("make ")] == [
        "make for-run",
        "make setup check test",
    ]


def test_what_contributors_are_told_to_type_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.M))
    told = set(re.findall(r"`make ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text()))
    assert told <= targets
    assert {"test", "check", "quick", "lock", "image", "image-python", "coverage"} <= told


def test_contributors_are_shown_every_folder() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for folder in ("app", "client", "examples", "benchmarks", "tests", "infra", "docs"):
        assert (ROOT / folder).is_dir()
        assert f"`{folder}/`" in text


def test_what_runs_alone_is_run() -> None:
    """`make test` names the folders for it: a test that is marked elsewhere would run nowhere."""
    (line,) = (each for each in MAKEFILE.splitlines() if '(SLOW) and alone"' in each)
    folders = line.replace("$(CONSOLE)", "tests/emulator/console").partition('alone" ')[2].split()
    marked = [path for path in ROOT.glob("tests/**/test_*.py") if MARK in path.read_text()]
    assert marked
    for path in marked:
        assert any(path.is_relative_to(ROOT / folder) for folder in folders), path
