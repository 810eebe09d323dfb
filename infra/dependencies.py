"""``python -m infra.dependencies``: what is wrong with the pinned dependencies.

Without a network: every requirement is pinned with hashes and to no address, the pins are those
that pyproject.toml asks for, what is installed is what is pinned, and nothing in the images has a
licence that binds who deploys them. With one: pip-audit asks a public database for known
vulnerabilities; where that can't be reached, a line says so and nothing else changes.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import cast

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[1]
INSTALLED = "dev"
IN_IMAGES = ("agent", "model")
ON_TOP = ("microphone", "end-of-turn")
"""Files of one package each, installed beside the others."""
MODEL_ALONE = "pipecat-ai"
"""Installed for the model in it, without what it requires."""
_HASH = re.compile(r"\s--hash=sha256:[0-9a-f]{64}(?=\s|$)")
_BINDING = re.compile(r"\b[AL]?GPL|General Public|SSPL|BUSL|Business Source|Proprietary", re.I)
_UNREACHABLE = re.compile(r"ConnectionError|could not connect|Max retries|timed out", re.I)


@dataclass(frozen=True, slots=True)
class Pin:
    """One pinned requirement."""

    requirement: Requirement
    name: str
    version: str

    @property
    def applies_here(self) -> bool:
        marker = self.requirement.marker
        return marker is None or marker.evaluate()


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
        if not _HASH.search(line):
            problems.append(f"{path.name}: {requirement.name} has no hash")
        pins.append(Pin(requirement, canonicalize_name(requirement.name), versions[0]))
    return pins


def find_unmet(pins: list[Pin], asked: list[Requirement], file: str) -> Iterator[str]:
    """Where pins are not what pyproject.toml asks for: it was changed after `make lock`."""
    found = {pin.name: pin for pin in pins}
    for requirement in asked:
        pin = found.get(canonicalize_name(requirement.name))
        if pin and not requirement.specifier.contains(pin.version, prereleases=True):
            yield (
                f"{file}: pyproject.toml asks for {requirement}, {pin.version} is pinned: make lock"
            )


def find_missing(pins: list[Pin], asked: list[Requirement], file: str) -> Iterator[str]:
    names = {pin.name for pin in pins}
    for requirement in asked:
        if canonicalize_name(requirement.name) not in names:
            yield f"{file}: pyproject.toml asks for {requirement}, which is not pinned: make lock"


def find_differences(pins: list[Pin]) -> Iterator[str]:
    """Where what is installed is not what is pinned."""
    for pin in pins:
        try:
            installed = version(pin.name)
        except PackageNotFoundError:
            if pin.applies_here:
                yield f"{pin.name} {pin.version} is pinned and not installed: make setup"
            continue
        if pin.applies_here and installed != pin.version:
            yield f"{pin.name} {pin.version} is pinned, {installed} is installed: make setup"


def find_binding_licences(pins: list[Pin]) -> Iterator[str]:
    for pin in pins:
        try:
            told = cast(Message, metadata(pin.name))
        except PackageNotFoundError:
            continue
        said = [told.get("License-Expression") or "", (told.get("License") or "")[:200]]
        said += [each for each in told.get_all("Classifier") or () if each.startswith("License")]
        licence = "; ".join(filter(None, said))
        if not licence:
            yield f"{pin.name} is in the image and names no licence"
        elif _BINDING.search(licence):
            yield f"{pin.name} is in the image under {licence}"


def check_offline(project: Path = PROJECT) -> list[str]:
    """All that can be told without a network."""
    problems: list[str] = []
    files = {path.stem: path for path in sorted((project / "requirements").glob("*.txt"))}
    pins = {name: read_pins(path, problems) for name, path in files.items()}
    settings = tomllib.loads((project / "pyproject.toml").read_text())
    own = [Requirement(text) for text in settings["project"]["dependencies"]]
    extras = settings["project"]["optional-dependencies"].values()
    extras_asked = [[Requirement(text) for text in extra] for extra in extras]
    for name, found in pins.items():
        names = {pin.name for pin in found}
        for extra in extras_asked:
            # Of an extra that a file was not made with, only some are there.
            if all(canonicalize_name(requirement.name) in names for requirement in extra):
                problems += find_unmet(found, extra, files[name].name)
        problems += find_unmet(found, own, files[name].name)
        if name not in ON_TOP:
            problems += find_missing(found, own, files[name].name)
    development = [Requirement(text) for text in settings["dependency-groups"]["dev"]]
    problems += find_missing(pins[INSTALLED], development, files[INSTALLED].name)
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
    return [line for line in done.stdout.splitlines() if not line.startswith(f"{MODEL_ALONE} ")]


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
    problems = check_offline() + check_installed() + audit()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
