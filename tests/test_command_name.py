"""Commands in messages work as printed."""

import os
import sys
from pathlib import Path

import pytest

from voicelive_agent.command_name import spell_command, spell_commands, spell_pip


def install(folder: Path, name: str = "voicelive-agent") -> Path:
    script = folder / "bin" / name
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    return script


def test_the_name_alone_where_the_shell_finds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = install(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PATH", str(script.parent))
    assert spell_command("talk --text-only") == "voicelive-agent talk --text-only"
    assert spell_command() == "voicelive-agent"


def test_its_path_where_it_is_installed_but_not_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`make run` printed `voicelive-agent talk`, which no shell knew."""
    script = install(tmp_path / "checkout" / ".venv")
    monkeypatch.setattr(sys, "prefix", str(script.parents[1]))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path / "checkout")
    assert spell_command("talk") == ".venv/bin/voicelive-agent talk"
    monkeypatch.chdir("/")
    assert spell_command("talk") == f"{os.path.relpath(script, '/')} talk"


def test_its_path_where_the_shell_finds_another_installation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(tmp_path / ".venv")
    other = install(tmp_path / "other")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.setenv("PATH", str(other.parent))
    monkeypatch.chdir(tmp_path)
    assert spell_command("dev") == ".venv/bin/voicelive-agent dev"


def test_the_interpreter_where_nothing_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In the image the library lies in the working directory, without a script."""
    python = install(tmp_path, "python3")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PATH", str(python.parent))
    assert spell_command("serve") == "python3 -m voicelive_agent serve"
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)
    assert spell_command("serve") == "bin/python3 -m voicelive_agent serve"


def test_commands_in_texts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`pip install` alone was another Python's pip, or none, for whoever activates nothing."""
    install(tmp_path / ".venv")
    python = install(tmp_path / ".venv", "python")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)
    text = "pip install 'voicelive-agent[x]', then voicelive-agent models, in voicelive-agent."
    assert spell_commands(text) == (
        ".venv/bin/python -m pip install 'voicelive-agent[x]', then"
        " .venv/bin/voicelive-agent models, in voicelive-agent."
    )
    assert spell_commands("python -m pip install x") == ".venv/bin/python -m pip install x"
    assert spell_commands(spell_commands(text)) == spell_commands(text)


def test_pip_is_named_alone_where_the_shell_finds_this_interpreters(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(tmp_path, "pip")
    monkeypatch.setattr(sys, "executable", str(install(tmp_path, "python")))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert spell_pip() == "pip"
