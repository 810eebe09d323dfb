"""The build context: which files a ``.dockerignore`` lets through."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path


class Ignore:
    """The patterns of a ``.dockerignore``; the last one that matches a path decides."""

    def __init__(self, text: str) -> None:
        lines = (line.strip() for line in text.splitlines())
        self._patterns = [_compile(line) for line in lines if line and not line.startswith("#")]

    def leaves_out(self, path: str) -> bool:
        """Whether ``path``, relative with forward slashes, is left out."""
        left_out = False
        for excludes, pattern in self._patterns:
            if pattern.match(path):
                left_out = excludes
        return left_out


def _compile(line: str) -> tuple[bool, re.Pattern[str]]:
    """Whether the line leaves out, and the paths that it means with all beneath them."""
    excludes = not line.startswith("!")
    pattern = line.removeprefix("!").strip("/")
    parts: list[str] = []
    for piece in re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", pattern):
        special = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
        parts.append(special.get(piece) or re.escape(piece))
    return excludes, re.compile("".join(parts) + r"(?:/.*)?\Z", re.DOTALL)


# Never of use to an image, and large: not even walked.
_SKIPPED = frozenset({".git", ".venv", "build", "node_modules"})


def list_files(root: Path, ignore: Ignore) -> Iterator[str]:
    """Files of the context, relative to ``root`` with forward slashes, sorted."""
    for directory, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - _SKIPPED)
        for name in sorted(names):
            path = (Path(directory) / name).relative_to(root).as_posix()
            if not ignore.leaves_out(path):
                yield path


def select(files: Sequence[str], source: str) -> dict[str, str]:
    """Files of ``source`` and where they go beneath a COPY's target, "" for the target itself.

    As Docker does it, of a folder the contents are copied and not the folder.
    """
    folder = source.removeprefix("./").strip("/")
    if folder in ("", "."):
        return {path: path for path in files}
    if folder in files:
        return {folder: ""}
    return {path: path[len(folder) + 1 :] for path in files if path.startswith(f"{folder}/")}
