"""Root file systems: a clean Debian, and commands in it, without a container engine.

``python:3.12-slim`` can't be pulled where there is no registry. A minimal Debian with its own
python3 stands for it: the same C library and file layout, and ``python`` on the PATH.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PACKAGES = "python3,python3-venv,ca-certificates"
_CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
_BASE_SECONDS = 7 * 86_400
_OWN_MOUNTS = ("unshare", "--mount", "--propagation", "private")
_TOOLS = ("debootstrap", "chroot", "unshare", "mount", "cp", "du")


class RootError(Exception):
    """A root could not be made, or a command in it failed; the text says what to do."""


def find_obstacle() -> str | None:
    """Why this machine can't build here, and what to do about it; None where it can."""
    if sys.platform != "linux":
        return "this needs Linux: build the image with `docker build` instead"
    if os.geteuid() != 0:
        return (
            "chroot and mount need root: run it again with sudo, "
            "or build the image without root with `docker build` or `podman build`"
        )
    missing = [tool for tool in _TOOLS if not shutil.which(tool)]
    if missing:
        return f"{', '.join(missing)} missing: apt-get install debootstrap coreutils util-linux"
    return None


def find_base(suite: str) -> Path:
    """Where a clean Debian is kept for all builds of this user, as engines keep base images."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    contents = hashlib.sha256(_PACKAGES.encode()).hexdigest()[:8]
    return cache / "voicelive-agent" / f"{suite}-{contents}"


def make_base(directory: Path, suite: str) -> None:
    """A clean Debian in ``directory``, unless there is one of this week. Raises RootError."""
    if directory.exists():
        if time.time() - directory.stat().st_mtime < _BASE_SECONDS:
            return
        # Its packages have had updates; another build may be copying it just now.
        directory.rename(directory.with_name(f"{directory.name}.old-{os.getpid()}"))
    for old in directory.parent.glob(f"{directory.name}.old-*"):
        shutil.rmtree(old, ignore_errors=True)
    unfinished = directory.with_name(f"{directory.name}.unfinished-{os.getpid()}")
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    try:
        _call(
            [
                # What it mounts, and may fail to unmount, is gone with its namespace.
                *_OWN_MOUNTS,
                "debootstrap",
                "--variant=minbase",
                f"--include={_PACKAGES}",
                suite,
                str(unfinished),
                *_find_mirror(suite),
            ],
            "debootstrap failed: check that `apt-get update` works, then run this again",
        )
        shutil.rmtree(unfinished / "var/cache/apt", ignore_errors=True)
        shutil.rmtree(unfinished / "var/lib/apt/lists", ignore_errors=True)
        (unfinished / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        os.utime(unfinished)
        # Whoever was faster has made the same.
        with contextlib.suppress(OSError):
            unfinished.rename(directory)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _find_mirror(suite: str) -> list[str]:
    """Where apt on this machine gets that suite; nothing, for debootstrap's default."""
    if not shutil.which("apt-get"):
        return []
    found = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    sites = [line.split()[0] for line in found.stdout.splitlines() if line.split()[1:] == [suite]]
    return sites[:1]


def copy_root(source: Path, target: Path) -> None:
    """A new root like ``source``, in place of what was at ``target``."""
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    # -x: never into another file system, such as a /proc that somebody mounted there.
    _call(["cp", "-ax", "--reflink=auto", str(source), str(target)], "the disk may be full")


def measure_bytes(path: Path) -> int:
    """Size of all files beneath ``path``, other file systems left out."""
    output = _call(["du", "-sbx", str(path)], "could not be measured")
    return int(output.split()[0])


@dataclass(frozen=True, slots=True)
class User:
    """Who a command runs as, by numbers."""

    uid: int
    gid: int


def find_user(root: Path, user: str) -> User:
    """``name``, ``uid``, or either with ``:gid``; without one, the group of /etc/passwd."""
    name, _, group = user.partition(":")
    for line in (root / "etc/passwd").read_text().splitlines():
        entry = line.split(":")
        if name in (entry[0], entry[2]):
            return User(int(entry[2]), int(group or entry[3]))
    if not name.isdecimal() or (group and not group.isdecimal()):
        raise RootError(f"there is no user {user} in the image: add it with useradd before USER")
    return User(int(name), int(group or 0))


def run_in(root: Path, command: str, environment: Mapping[str, str], user: str, cwd: str) -> None:
    """``/bin/sh -c command`` in ``root``, writable, with the network. Raises RootError.

    pip in there asks the package index that pip out here asks.
    """
    inside = {**_read_pip_settings(), **_read_proxies(), **environment}
    script = f'mount -t proc proc "$1/proc"; {_bind_certificates()}; {_ENTER}'
    _call(
        enter(root, script, find_user(root, user), cwd, inside, ["/bin/sh", "-ec", command]),
        f"`{command}` failed in the image",
    )


def enter_read_only(
    root: Path, environment: Mapping[str, str], user: str, cwd: str, command: Sequence[str]
) -> list[str]:
    """A command line that runs ``command`` in ``root`` with nothing writable but ``$HOME``.

    The process keeps its id, so a signal to it reaches the command.
    """
    owner = find_user(root, user)
    home = environment["HOME"]
    script = (
        'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; mount -t proc proc "$1/proc"; '
        f'mount -t tmpfs -o mode=0700,uid={owner.uid},gid={owner.gid} home "$1{home}"; {_ENTER}'
    )
    return enter(root, script, owner, cwd, environment, command)


# $1 root, $2 user, $3 directory, then env's arguments: the environment is that and no more.
_ENTER = (
    'root=$1 user=$2 cwd=$3; shift 3; cd "$root"; '
    'exec chroot --userspec="$user" . /usr/bin/env -i --chdir="$cwd" "$@"'
)


def enter(
    root: Path,
    script: str,
    user: User,
    cwd: str,
    environment: Mapping[str, str],
    command: Sequence[str],
) -> list[str]:
    """``script`` in a mount namespace of its own: what it mounts is gone with its process."""
    pairs = [f"{name}={value}" for name, value in environment.items()]
    shell = [*_OWN_MOUNTS, "sh", "-ec", script, "sh"]
    return [*shell, str(root), f"{user.uid}:{user.gid}", cwd, *pairs, *command]


def _bind_certificates() -> str:
    """This machine's authorities may be more than Debian's, where a proxy stands between."""
    if Path("/", _CERTIFICATES).exists():
        return f'mount --bind "/{_CERTIFICATES}" "$1/{_CERTIFICATES}"'
    return ":"


def _read_pip_settings() -> dict[str, str]:
    """This machine's pip configuration, files included, as environment variables."""
    output = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    settings = {}
    for line in output.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in ("global", ":env:") and name:
            variable = f"PIP_{name.upper().replace('-', '_')}"
            settings[variable] = value.strip("'").replace("\\n", " ").strip()
    return settings


def _read_proxies() -> dict[str, str]:
    names = ("http_proxy", "https_proxy", "no_proxy")
    return {
        name: os.environ[name]
        for lower in names
        for name in (lower, lower.upper())
        if name in os.environ
    }


def _call(command: Sequence[str], advice: str) -> str:
    """Its output. Raises RootError with the end of what it said."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise RootError(f"{advice}:\n{done.stdout[-2000:]}")
    return done.stdout
