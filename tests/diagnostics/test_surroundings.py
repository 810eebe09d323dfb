"""What a terminal and the screen say of mistakes around the agent: store, disk, port, `.env`."""

import contextlib
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.diagnostics.conftest import Launcher
from tests.diagnostics.mistakes import GOOD, Mistake
from tests.diagnostics.test_mistakes import check_screen, find_error

pytestmark = pytest.mark.slow

SERVE = ("voicelive_agent", "serve", "my_agent:reply")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_agent.py").write_text(GOOD)
    return tmp_path


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = folder / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def damage(file: Path) -> None:
    """Write over a database and its log."""
    for part in file.parent.glob(f"{file.name}*"):
        part.write_bytes(b"x" * max(8192, part.stat().st_size))


def fill(folder: Path) -> None:
    """Leave no space on the file system of ``folder``."""
    with contextlib.suppress(OSError), (folder / "ballast").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


async def check_turns(
    launcher: Launcher, folder: Path, store: str, meanwhile: Callable[[], None], *patterns: str
) -> None:
    """The screen and the event of a turn say it, and readiness that no turn can be taken."""
    async with launcher.launch(folder, *SERVE, VOICELIVE_CONVERSATIONS=store) as server:
        await server.wait_until_listening()
        meanwhile()
        before = len(server.said)
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            answers = [await client.post("/invocations", json={"input": "hello"})]
            said = server.said[before:]
            answers += [await client.post("/invocations", json={"input": "hello"})]
            readiness = await client.get("/readiness")
    cause, place, step = patterns
    check_screen(Mistake("store", cause, place, step), said)
    for answer in answers:
        message = find_error(answer.text)
        assert all(re.search(pattern, message) for pattern in patterns), message
        assert message.count(". ") <= 1, message
    assert readiness.status_code == 503


async def test_a_store_that_is_damaged_while_it_serves(folder: Path, launcher: Launcher) -> None:
    """No turn was answered, the log had a traceback of SQLite, and readiness said 200."""
    file = folder / "store.db"
    patterns = ("is damaged or no conversation store", r"store\.db", "move it away")
    await check_turns(launcher, folder, f"sqlite:///{file}", lambda: damage(file), *patterns)


async def test_a_full_disk(folder: Path, launcher: Launcher, small_disk: Path) -> None:
    file = small_disk / "store.db"
    patterns = ("the disk that holds .* is full", r"disk/store\.db", "free some space")
    await check_turns(launcher, folder, f"sqlite:///{file}", lambda: fill(small_disk), *patterns)


async def test_a_redis_that_is_not_there(folder: Path, launcher: Launcher) -> None:
    """Our own advice was followed by another one, about "that address"."""
    patterns = ("Redis at 127.0.0.1:9 can't be reached", "", "check that it runs")
    await check_turns(launcher, folder, "redis://127.0.0.1:9/0", lambda: None, *patterns)


@pytest.mark.parametrize(
    ("spoil", "cause", "step"),
    [
        (lambda place: place.write_text(""), "can't be written", "let this user write it"),
        (
            lambda place: (place.mkdir(), (place / "store.db").write_bytes(b"x" * 9000)),
            "is damaged",
            "move it away",
        ),
        (
            lambda place: (place.mkdir(), (place / "store.db").mkdir()),
            "can't be",
            "VOICELIVE_CONVERSATIONS|move it away|let this user",
        ),
    ],
    ids=["a folder that can't be made", "damaged", "a folder of that name"],
)
async def test_a_store_that_can_not_be_opened(
    folder: Path, launcher: Launcher, spoil: Callable[[Path], object], cause: str, step: str
) -> None:
    place = folder / "place"
    spoil(place)
    store = f"sqlite:///{place}/store.db"
    async with launcher.launch(folder, *SERVE, VOICELIVE_CONVERSATIONS=store) as server:
        assert await server.wait() != 0
        check_screen(Mistake("store", cause, r"place/store\.db", step), server.said)


async def test_a_home_that_can_not_be_used_is_told_and_served_without(
    folder: Path, launcher: Launcher
) -> None:
    """A damaged file below $HOME was told as a directory that can't be written."""
    home = folder / ".voicelive-agent"
    home.mkdir()
    (home / "conversations.sqlite3").write_bytes(b"x" * 9000)
    async with launcher.launch(folder, *SERVE) as server:
        await server.wait_until_listening()
        check_screen(
            Mistake("home", "KEPT IN MEMORY", r"conversations\.sqlite3 is damaged", "move it away"),
            server.said,
        )
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            answer = await client.post("/invocations", json={"input": "hello"})
            readiness = (await client.get("/readiness")).json()
    assert "Fine." in answer.text
    assert "can't be used" in readiness["details"]["conversations"]


async def test_a_port_that_is_taken(folder: Path, launcher: Launcher) -> None:
    """It said "ready" before "address already in use"."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        async with launcher.launch(folder, *SERVE, PORT=port) as server:
            assert await server.wait() != 0
            check_screen(
                Mistake("port", f"port {port} is taken", "", "--port or PORT"), server.said
            )
            assert "is served at" not in server.said


async def test_an_unknown_name_in_env(folder: Path, launcher: Launcher) -> None:
    """Who wrote a name wrong got the default, and no word."""
    (folder / ".env").write_text("VOICELIVE_HISTORY_TURN=3\nVOICELIVE_AGNT=other:reply\nAGNT=x\n")
    async with launcher.launch(folder, *SERVE, VOICELIVE_CONVERSATIONS="memory:") as server:
        await server.wait_until_listening()
        check_screen(
            Mistake(
                "env",
                "VOICELIVE_HISTORY_TURN is no setting",
                "VOICELIVE_AGNT",
                r"did you mean VOICELIVE_AGENT\?",
            ),
            server.said,
        )
