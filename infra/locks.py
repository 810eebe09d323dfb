"""Locks: which there are, what each is made of, and whether each is complete and consistent.

``python -m infra.locks`` pins ``requirements/*.txt`` anew from pyproject.toml: versions with
hashes, and no index address. A version that is pinned stays while it fits; delete a file to have
its packages renewed.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from infra.environment import EnvironmentFailed, clear_pip_settings, make_pip

PROJECT = Path(__file__).parents[1]
OWN = "voicelive-agent"
_HASH = re.compile(r"\s--hash=sha256:[0-9a-f]{64}(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Lock:
    """What one ``requirements/NAME.txt`` is made of."""

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    """Requirements in place of pyproject.toml's: a file that is installed beside the others."""

    @property
    def on_top(self) -> bool:
        return bool(self.packages)


_RUN = ("emulator", "espeak", "tls", "client", "fast")
_SERVER = ("fast", "bridge", "redis", "telemetry", "azure-monitor")
_FRAMEWORKS = ("pydantic-ai", "agent-framework", "langgraph", "openai-agents", "model")
_SPEECH = ("echo-cancellation", "sherpa-onnx", "faster-whisper")
LOCKS: Mapping[str, Lock] = {
    # The others hold this one's versions: what is tested is what is deployed.
    "dev": Lock((*_RUN, *_SERVER[1:], *_FRAMEWORKS, *_SPEECH), ("build", "dev")),
    # The image: for an agent without further needs, and for an LLM agent by configuration.
    "agent": Lock(_SERVER, files=("requirements/entra.in",)),
    "model": Lock((*_SERVER, "model"), files=("requirements/entra.in",)),
    "run": Lock(_RUN, ("build",)),
    # Installed before the others: what builds this project, and packages that are source alone.
    "build": Lock(packages=("setuptools>=77",)),
    # Built from source against PortAudio, so installed only where its headers are.
    "microphone": Lock(packages=("pyaudio>=0.2.14,<0.3",)),
    # The oldest pip that a Python 3.11 brings, and the newest: both have to read the others.
    "pip-oldest": Lock(packages=("pip==22.3",)),
    "pip-newest": Lock(packages=("pip",)),
}
PIPS = ("pip-oldest", "pip-newest")
BY_ANY_PIP = ("build", "dev", "run")
"""What a checkout installs, by the pip that its Python brings."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One pinned requirement."""

    requirement: Requirement
    name: str
    version: str
    hashes: frozenset[str] = frozenset()

    def applies(self, environment: Mapping[str, str] | None = None) -> bool:
        """Whether it is for ``environment`` (markers' variables); for this machine without one."""
        marker = self.requirement.marker
        return marker is None or marker.evaluate(dict(environment) if environment else None)


def read_pins(path: Path, problems: list[str]) -> list[Pin]:
    """The pins of a requirements file; what is no pin with hashes is added to ``problems``."""
    pins = []
    for line in path.read_text().replace("\\\n", " ").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        text = _HASH.sub("", line).strip()
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            problems.append(f"{path.name}: this is no pinned package: {text}")
            continue
        versions = [each.version for each in requirement.specifier if each.operator == "=="]
        if requirement.url or len(versions) != 1 or "*" in versions[0]:
            problems.append(f"{path.name}: {requirement.name} is not pinned to one version")
            continue
        hashes = frozenset(found.strip() for found in _HASH.findall(line))
        if not hashes:
            problems.append(f"{path.name}: {requirement.name} has no hash")
        name = canonicalize_name(requirement.name)
        pins.append(Pin(requirement, name, versions[0], hashes))
    return pins


def read_locks(project: Path, problems: list[str]) -> dict[str, list[Pin]]:
    """All locks of a project by name; a file that is none, or a missing one, is a problem."""
    files = {path.stem: path for path in sorted((project / "requirements").glob("*.txt"))}
    problems += [f"{files[name].name} is in no table of locks" for name in files.keys() - LOCKS]
    problems += [f"{name}.txt is missing: make lock" for name in LOCKS.keys() - files]
    return {name: read_pins(files[name], problems) for name in LOCKS if name in files}


