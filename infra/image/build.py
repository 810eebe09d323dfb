"""Image build: Debian's buildah carries out the Dockerfile on a stand-in for its base."""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.debian import (
    BASE,
    DebianError,
    buildah,
    hand_in_sources,
    make_base,
    measure_bytes,
    open_container,
)

_FROM = re.compile(r"^FROM\s+(?:--platform=\S+\s+)?(\S+)(?:\s+AS\s+(\S+))?", re.M | re.I)


@dataclass(frozen=True, slots=True)
class Image:
    """A built image's root, and how its command is run."""

    root: Path
    user: str
    environment: Mapping[str, str]
    directory: str
    command: tuple[str, ...]
    ports: tuple[str, ...]
    added_bytes: int
    """What the Dockerfile adds to its base."""


def find_base(dockerfile: str) -> str:
    """The image that all stages of a Dockerfile stand on. Raises DebianError."""
    images = [match.groups() for match in _FROM.finditer(dockerfile)]
    bases = {image for image, _ in images} - {stage for _, stage in images}
    if len(bases) != 1:
        raise DebianError(f"all stages should stand on one image, not on {sorted(bases)}")
    (base,) = bases
    return str(base)


@contextlib.contextmanager
def build(project: Path, arguments: Mapping[str, str] | None = None) -> Iterator[Image]:
    """``project``'s image, built and mounted; gone afterwards. Raises DebianError."""
    base_bytes = make_base()
    base = find_base((project / "Dockerfile").read_text())
    options = ["--isolation", "chroot", "--pull=never", "--layers=false", "--quiet"]
    options += ["--build-context", f"{base}=container-image://{BASE}"]
    for name, value in (arguments or {}).items():
        options += ["--build-arg", f"{name}={value}"]
    with hand_in_sources() as sources:
        built = buildah("build", *options, *sources, str(project), advice="the build failed")
    identifier = built.split()[-1]
    try:
        told = json.loads(buildah("inspect", "--type", "image", identifier))["OCIv1"]["config"]
        with open_container(identifier) as container:
            root = Path(buildah("mount", container))
            yield Image(
                root,
                user=told["User"],
                environment=dict(pair.split("=", 1) for pair in told["Env"]),
                directory=told["WorkingDir"],
                command=tuple(told["Cmd"]),
                ports=tuple(told["ExposedPorts"]),
                added_bytes=measure_bytes(root) - base_bytes,
            )
    finally:
        buildah("rmi", "--force", identifier)
