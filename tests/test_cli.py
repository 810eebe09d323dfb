"""The command line: what it teaches, refuses and imports."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from voicelive_agent import __version__
from voicelive_agent.cli import COMMANDS, main


def test_help_teaches_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert f"  {name} " in text
        assert command.what in text
    assert "dev my_agent:reply" in text
    assert "--help tells the rest" in text


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"voicelive-agent {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "usage: "), (["srve"], "no command 'srve'. Did you mean serve?"), (["--port"], "--port")],
)
def test_what_is_no_command_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    text = capsys.readouterr().err
    assert message in text
    assert "serve an agent" in text


# What a command can't do without.
NEEDED = {
    "say": ["hello"],
    "check": ["scenario.yaml"],
    "replay": ["session.jsonl"],
    "conversations": ["list"],
    "contract": ["http://127.0.0.1:9"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_and_refuses_unknown_options(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"voicelive-agent {name}" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main([name, *NEEDED.get(name, []), "--no-such-option"])
    assert ended.value.code == 2
    assert "--no-such-option" in capsys.readouterr().err


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from voicelive_agent.cli import main; main(['--help']);"
        "print([name for name in ('pydantic', 'uvicorn', 'numpy', 'httpx') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_a_command_that_the_image_leaves_out_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", fail)
    assert main(["dev"]) == 1
    assert "dev is not part of this installation" in capsys.readouterr().err


def test_every_command_tells_unknown_names_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """replay, models, contract and conversations passed a misspelt name over."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.env").write_text("VOICELIVE_XYZZY=1\n")
    for name in COMMANDS:
        with pytest.raises(SystemExit):
            main([name, "--env-file", "other.env", "--help"])
        assert capsys.readouterr().err.count("VOICELIVE_XYZZY is no setting") == 1, name