def read_asked(project: Path, lock: Lock) -> list[Requirement]:
    """The requirements that ``lock`` is made of."""
    if lock.packages:
        return [Requirement(text) for text in lock.packages]
    settings: dict[str, Any] = tomllib.loads((project / "pyproject.toml").read_text())
    texts = list(settings["project"]["dependencies"])
    for extra in lock.extras:
        texts += settings["project"]["optional-dependencies"][extra]
    for group in lock.groups:
        texts += settings["dependency-groups"][group]
    for file in lock.files:
        lines = (project / file).read_text().splitlines()
        texts += [line for line in lines if line.strip() and not line.startswith("#")]
    return [Requirement(text) for text in texts]


def make_environments() -> dict[str, dict[str, str]]:
    """Where a lock has to be complete: markers' variables by a name for people."""
    platforms = {
        "linux": ("linux", "Linux", "posix", "x86_64"),
        "darwin": ("darwin", "Darwin", "posix", "arm64"),
        "win32": ("win32", "Windows", "nt", "AMD64"),
    }
    # The first 3.11 is Debian 12's; some markers name patch versions.
    environments = {}
    for full in ("3.11.2", "3.12.3", "3.13.5", "3.14.0"):
        for platform, (sys_platform, system, os_name, machine) in platforms.items():
            version = full.rpartition(".")[0]
            environments[f"Python {version} on {platform}"] = {
                "python_version": version,
                "python_full_version": full,
                "implementation_version": full,
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
                "sys_platform": sys_platform,
                "platform_system": system,
                "os_name": os_name,
                "platform_machine": machine,
                "platform_release": "",
                "platform_version": "",
                "extra": "",
            }
    return environments


@cache
def _read_requires(name: str) -> tuple[Requirement, ...]:
    """What the installed ``name`` requires; nothing of one for another platform or Python."""
    try:
        found = distribution(name).requires or ()
    except PackageNotFoundError:
        return ()
    return tuple(Requirement(text) for text in found)


def find_gaps(
    name: str, lock: Lock, pins: Sequence[Pin], asked: Sequence[Requirement]
) -> Iterator[str]:
    """What the packages of a lock require and the lock doesn't have, anywhere that we support.

    pip stops at such a lock, or resolves it anew and installs what was released since.
    """
    told = set()
    for where, environment in make_environments().items():
        present = {pin.name: pin for pin in pins if pin.applies(environment)}
        for origin, requirement in _walk(asked, environment):
            pin = present.get(canonicalize_name(requirement.name))
            if pin and requirement.specifier.contains(pin.version, prereleases=True):
                continue
            how = f"{pin.version} is pinned" if pin else "which is not pinned"
            text = f"{name}.txt: {origin} asks for {_describe(requirement)}, {how}"
            if text not in told:
                told.add(text)
                yield f"{text} for {where}: make lock"


def _walk(
    asked: Sequence[Requirement], environment: Mapping[str, str]
) -> Iterator[tuple[str, Requirement]]:
    """All that is required in ``environment``, extras' requirements too, and who asks for it."""
    waiting = [("pyproject.toml", "", requirement) for requirement in asked]
    seen = set()
    while waiting:
        origin, extra, requirement = waiting.pop()
        marker, name = requirement.marker, canonicalize_name(requirement.name)
        if name == OWN or (marker and not marker.evaluate({**environment, "extra": extra})):
            continue
        yield origin, requirement
        for each in ("", *requirement.extras):
            if (name, each) not in seen:
                seen.add((name, each))
                waiting += [(name, each, needed) for needed in _read_requires(name)]


def _describe(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}{requirement.specifier}"


def find_disagreements(locks: Mapping[str, Sequence[Pin]]) -> Iterator[str]:
    """Where two locks would install another version, or another file, of one package."""
    told = set()
    for environment in make_environments().values():
        first: dict[str, tuple[str, Pin]] = {}
        for name, pins in locks.items():
            for pin in pins:
                if name in PIPS or not pin.applies(environment):
                    continue
                other, known = first.setdefault(pin.name, (name, pin))
                if (known.version, known.hashes) != (pin.version, pin.hashes):
                    told.add(
                        f"{name}.txt has {pin.name} {pin.version}, {other}.txt has "
                        f"{known.version}, or other files of it: make lock"
                    )
    yield from told


