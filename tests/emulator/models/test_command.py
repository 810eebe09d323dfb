from pathlib import Path
from typing import Any

import pytest

from tests.emulator.models.source import CONTENT, Source, model
from voicelive_agent.emulator.models import ModelStore, main
from voicelive_agent.emulator.models import command as command_module
from voicelive_agent.emulator.models.catalogue import RemoteFile


@pytest.fixture(autouse=True)
def _catalogue(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICELIVE_EMULATOR_MODELS_DIR", str(tmp_path / "models"))
    wanted = model(RemoteFile("https://publisher.invalid/deep/path/file.bin"))
    source.files["/mirror/test/file.bin"] = CONTENT
    monkeypatch.setenv("VOICELIVE_EMULATOR_MODELS_URL", f"{source.url}/mirror/")
    monkeypatch.setattr(command_module, "MODELS", (wanted,))
    monkeypatch.setattr(
        command_module, "find_entry", lambda name: wanted if name == "test" else None
    )


def test_from_list_to_remove(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == main(["list"]) == 0
    listed = capsys.readouterr().out
    assert "test" in listed
    assert "MIT" in listed
    assert "installed" not in listed
    assert main(["path", "test"]) == 1
    assert "models fetch test" in capsys.readouterr().err
    assert main(["fetch", "test"]) == 0
    told = capsys.readouterr().out
    assert "100 %" in told
    assert "--tts sherpa-onnx:test" in told
    assert main(["path", "test"]) == 0
    assert Path(capsys.readouterr().out.strip()).is_dir()
    assert main(["fetch", "test"]) == 0
    assert "here already" in capsys.readouterr().out
    main(["list"])
    assert "installed" in capsys.readouterr().out
    assert main(["remove", "test"]) == 0
    assert main(["remove", "test"]) == 1
    assert main(["path"]) == 0
    assert str(tmp_path / "models") in capsys.readouterr().out


def test_without_a_name_what_is_used_by_default_is_fetched_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_module, "DEFAULTS", ("test",))
    assert main(["fetch"]) == 0
    assert "test is here" in capsys.readouterr().out
    assert main(["fetch"]) == 0
    assert capsys.readouterr().out == ""


def test_mistakes_are_told(source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", "unknown"]) == 1
    assert "choose test" in capsys.readouterr().err
    source.statuses = [404]
    assert main(["fetch", "test"]) == 1
    assert "HTTP 404" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["remove"])


def test_an_interrupt_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*args: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(ModelStore, "fetch", interrupted)
    assert main(["fetch", "test"]) == 130
    assert "fetch again" in capsys.readouterr().err


def test_the_folder_and_the_mirror_of_env_and_toml_are_used(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were read from the environment alone: fetched models went where no emulator looked."""
    for name in ("DIR", "URL"):
        monkeypatch.delenv(f"VOICELIVE_EMULATOR_MODELS_{name}")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("VOICELIVE_EMULATOR_MODELS_DIR=of-env\n")
    (tmp_path / "voicelive.toml").write_text(
        f'[emulator]\nmodels-dir = "of-toml"\nmodels-url = "{source.url}/mirror"\n'
    )
    assert main(["fetch", "test"]) == 0
    assert (tmp_path / "of-env" / "test" / "file.bin").exists()


def test_help_shows_how_a_model_is_fetched_and_used(capsys: pytest.CaptureFixture[str]) -> None:
    """It listed sub-commands and explained none of their words."""
    for arguments, taught in ((["--help"], "models fetch kokoro"), (["fetch", "-h"], "of a model")):
        with pytest.raises(SystemExit):
            main(arguments)
        assert taught in capsys.readouterr().out
