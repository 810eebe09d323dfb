"""Which changes start an agent anew."""

import asyncio
from pathlib import Path

import pytest
from watchfiles import Change

from voicelive_agent.dev.watched_files import AgentFiles, watch_changes


@pytest.mark.parametrize(
    "name",
    ["my_agent.py", "my_package/inner.py", "prompts/voice.txt", "desk.yaml", "notes.md", ".env"],
)
def test_an_agents_files(tmp_path: Path, name: str) -> None:
    assert AgentFiles(tmp_path)(Change.modified, str(tmp_path / name))


@pytest.mark.parametrize(
    "name",
    [
        "my_agent.pyc",
        "__pycache__/my_agent.py",
        ".venv/lib/x.py",
        ".pytest_cache/README.md",
        "node_modules/a/b.py",
        "recordings/session.txt",
        "conversations.db-wal",
        "build/lib/my_agent.py",
    ],
)
def test_what_tools_and_runs_leave_behind(tmp_path: Path, name: str) -> None:
    assert not AgentFiles(tmp_path)(Change.modified, str(tmp_path / name))


async def test_changes_in_new_folders_are_seen_and_environments_are_not_watched(
    tmp_path: Path,
) -> None:
    """A recursive watch goes through a virtual environment's tens of thousands of files."""
    directory = tmp_path.resolve()
    (directory / "own").mkdir()
    (directory / "own" / "pyvenv.cfg").touch()
    seen: set[str] = set()

    async def watch() -> None:
        async for names in watch_changes(directory):
            seen.update(names)

    async def wait_for(name: str) -> None:
        async with asyncio.timeout(10):
            while name not in seen:
                (directory / name).write_text("x")
                await asyncio.sleep(0.2)

    task = asyncio.create_task(watch())
    await wait_for("my_agent.py")
    (directory / "prompts").mkdir()
    await wait_for("prompts/voice.txt")
    (directory / "own" / "inside.py").write_text("x")
    await wait_for("last.py")
    assert "own/inside.py" not in seen
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
