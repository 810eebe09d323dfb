"""``voicelive-agent contract``: what a user types becomes a run of the kit."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.forked_processes import PROGRAMS, find_fork_server
from voicelive_agent.command_name import spell_pip
from voicelive_agent.contract import command


def contract(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    forks = find_fork_server(*PROGRAMS)
    return forks.run("-m", "voicelive_agent", "contract", *arguments, cwd=cwd)


@pytest.mark.slow
def test_an_agent_of_the_working_directory_is_judged_without_its_configuration(
    tmp_path: Path,
) -> None:
    """The directory's own pytest configuration, which would break the run, is not read."""
    (tmp_path / "my_agent.py").write_text("async def reply(turn):\n    yield 'I am here.'\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    ran = contract("my_agent:reply", "--", "-k", "proper_stream", cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "kept       SSE-7" in ran.stdout
    assert not (tmp_path / ".pytest_cache").exists()


@pytest.mark.slow
def test_a_breach_ends_with_1_and_names_the_clause(tmp_path: Path) -> None:
    """An agent of others: here one that is no agent at all."""
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONUNBUFFERED": "1"},
        text=True,
    )
    assert server.stdout is not None
    try:
        url = server.stdout.readline().partition("(")[2].partition("/)")[0]
        ran = contract(url, "--", "-k", "proper_stream", cwd=tmp_path)
    finally:
        server.kill()
        server.communicate()
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "SSE-1 is broken" in ran.stdout


@pytest.mark.slow
def test_where_nobody_answers_is_told(tmp_path: Path) -> None:
    ran = contract("http://127.0.0.1:9", cwd=tmp_path)
    assert ran.returncode == 2
    assert "no agent answers at http://127.0.0.1:9" in ran.stdout + ran.stderr


@pytest.mark.slow
def test_an_agent_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    """All clauses failed in their set-up instead, one traceback each, with exit code 1."""
    (tmp_path / "my_agent.py").write_text("async def reply(turn):\n    yield 'hello'\n")
    ran = contract("my_agent:repyl", cwd=tmp_path)
    assert ran.returncode == 2
    assert "my_agent" in ran.stderr and "reply" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_what_is_missing_is_told_with_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert command.main(["http://127.0.0.1:9"]) == 1
    assert capsys.readouterr().err == (
        f"pytest is missing: {spell_pip()} install 'voicelive-agent[contract]'\n"
    )


def test_options_reach_the_kit_by_their_names() -> None:
    given = command._build_parser().parse_args(
        ["http://a", "--header", "a: b", "--header", "c: d", "--slow-text", "x y", "--strict"]
    )
    options = command._pytest_options(given)
    assert options[-5:] == [
        "--agent-url=http://a",
        "--agent-header=a: b",
        "--agent-header=c: d",
        "--agent-slow-text=x y",
        "--agent-strict",
    ]
