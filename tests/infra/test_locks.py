"""Locks: complete for every Python and platform, in agreement, and readable by any pip."""

from importlib.metadata import version
from pathlib import Path

import pip
import pytest

from infra.locks import check_locks, find_unreadable, read_pins
from tests.infra.files import copy_requirements

HASH = "--hash=sha256:" + "0" * 64


def test_pins_are_exact_and_hashed(tmp_path: Path) -> None:
    path = tmp_path / "some.txt"
    path.write_text(
        f"good==1.0 ; python_version > '3' \\\n    {HASH} \\\n    {HASH}\n"
        f"loose>=1.0 {HASH}\n"
        "bare==1.0\n"
        f"star==1.* {HASH}\n"
        f"far @ https://example.com/far.whl {HASH}\n"
        "-e .\n"
    )
    problems: list[str] = []
    pins = read_pins(path, problems)
    assert [pin.name for pin in pins] == ["good", "bare"]
    assert problems == [
        "some.txt: loose is not pinned to one version",
        "some.txt: bare has no hash",
        "some.txt: star is not pinned to one version",
        "some.txt: far is not pinned to one version",
        "some.txt: this is no pinned package: -e .",
    ]


def drop(project: Path, lock: str, package: str) -> None:
    """Take a package out of a lock."""
    path = project / f"requirements/{lock}.txt"
    entries = path.read_text().replace("\\\n", "\0").splitlines(keepends=True)
    left = [entry for entry in entries if not entry.startswith(f"{package}==")]
    assert len(left) == len(entries) - 1
    path.write_text("".join(left).replace("\0", "\\\n"))


def test_ours_are_complete_and_agree() -> None:
    assert check_locks() == []


def test_a_package_that_only_an_extra_needs_is_missed(tmp_path: Path) -> None:
    """A requirement of `pydantic[email]` once met a lock with pydantic alone.

    `make setup` failed on new machines, "In --require-hashes mode, all requirements must have
    their versions pinned with ==", from the day on which a newer pydantic was released.
    """
    project = copy_requirements(tmp_path)
    drop(project, "dev", "email-validator")
    problems = check_locks(project)
    assert len(problems) == 1
    assert problems[0].startswith("dev.txt: pydantic asks for email-validator>=")
    assert problems[0].endswith("which is not pinned for Python 3.11 on linux: make lock")


def test_a_package_that_another_platform_needs_is_missed(tmp_path: Path) -> None:
    project = copy_requirements(tmp_path)
    drop(project, "dev", "colorama")
    problems = check_locks(project)
    assert problems
    assert all("for Python 3.11 on win32" in problem for problem in problems)


def test_locks_that_disagree_are_told(tmp_path: Path) -> None:
    project = copy_requirements(tmp_path)
    path = project / "requirements/run.txt"
    text, have = path.read_text(), version("anyio")
    path.write_text(text.replace(f"\nanyio=={have}", "\nanyio==4.99"))
    (problem,) = check_locks(project)
    assert problem == (
        f"run.txt has anyio 4.99, dev.txt has {have}, or other files of it: make lock"
    )


def test_no_lock_names_an_index(tmp_path: Path) -> None:
    project = copy_requirements(tmp_path)
    path = project / "requirements/run.txt"
    path.write_text("--extra-index-url https://example.com/simple\n" + path.read_text())
    (problem,) = check_locks(project)
    assert problem.startswith("run.txt: this is no pinned package: --extra-index-url")


def test_a_file_that_nobody_makes_and_one_that_is_missing(tmp_path: Path) -> None:
    project = copy_requirements(tmp_path)
    (project / "requirements/run.txt").rename(project / "requirements/walk.txt")
    problems = check_locks(project)
    assert "walk.txt is in no table of locks" in problems
    assert "run.txt is missing: make lock" in problems


def test_a_changed_pyproject_wants_a_new_lock(tmp_path: Path) -> None:
    project = copy_requirements(tmp_path)
    settings = (project / "pyproject.toml").read_text()
    changed = settings.replace('"fastapi>=0.120,<1"', '"fastapi>=9"\n  , "left-pad>=1"')
    assert changed != settings
    (project / "pyproject.toml").write_text(changed)
    problems = check_locks(project)
    missing = "agent.txt: pyproject.toml asks for left-pad>=1, which is not pinned"
    assert any(problem.startswith(missing) for problem in problems)
    assert any(p.startswith("agent.txt: pyproject.toml asks for fastapi>=9") for p in problems)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [(f"pytest=={version('pytest')} {HASH}", ""), ("--only-deps pytest", "no such option")],
)
def test_a_pip_is_asked_what_it_takes(tmp_path: Path, line: str, complaint: str) -> None:
    lock = tmp_path / "some.txt"
    lock.write_text(f"{line}\n")
    assert pip.__file__
    problems = list(find_unreadable(lock, Path(pip.__file__).parents[1]))
    assert bool(problems) == bool(complaint)
    assert all("some.txt: pip" in problem and complaint in problem for problem in problems)
