"""The .venv of a checkout, made from a local index of tiny wheels; no network is asked."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import environment
from infra.environment import find_flaw, find_python, is_ready, make_venv, prepare

BACKEND = """
import os, zipfile

def build_editable(directory, config_settings=None, metadata_directory=None):
    name = "tiny_project-1.0-py3-none-any.whl"
    info = "tiny_project-1.0.dist-info"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        wheel.writestr("tiny_project.pth", os.getcwd())
        about = "Metadata-Version: 2.1\\nName: tiny-project\\nVersion: 1.0\\n"
        wheel.writestr(f"{info}/METADATA", about)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""


def make_wheel(index: Path, name: str, version: str, *requires: str) -> str:
    """A wheel of a module that knows its version; gives the line that pins it."""
    index.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    path = index / f"{name}-{version}-py3-none-any.whl"
    about = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        "Provides-Extra: mail",
    ]
    files = {
        f"{name}.py": f"VERSION = '{version}'\n",
        f"{info}/METADATA": "\n".join(
            [*about, "Provides-Extra: mail", *(f"Requires-Dist: {text}" for text in requires)]
        ),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with pip alone, made once: it takes seconds."""
    venv = tmp_path_factory.mktemp("empty") / ".venv"
    make_venv(venv)
    return venv


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: Path) -> Path:
    """A project with locks of tiny wheels, and pip settings that name their folder alone.

    Since the lock was made, `leaf` has had another release, and `root` needs an extra of it.
    """
    index = tmp_path / "index"
    lock = make_wheel(index, "root", "1.0", "leaf[mail]>=1", "never-released>=1")
    lock += make_wheel(index, "leaf", "1.0")
    make_wheel(index, "leaf", "2.0", "never-released>=1 ; extra == 'mail'")
    project = tmp_path / "checkout"
    (project / "requirements").mkdir(parents=True)
    (project / "requirements/build.txt").write_text(make_wheel(index, "builder", "1.0"))
    for name in ("run", "dev", "microphone"):
        (project / f"requirements/{name}.txt").write_text(lock)
    (project / "backend.py").write_text(BACKEND)
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    shutil.copytree(empty, project / ".venv", symlinks=True)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setattr(environment, "PROJECT", project)
    monkeypatch.setattr(environment, "VENV", project / ".venv")
    monkeypatch.setattr(environment, "PORTAUDIO_HEADERS", project / "none.h")
    return project


def read_installed(checkout: Path) -> str:
    """The versions that the environment's Python imports."""
    code = "import leaf, root; print(root.VERSION, leaf.VERSION)"
    command = [str(find_python(checkout / ".venv")), "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
"""Real environments and a real pip: a few seconds each."""


def make_source(index: Path, name: str, backend: str) -> str:
    """A package that comes as source alone, and whose build imports ``backend``."""
    folder = f"{name}-1.0"
    program = f"import {backend}\n{BACKEND}".replace("tiny_project", name).replace(
        "tiny-project", name
    )
    files = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "back"\n'
        'backend-path = ["."]\n',
        "back.py": program.replace("def build_editable", "def build_wheel"),
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
    }
    path = index / f"{folder}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for file, text in files.items():
            entry = tarfile.TarInfo(f"{folder}/{file}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def test_what_builds_a_package_that_is_source_alone_is_there_before(checkout: Path) -> None:
    """One came with a new dependency, and a new machine's first `make run` failed to build it.

    Where development went on, what builds was there from before.
    """
    source = make_source(checkout.parent / "index", "only_source", "builder")
    lock = checkout / "requirements/run.txt"
    lock.write_text(lock.read_text() + source)
    prepare("run")
    assert is_ready("run")


def test_what_was_released_since_the_lock_is_not_looked_at(checkout: Path) -> None:
    """A lock was once resolved again, and failed on the day of another package's release."""
    prepare("run")
    assert read_installed(checkout) == "1.0 1.0"
    assert is_ready("run")
    assert not is_ready("development")


def test_packages_are_compiled_and_what_is_no_python_is_left(checkout: Path) -> None:
    """A start that compiled what it imports would take seconds more."""
    (site,) = (checkout / ".venv").glob("lib/python*/site-packages")
    (site / "template.py").write_text("{{ name }} = ?\n")
    prepare("run")
    compiled = {path.name.partition(".")[0] for path in (site / "__pycache__").iterdir()}
    assert {"leaf", "root"} <= compiled
    assert "template" not in compiled


def test_what_running_needs_comes_with_what_development_needs(checkout: Path) -> None:
    prepare("development")
    assert is_ready("development")
    assert is_ready("run")


def test_the_machines_pip_settings_change_nothing(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where packages come from is taken from them; a constraints file was once obeyed."""
    settings = tmp_path / "pip.conf"
    settings.write_text(
        f"[global]\nconstraint = {tmp_path}/constraints.txt\nno-deps = false\n"
        f"[install]\nuser = true\ntarget = {tmp_path}/elsewhere\nrequire-hashes = false\n"
    )
    (tmp_path / "constraints.txt").write_text("leaf==2.0\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "true")
    monkeypatch.setenv("PIP_PREFIX", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "index/leaf-2.0-py3-none-any.whl"))
    prepare("run")
    monkeypatch.delenv("PYTHONPATH")
    assert read_installed(checkout) == "1.0 1.0"
    assert not (tmp_path / "elsewhere").exists()


Spoil = Callable[[Path], None]


def remove_python(venv: Path) -> None:
    for path in (venv / "bin").glob("python*"):
        path.unlink()


def remove_pip(venv: Path) -> None:
    for path in venv.glob("lib/python*/site-packages/pip"):
        shutil.rmtree(path)


def replace_python(venv: Path) -> None:
    find_python(venv).unlink()
    find_python(venv).write_text("#!/bin/sh\necho 3.9 True\n")
    find_python(venv).chmod(0o755)


def break_python(venv: Path) -> None:
    find_python(venv).unlink()
    find_python(venv).symlink_to(venv / "gone")


@pytest.mark.parametrize(
    ("spoil", "flaw"),
    [
        (remove_python, "has no Python"),
        (break_python, "has no Python"),
        (remove_pip, "has no pip"),
        (replace_python, f"was made with another Python than {sys.version_info[0]}"),
    ],
)
def test_a_flaw_is_seen(checkout: Path, spoil: Spoil, flaw: str) -> None:
    assert find_flaw(checkout / ".venv") is None
    spoil(checkout / ".venv")
    assert (find_flaw(checkout / ".venv") or "").startswith(flaw)


def test_a_half_made_environment_is_made_anew(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A first run that was interrupted left a .venv without pip, which failed for ever after."""
    prepare("run")
    remove_pip(checkout / ".venv")
    assert not is_ready("run")
    prepare("run")
    assert ".venv has no pip: it is made anew" in capsys.readouterr().out
    assert read_installed(checkout) == "1.0 1.0"


def test_an_interrupted_installation_goes_on(checkout: Path) -> None:
    prepare("run")
    (checkout / ".venv/.installed-run").unlink()
    for path in (checkout / ".venv").glob("lib/python*/site-packages/leaf*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert not is_ready("run")
    prepare("run")
    assert read_installed(checkout) == "1.0 1.0"


def test_another_lock_is_installed(checkout: Path, tmp_path: Path) -> None:
    prepare("run")
    lock = checkout / "requirements/run.txt"
    newer = make_wheel(tmp_path / "index", "leaf", "1.5")
    lock.write_text(lock.read_text().splitlines(keepends=True)[0] + newer)
    assert not is_ready("run")
    prepare("run")
    assert read_installed(checkout) == "1.0 1.5"


def test_a_package_that_is_another_than_the_pinned_one_is_refused(
    checkout: Path, tmp_path: Path
) -> None:
    make_wheel(tmp_path / "index", "leaf", "1.0", "surprise")
    with pytest.raises(environment.EnvironmentFailed, match=r"pip failed[\s\S]*HASHES"):
        prepare("run")
    assert not is_ready("run")