def find_cache() -> Path:
    """Where this user's checkouts keep what they share."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "voicelive-agent"


def fetch_pip(name: str) -> Path:
    """A folder with the pip that lock ``name`` pins, kept for all checkouts.

    Raises EnvironmentFailed where it is neither kept nor to be had.
    """
    lock = PROJECT / f"requirements/{name}.txt"
    (pin,) = read_pins(lock, [])
    folder = find_cache() / f"pips/{pin.version}"
    if not folder.exists():
        with tempfile.TemporaryDirectory() as directory:
            options = ("--no-deps", "--require-hashes", "--only-binary=:all:", "-d", directory)
            make_pip(Path(sys.executable)).download(*options, "-r", str(lock))
            (wheel,) = Path(directory).glob("pip-*.whl")
            with zipfile.ZipFile(wheel) as archive:
                # Without its metadata: to pip, the one that is installed is the installed one.
                members = [each for each in archive.namelist() if each.startswith("pip/")]
                archive.extractall(folder, members)
    return folder


def find_unreadable(lock: Path, pip: Path) -> Iterator[str]:
    """Why the pip in folder ``pip`` would not install ``lock``.

    All its packages are installed here, so nothing is fetched.
    """
    command = [sys.executable, str(pip / "pip"), "install", "--dry-run", "--quiet", "--no-index"]
    done = subprocess.run(
        [*command, "--no-deps", "--require-hashes", "-r", str(lock)],
        env=clear_pip_settings() | {"PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        yield f"{lock.name}: pip {pip.name} does not install it: {done.stderr.strip()}"


def check_installable() -> list[str]:
    """Whether the oldest and the newest pip take each lock that Python's own pip installs.

    What was found good is not asked again: old pips take seconds.
    """
    digest = hashlib.sha256()
    for name in (*BY_ANY_PIP, *PIPS):
        digest.update((PROJECT / f"requirements/{name}.txt").read_bytes())
    good = find_cache() / f"pips/good-{digest.hexdigest()[:16]}"
    if good.exists():
        return []
    try:
        pips = [fetch_pip(name) for name in PIPS]
    except EnvironmentFailed as error:
        return [f"the pips that have to read the locks are not to be had: {error}"]
    locks = [PROJECT / f"requirements/{name}.txt" for name in BY_ANY_PIP]
    problems = [text for lock in locks for pip in pips for text in find_unreadable(lock, pip)]
    if not problems:
        good.touch()
    return problems


def check_locks(project: Path = PROJECT) -> list[str]:
    """All that is wrong with a project's locks, told without a network."""
    problems: list[str] = []
    locks = read_locks(project, problems)
    for name, pins in locks.items():
        problems += find_gaps(name, LOCKS[name], pins, read_asked(project, LOCKS[name]))
    problems += find_disagreements(locks)
    return problems


def make_locks() -> None:
    """Pin all locks anew. Raises CalledProcessError where nothing fits."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal"]
    command += ["--python-version", "3.11", "--generate-hashes"]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url"]
    for name, lock in LOCKS.items():
        options = ["-o", f"requirements/{name}.txt"]
        if lock.on_top:
            options += ["-"]
            options += [] if name in PIPS else ["--constraints", "requirements/dev.txt"]
        else:
            options += ["pyproject.toml", "--no-emit-package", OWN, *lock.files]
            options += [text for extra in lock.extras for text in ("--extra", extra)]
            options += [text for group in lock.groups for text in ("--group", group)]
            options += [] if name == "dev" else ["--constraints", "requirements/dev.txt"]
        options += ["--allow-unsafe"] if name in PIPS else []
        options += ["--upgrade"] if name == "pip-newest" else []
        subprocess.run(
            [*command, *options], cwd=PROJECT, input="\n".join(lock.packages), text=True, check=True
        )


if __name__ == "__main__":
    make_locks()
