"""Which files are an agent's, and when they change."""

from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

SUFFIXES = (".py", ".txt", ".yaml", ".yml", ".md", ".toml")
NAMES = (".env",)
_LEFT_OUT = frozenset(
    ("__pycache__", "build", "dist", "env", "node_modules", "recordings", "site-packages", "venv")
)


class AgentFiles(DefaultFilter):
    """Code, prompts and settings; what tools and runs leave behind is none of them."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory

    def __call__(self, change: Change, path: str) -> bool:
        file = Path(path)
        inside = file.relative_to(self._directory).parts[:-1]
        return (
            # A new folder has to be watched from now on.
            (is_agent_file(file) or file.is_dir())
            and not any(_is_left_out(part) for part in inside)
            and super().__call__(change, path)
        )


def is_agent_file(file: Path) -> bool:
    return file.suffix in SUFFIXES or file.name in NAMES


async def watch_changes(directory: Path) -> AsyncIterator[list[str]]:
    """The names of agent files that have changed since the last time, again and again.

    ``directory`` is a real path, as the watcher tells them.
    """
    while True:
        folders = _watched_folders(directory)
        async for changes in awatch(
            directory, *folders, watch_filter=AgentFiles(directory), recursive=False
        ):
            files = {Path(path) for _, path in changes if is_agent_file(Path(path))}
            now = _watched_folders(directory)
            # What has come with a new folder was seen by nobody.
            for folder in set(now) - set(folders):
                files.update(file for file in folder.iterdir() if is_agent_file(file))
            if files:
                yield sorted(str(file.relative_to(directory)) for file in files)
            if now != folders:
                break


def _watched_folders(directory: Path) -> list[Path]:
    """Every folder below that may hold an agent's files; a virtual environment holds none.

    Each is watched by itself: a recursive watch would go through environments and data as well.
    """
    found: list[Path] = []
    waiting = [directory]
    while waiting:
        for entry in sorted(waiting.pop().iterdir()):
            is_ours = entry.is_dir() and not entry.is_symlink() and not _is_left_out(entry.name)
            if is_ours and not (entry / "pyvenv.cfg").exists():
                found.append(entry)
                waiting.append(entry)
    return found


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name in _LEFT_OUT
