"""Dependencies: ``python -m infra.dependencies`` says what is wrong with the pinned ones.

Without a network: the locks are complete and consistent, the oldest and the newest pip read them,
what is installed is what is pinned, and nothing in the images has a licence that binds who deploys
them. With one: pip-audit asks a public database for known vulnerabilities; where that can't be
reached, a line says so and nothing else changes.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from email.message import Message
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import cast

from infra.locks import Pin, check_installable, check_locks, read_locks

PROJECT = Path(__file__).parents[1]
INSTALLED = "dev"
IN_IMAGES = ("agent", "model")
_BINDING = re.compile(r"\b[AL]?GPL|General Public|SSPL|BUSL|Business Source|Proprietary", re.I)
_UNREACHABLE = re.compile(r"ConnectionError|could not connect|Max retries|timed out", re.I)


def find_differences(pins: list[Pin]) -> Iterator[str]:
    """Where what is installed is not what is pinned."""
    for pin in pins:
        try:
            installed = version(pin.name)
        except PackageNotFoundError:
            if pin.applies():
                yield f"{pin.name} {pin.version} is pinned and not installed: make setup"
            continue
        if pin.applies() and installed != pin.version:
            yield f"{pin.name} {pin.version} is pinned, {installed} is installed: make setup"


def find_licence(told: Message) -> str:
    """What a package's metadata says of its licence, in the newest of the fields that it uses."""
    if expression := told.get("License-Expression"):
        return str(expression)
    said = [(told.get("License") or "")[:200]]
    said += [each for each in told.get_all("Classifier") or () if each.startswith("License")]
    return "; ".join(filter(None, said))


def find_binding_licences(pins: list[Pin]) -> Iterator[str]:
    for pin in pins:
        try:
            told = cast(Message, metadata(pin.name))
        except PackageNotFoundError:
            continue
        licence = find_licence(told)
        if not licence:
            yield f"{pin.name} is in the image and names no licence"
        elif _BINDING.search(licence):
            yield f"{pin.name} is in the image under {licence}"


def check_offline(project: Path = PROJECT) -> list[str]:
    """All that can be told without a network."""
    problems = check_locks(project)
    pins = read_locks(project, [])
    problems += find_differences(pins[INSTALLED])
    for name in IN_IMAGES:
        problems += find_binding_licences(pins[name])
    return sorted(set(problems))


def check_installed() -> list[str]:
    """What pip says of packages that don't fit together."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False
    )
    if not done.returncode:
        return []
    return done.stdout.splitlines()


def audit() -> list[str]:
    """Known vulnerabilities of what is in the images; a line says what nobody could be asked of."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    for name in IN_IMAGES:
        command += ["-r", str(PROJECT / f"requirements/{name}.txt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        if _UNREACHABLE.search(done.stderr):
            print("known vulnerabilities were not looked up: no database can be reached")
            return []
        return done.stderr.splitlines()
    report, problems = read_audit(done.stdout)
    print(report)
    return problems


def read_audit(output: str) -> tuple[str, list[str]]:
    """What pip-audit's JSON says: a line of how much was looked up, and what was found.

    An index that has the packages but not the database answers that it knows none of them, which
    pip-audit takes for good news.
    """
    packages = json.loads(output)["dependencies"]
    skipped = sorted({each["name"] for each in packages if "skip_reason" in each})
    found = [
        f"{each['name']} {each['version']}: {known['id']}, fixed in"
        f" {', '.join(known['fix_versions']) or 'no version yet'}"
        for each in packages
        for known in each.get("vulns", ())
    ]
    asked = len({each["name"] for each in packages}) - len(skipped)
    if not asked:
        return "known vulnerabilities were not looked up: the index here has no database", found
    report = f"known vulnerabilities were looked up for {asked} packages"
    return report + (f", not for {', '.join(skipped)}" if skipped else ""), found


def main() -> int:
    problems = check_offline() + check_installable() + check_installed() + audit()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
