"""Debian roots: the clean Debian that stands for the image's base, and what runs in it.

``python:3.13-slim-trixie`` can't be pulled where there is no registry. A minimal Debian of the same
release stands for it: the same C library and minor version of Python, and ``python`` on the PATH.
It is kept as an image of Debian's buildah, which needs no daemon.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.environment import read_pip_settings
from infra.locks import find_cache

SUITE = "trixie"
PYTHON = "3.13"
BASE = f"localhost/voicelive-agent/python:{SUITE}"
_PACKAGES = "python3,python3-venv,ca-certificates"
_SIZE = "voicelive-agent.bytes"
_BASE_DAYS = 7
_TOOLS = ("buildah", "debootstrap", "chroot", "unshare", "mount", "du")
_OWN_MOUNTS = ("unshare", "--mount", "--propagation", "private")
_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


class DebianError(Exception):
    """A root could not be made, or a command in it failed; the text says what to do."""


def find_obstacle() -> str | None:
    """Why this machine can't make roots, and what to do about it; None where it can."""
    if sys.platform != "linux":
        return "this needs Linux: build the image with `docker build` instead"
    if os.geteuid() != 0:
        return (
            "chroot and mount need root: run it again with sudo, "
            "or build the image without root with `docker build` or `podman build`"
        )
    missing = [tool for tool in _TOOLS if not shutil.which(tool)]
    if missing:
        return f"{', '.join(missing)} missing: apt-get install buildah debootstrap"
    return None


def buildah_command(command: str, *arguments: str) -> list[str]:
    """A buildah command line on the images that all checkouts of this user share."""
    store = find_cache() / "containers"
    options = ["--storage-driver", "vfs", "--root", str(store), "--runroot", str(store / "run")]
    return ["buildah", *options, command, *arguments]


def buildah(command: str, *arguments: str, advice: str = "") -> str:
    """What a buildah command prints. Raises DebianError with the end of what it said."""
    return call(buildah_command(command, *arguments), advice or f"buildah {command} failed")


def call(command: Sequence[str], advice: str) -> str:
    """What a command prints. Raises DebianError with the end of what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DebianError(f"{advice}:\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout.strip()


def make_base() -> int:
    """The clean Debian as image ``BASE``, unless there is one of this week; gives its bytes.

    Raises DebianError.
    """
    if size := _find_fresh_base():
        return size
    with tempfile.TemporaryDirectory(dir=_make_cache(), prefix="debian-") as directory:
        root = Path(directory) / "root"
        call(
            [
                # What it mounts, and may fail to unmount, is gone with its namespace.
                *(*_OWN_MOUNTS, "debootstrap", "--variant=minbase", f"--include={_PACKAGES}"),
                *(SUITE, str(root), *_find_mirror()),
            ],
            "debootstrap failed: check that `apt-get update` works, then run this again",
        )
        for lists in ("var/cache/apt", "var/lib/apt/lists"):
            shutil.rmtree(root / lists, ignore_errors=True)
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        size = measure_bytes(root)
        container = buildah("from", "scratch")
        buildah("add", container, str(root), "/")
        buildah("config", "--label", f"{_SIZE}={size}", container)
        buildah("commit", "--quiet", "--rm", container, BASE)
    buildah("rmi", "--prune")
    return size


def _make_cache() -> Path:
    cache = find_cache()
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def _find_fresh_base() -> int | None:
    try:
        told = json.loads(buildah("inspect", "--type", "image", BASE))["OCIv1"]
    except DebianError:
        return None
    made = datetime.fromisoformat(told["created"][:19]).replace(tzinfo=UTC)
    fresh = datetime.now(UTC) - made < timedelta(days=_BASE_DAYS)
    return int(told["config"]["Labels"][_SIZE]) if fresh else None


def _find_mirror() -> list[str]:
    """Where apt on this machine gets Debian; nothing, for debootstrap's default."""
    if not shutil.which("apt-get"):
        return []
    found = call(
        ["apt-get", "indextargets", "--format", "$(ORIGIN) $(SITE)", "Created-By: Packages"],
        "apt-get does not say where it gets Debian",
    )
    sites = [line.partition(" ")[2] for line in found.splitlines() if line.startswith("Debian ")]
    return [site for site in sites if "security" not in site][:1]


def measure_bytes(path: Path) -> int:
    """Size of all files beneath ``path``, other file systems left out."""
    return int(call(["du", "-sbx", str(path)], "could not be measured").split()[0])


@contextlib.contextmanager
def open_container(image: str, *options: str) -> Iterator[str]:
    """A container of ``image``, gone afterwards; gives its name. Raises DebianError."""
    container = buildah("from", "--pull=never", *options, image)
    try:
        yield container
    finally:
        buildah("rm", container)


@contextlib.contextmanager
def hand_in_sources() -> Iterator[list[str]]:
    """buildah's options by which pip in a container asks the index that pip out here asks.

    No path of this machine goes in: it names nothing there, as a constraints file of the machine's
    pip once showed. The authorities that this machine trusts stand in place of Debian's: there may
    be more of them, where a proxy stands between.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("[global]\n")
        for name, value in read_pip_settings(Path(sys.executable)).items():
            words = [word for word in value.split() if not word.startswith(("/", "file:"))]
            if words:
                option = name.removeprefix("PIP_").lower().replace("_", "-")
                file.write(f"{option} = {' '.join(words)}\n")
        file.flush()
        mounts = [f"{file.name}:/etc/pip.conf:ro"]
        if Path(_AUTHORITIES).exists():
            mounts.append(f"{_AUTHORITIES}:{_AUTHORITIES}:ro")
        yield [text for mount in mounts for text in ("--volume", mount)]


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
        raise DebianError(f"there is no user {user} in the image: add it with useradd before USER")
    return User(int(name), int(group or 0))


HOMES: Mapping[str, str] = {
    "own": 'mount -t tmpfs -o "mode=0700,uid=$uid,gid=$gid" home "$home"',
    "of root": 'mount -t tmpfs -o mode=0755 home "$home"',
    "full": (
        'mount -t tmpfs -o "mode=0700,uid=$uid,gid=$gid,size=64k" home "$home"; '
        'cat /dev/zero > "$home/ballast" 2>&- || true'
    ),
    "absent": 'mount -t tmpfs -o mode=0755 home "$(dirname "$home")"',
}
"""How ``$HOME`` may be found where an image runs: shell that makes it so."""

# The shell's arguments: the root, $HOME in it, uid and gid, the directory, then env's: the
# command's environment is that and no more.
_ENTER = """
root=$1 home=$1$2 uid=$3 gid=$4 cwd=$5; shift 5
mount --bind "$root" "$root"; mount -o remount,bind,ro "$root"; mount -t proc proc "$root/proc"
{home}
cd "$root"; exec chroot --userspec="$uid:$gid" . /usr/bin/env -i --chdir="$cwd" "$@"
"""


def enter_read_only(
    root: Path,
    environment: Mapping[str, str],
    user: str,
    cwd: str,
    command: Sequence[str],
    home: str = "own",
) -> list[str]:
    """A command line that runs ``command`` in ``root`` with nothing writable but ``$HOME``.

    ``home`` is one of HOMES. What is mounted is gone with the process, which keeps its id, so that
    a signal to it reaches the command.
    """
    owner = find_user(root, user)
    shell = [*_OWN_MOUNTS, "sh", "-ec", _ENTER.format(home=HOMES[home]), "sh", str(root)]
    pairs = [f"{name}={value}" for name, value in environment.items()]
    return [*shell, environment["HOME"], str(owner.uid), str(owner.gid), cwd, *pairs, *command]
