"""Tests on the image's Python: ``python -m infra.debian_tests`` runs those of what it holds.

In a clean Debian, with the development lock installed by that Debian's pip. The packages are kept
until the lock changes; the checkout is copied, so that nothing is written to it.
"""

import hashlib
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from infra.debian import (
    BASE,
    PYTHON,
    DebianError,
    buildah_command,
    find_obstacle,
    hand_in_sources,
    make_base,
    open_container,
)
from infra.locks import find_cache

PROJECT = Path(__file__).parents[1]
# First what builds the packages that are source alone.
_LOCKS = ("build", "dev")
_NOT_COPIED = (".git", ".venv", "build", "dist", "__pycache__", ".*_cache", ".hypothesis")
_PARTS = ("app", "diagnostics", "frameworks", "model_agent", "server", "wire")
"""Of the tests: those of what is in the image."""
_TESTS = (
    *(f"tests/{part}" for part in _PARTS),
    "-m",
    "not component and not slow",
    "-n",
    "2",
    "-q",
)


def main(options: list[str]) -> int:
    """pytest's exit code; ``options`` are pytest's, in place of ours."""
    if obstacle := find_obstacle():
        sys.exit(obstacle)
    try:
        make_base()
        _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
        with (
            # buildah's own limit of open files is less than what some tests need.
            open_container(BASE, "--ulimit", f"nofile={files}:{files}") as container,
            tempfile.TemporaryDirectory(prefix="debian-tests-") as directory,
        ):
            checkout = Path(directory) / "checkout"
            shutil.copytree(PROJECT, checkout, ignore=shutil.ignore_patterns(*_NOT_COPIED))
            packages = find_packages()
            mounts = ["--volume", f"{packages}:/venv", "--volume", f"{checkout}:/checkout"]
            install(container, packages, mounts)
            # A slow machine is no fault; where CI is set, missing components would be one too.
            tests = ["/venv/bin/python", "-m", "pytest", "--hypothesis-profile=ci"]
            return run(container, mounts, [*tests, *(options or _TESTS)])
    except DebianError as error:
        sys.exit(str(error))


def find_packages() -> Path:
    """Where the virtual environment of this lock is kept; those of other locks are removed."""
    digest = hashlib.sha256()
    digest.update((PROJECT / "pyproject.toml").read_bytes())
    for name in _LOCKS:
        digest.update((PROJECT / f"requirements/{name}.txt").read_bytes())
    packages = find_cache() / f"python{PYTHON}" / digest.hexdigest()[:16]
    for other in packages.parent.glob("*"):
        if other != packages:
            shutil.rmtree(other, ignore_errors=True)
    packages.mkdir(parents=True, exist_ok=True)
    return packages


def install(container: str, packages: Path, mounts: list[str]) -> None:
    """The development lock, unless it is there whole. Raises DebianError."""
    complete = packages / ".complete"
    if complete.exists():
        return
    print(f"Installing the development lock for Python {PYTHON} ...", flush=True)
    pip = "/venv/bin/pip install --quiet --no-deps --no-build-isolation"
    script = "; ".join(
        (
            "python -m venv --clear /venv",
            *(
                f"{pip} --no-cache-dir --require-hashes -r requirements/{name}.txt"
                for name in _LOCKS
            ),
            f"{pip} --editable .",
        )
    )
    with hand_in_sources() as sources:
        if run(container, [*mounts, *sources], ["sh", "-ec", script]):
            raise DebianError("the development lock could not be installed in a clean Debian")
    complete.touch()


def run(container: str, mounts: list[str], command: list[str]) -> int:
    """A command in the checkout's copy, its output shown; gives its exit code."""
    options = ["--isolation", "chroot", "--workingdir", "/checkout", *mounts]
    shown = buildah_command("run", *options, container, "--", *command)
    return subprocess.run(shown, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
