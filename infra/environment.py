"""``python3 -m infra.environment run|development``: the ``.venv`` that a checkout works in.

Only the standard library: this runs before anything is installed. The locks in ``requirements/``
are complete, so they are installed as they are, by the pip that Python brings: nothing is
resolved, and nothing depends on what was released since. Of the machine's own pip configuration
only what says where packages come from is kept.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
VENV = PROJECT / ".venv"
PORTAUDIO_HEADERS = Path("/usr/include/portaudio.h")

# First what builds the packages that come as source alone: it has to be there before they are read.
_LOCKS = {"run": ("build", "run"), "development": ("build", "dev", "microphone")}
_INCLUDED = {"development": ("run",)}
"""What a set brings besides itself: whoever has it needs not install the others."""
_SOURCES = frozenset(
    (
        *("index-url", "extra-index-url", "find-links", "no-index", "trusted-host"),
        *("cert", "client-cert", "proxy", "timeout", "default-timeout", "retries"),
        *("keyring-provider", "cache-dir", "no-cache-dir"),
    )
)
"""pip's options that say where packages come from; no other changes what is installed."""
_SECTIONS = ("global", "install", ":env:")
"""Of pip's settings; a later one overrides an earlier one."""
_REQUIREMENTS = ("--no-deps", "--require-hashes", "--no-build-isolation", "--no-compile")


