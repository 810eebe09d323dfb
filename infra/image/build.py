"""Carry out a Dockerfile's steps in clean Debian roots."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.image.context import Ignore, list_files, select
from infra.image.dockerfile import Copy, Stage, parse
from infra.image.root import RootError, copy_root, find_base, make_base, measure_bytes, run_in

STAND_IN_FOR = "python:3.12-slim"


@dataclass(frozen=True, slots=True)
class Image:
    """A built root, and how its command is run."""

    root: Path
    stage: Stage
    size_bytes: int
    added_bytes: int
    """What the Dockerfile adds to its base."""


def build(
    project: Path,
    directory: Path,
    suite: str = "bookworm",
    arguments: Mapping[str, str] | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Image:
    """Build ``project``'s Dockerfile beneath ``directory``; its base is kept for all builds.

    Raises DockerfileError and RootError.
    """
    stages = parse((project / "Dockerfile").read_text(), arguments)
    files = list(list_files(project, Ignore((project / ".dockerignore").read_text())))
    base = find_base(suite)
    report(f"a clean Debian {suite}, which stands for {STAND_IN_FOR}")
    make_base(base, suite)
    roots: dict[str, Path] = {}
    for stage in stages:
        if stage.base != STAND_IN_FOR and stage.base not in roots:
            raise RootError(f"FROM {stage.base}: only {STAND_IN_FOR} and earlier stages are known")
        root = directory / f"stage-{stage.name}"
        copy_root(roots.get(stage.base, base), root)
        roots[stage.name] = root
        for step in stage.steps:
            if isinstance(step, Copy):
                origin = f" from {step.stage}" if step.stage else ""
                report(f"COPY {' '.join(step.sources)} to {step.target}{origin}")
                _copy(step, root, project, files, roots)
            else:
                report(f"RUN {step.command}")
                (root / step.directory.lstrip("/")).mkdir(parents=True, exist_ok=True)
                run_in(root, step.command, step.environment, step.user, step.directory)
        (root / stage.directory.lstrip("/")).mkdir(parents=True, exist_ok=True)
    image = roots[stages[-1].name]
    size_bytes = measure_bytes(image)
    return Image(image, stages[-1], size_bytes, size_bytes - measure_bytes(base))


def _copy(
    step: Copy, root: Path, project: Path, files: list[str], roots: Mapping[str, Path]
) -> None:
    target = root / step.target.lstrip("/")
    if step.stage is not None:
        if step.stage not in roots:
            raise RootError(f"COPY --from={step.stage}: there is no such stage before it")
        for source in step.sources:
            shutil.copytree(
                roots[step.stage] / source.lstrip("/"), target, symlinks=True, dirs_exist_ok=True
            )
        return
    for source in step.sources:
        chosen = select(files, source)
        if not chosen:
            raise RootError(f"COPY {source}: there is no such file, or .dockerignore leaves it out")
        for path, beneath in chosen.items():
            name = beneath or (Path(path).name if step.target.endswith("/") else "")
            copied = target / name if name else target
            copied.parent.mkdir(parents=True, exist_ok=True)
            # With its mode, as a container engine does; its owner is root there.
            shutil.copy(project / path, copied)
