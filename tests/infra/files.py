"""The project's deployment files."""

import json
import re
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the Dockerfile says of how its image runs."""

    user: str
    home: str
    port: int
    command: tuple[str, ...]


def read_dockerfile() -> ImageFacts:
    text = (ROOT / "Dockerfile").read_text()
    (user,) = re.findall(r"^USER (\d+)$", text, re.M)
    (home,) = re.findall(r"^ +HOME=(\S+)", text, re.M)
    (command,) = re.findall(r"^CMD (\[.*\])$", text, re.M)
    (port,) = re.findall(r"^EXPOSE (\d+)$", text, re.M)
    return ImageFacts(user, home, int(port), tuple(json.loads(command)))


@cache
def read_facts() -> dict[str, Any]:
    facts = read_yaml("tests/infra/facts.yaml")
    assert isinstance(facts, dict)
    return facts


def read_yaml(path: str) -> Any:
    # As YAML 1.1 reads it, which is what drops an unquoted `true`; dates stay text.
    return yaml.load((ROOT / path).read_text(), _Loader)


def copy_requirements(directory: Path) -> Path:
    """A project with this one's pyproject.toml and locks."""
    shutil.copytree(ROOT / "requirements", directory / "requirements")
    shutil.copy(ROOT / "pyproject.toml", directory)
    return directory


class _Loader(yaml.SafeLoader):
    """Without timestamps, so that an API version is a string."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