class EnvironmentFailed(Exception):
    """The environment can't be made; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Pip:
    """How pip is called: ``python -m pip`` with this machine's sources and nothing else of it."""

    python: Path
    environment: Mapping[str, str]

    def install(self, *arguments: str, tell: Callable[[int], None] = lambda _: None) -> None:
        """Run ``pip install``; ``tell`` hears how many packages were found so far.

        Raises EnvironmentFailed with the end of what pip said.
        """
        self._run("install", arguments, tell)

    def download(self, *arguments: str) -> None:
        """Run ``pip download``. Raises EnvironmentFailed with the end of what pip said."""
        self._run("download", arguments, lambda _: None)

    def _run(self, verb: str, arguments: Sequence[str], tell: Callable[[int], None]) -> None:
        command = [str(self.python), "-m", "pip", verb, "--no-input", *arguments]
        last: deque[str] = deque(maxlen=30)
        found = 0
        with subprocess.Popen(
            command,
            cwd=PROJECT,
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                last.append(line)
                if line.startswith(("Collecting ", "Requirement already satisfied")):
                    found += 1
                    tell(found)
        if process.returncode:
            raise EnvironmentFailed(
                f"pip failed:\n{''.join(last)}\n"
                "Where packages come from is pip's own configuration: `pip config list` shows it."
            )


def read_pip_settings(python: Path) -> dict[str, str]:
    """This machine's pip settings that say where packages come from, as ``PIP_…`` variables."""
    listed = subprocess.run(
        [str(python), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in listed.stdout.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in found and name in _SOURCES:
            text = value.strip("'\"").replace("\\n", " ").strip()
            found[section][f"PIP_{name.upper().replace('-', '_')}"] = text
    return {name: value for section in _SECTIONS for name, value in found[section].items()}


def clear_pip_settings() -> dict[str, str]:
    """This process's environment without what changes what pip does, or which packages it sees."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "PYTHONPATH", "PYTHONHOME"))
    }


def make_pip(python: Path) -> Pip:
    """pip of ``python``, deaf to configuration files and to variables that are no sources."""
    environment = clear_pip_settings() | read_pip_settings(python)
    environment |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        # setuptools warns of folders that are named like packages: they are packages.
        "PYTHONWARNINGS": "ignore",
    }
    return Pip(python, environment)


def find_python(venv: Path) -> Path:
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def find_flaw(venv: Path) -> str | None:
    """Why ``venv`` can't be used, such as one that was interrupted; None where it can."""
    python = find_python(venv)
    if not python.exists():
        return "has no Python"
    probe = "import sys, pip; print('%d.%d' % sys.version_info[:2], sys.prefix != sys.base_prefix)"
    try:
        asked = subprocess.run(
            [str(python), "-c", probe], capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return "has a Python that does not start"
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if asked.returncode:
        return "has no pip"
    if asked.stdout.split() != [here, "True"]:
        return f"was made with another Python than {here}"
    return None


def make_venv(venv: Path) -> None:
    """An empty environment of this Python in place of what is there. Raises EnvironmentFailed."""
    if venv.is_symlink() or venv.is_file():
        venv.unlink()
    shutil.rmtree(venv, ignore_errors=True)
    interpreter = getattr(sys, "_base_executable", sys.executable)
    made = subprocess.run(
        [interpreter, "-m", "venv", str(venv)], capture_output=True, text=True, check=False
    )
    if made.returncode or find_flaw(venv):
        shutil.rmtree(venv, ignore_errors=True)
        raise EnvironmentFailed(
            f"{interpreter} can't make a virtual environment, which keeps the packages apart from "
            f"the system's:\n{(made.stdout + made.stderr).strip()}\n"
            "Get its venv module with: apt-get install python3-venv (Debian, Ubuntu)"
        )


def fingerprint(wanted: str) -> str:
    """What has to be the same for nothing to be installed anew."""
    digest = hashlib.sha256()
    files = [PROJECT / "pyproject.toml", *(_lock(name) for name in _LOCKS[wanted])]
    for file in files:
        digest.update(file.read_bytes())
    digest.update(f"{sys.version_info[:2]} {PORTAUDIO_HEADERS.exists()} {PROJECT}".encode())
    return digest.hexdigest()


def _lock(name: str) -> Path:
    return PROJECT / f"requirements/{name}.txt"


def _mark(wanted: str) -> Path:
    return VENV / f".installed-{wanted}"


def is_ready(wanted: str) -> bool:
    """Whether all of ``wanted`` is there as the locks say."""
    owners = [wanted, *(name for name, also in _INCLUDED.items() if wanted in also)]
    for owner in owners:
        mark = _mark(owner)
        if mark.is_file() and mark.read_text() == fingerprint(owner) and not find_flaw(VENV):
            return True
    return False


def install(wanted: str) -> None:
    """Install the locks of ``wanted``, and this project where it lies."""
    for mark in VENV.glob(".installed-*"):
        mark.unlink()
    pip = make_pip(find_python(VENV))
    for name in _LOCKS[wanted]:
        if name == "microphone" and not PORTAUDIO_HEADERS.exists():
            _say(
                "Without PortAudio's headers (apt-get install portaudio19-dev) tests of real "
                "devices are skipped."
            )
            continue
        total = _lock(name).read_text().count("==")
        pip.install(*_REQUIREMENTS, "-r", str(_lock(name)), tell=_Progress(name, total))
    _compile(pip.python)
    pip.install("--no-deps", "--no-build-isolation", "--editable", str(PROJECT))
    _mark(wanted).write_text(fingerprint(wanted))


def _compile(python: Path) -> None:
    """Bytecode of all packages, by all cores: pip compiles one file after the other."""
    command = [str(python), "-m", "compileall", "-qq", "-j", "0", str(VENV)]
    # Some packages carry templates that are no Python; nobody imports them.
    subprocess.run(command, capture_output=True, check=False)


class _Progress:
    """``12 of 65 packages`` in one line of a terminal; nothing where nobody watches."""

    def __init__(self, name: str, total: int) -> None:
        self._name = name
        self._total = total

    def __call__(self, found: int) -> None:
        if sys.stdout.isatty():
            end = "\n" if found >= self._total else ""
            sys.stdout.write(f"\r  {self._name}: {found} of {self._total} packages{end}")
            sys.stdout.flush()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def prepare(wanted: str) -> None:
    """``.venv`` with all of ``wanted`` in it. Raises EnvironmentFailed."""
    if is_ready(wanted):
        return
    flaw = find_flaw(VENV)
    if flaw is not None:
        if VENV.exists():
            _say(f"{VENV.name} {flaw}: it is made anew")
        make_venv(VENV)
    what = "running" if wanted == "run" else "development"
    _say(f"Installing what {what} needs into {VENV.name} (once; some minutes on a slow line) ...")
    install(wanted)


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in _LOCKS:
        sys.stderr.write(f"usage: python3 -m infra.environment {'|'.join(_LOCKS)}\n")
        return 2
    try:
        prepare(arguments[0])
    except EnvironmentFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: the next run goes on\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
