"""What an author's terminal and screen say for each of many mistakes, by real processes."""

import re
from pathlib import Path

import httpx
import pytest

from tests.diagnostics.conftest import Launcher
from tests.diagnostics.mistakes import AT_START, IN_TURNS, Mistake
from tests.server.serving import read_events

pytestmark = pytest.mark.slow

SCREEN_LINES = 24
SERVE = ("voicelive_agent", "serve")


def write(mistake: Mistake, folder: Path) -> dict[str, str]:
    """The author's files; the environment to serve them in."""
    for name, text in {"my_agent.py": mistake.agent, **mistake.files}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return {"VOICELIVE_CONVERSATIONS": "memory:", **mistake.environment}


def check_screen(mistake: Mistake, said: str) -> None:
    """Cause, place and next step, on one screen, and nothing of the libraries between."""
    assert len(said.splitlines()) <= SCREEN_LINES, said
    for pattern in (mistake.cause, mistake.place, mistake.step):
        assert re.search(pattern, said, re.DOTALL), f"{pattern!r} is not in\n{said}"
    assert "Traceback" not in said
    assert "site-packages" not in said


def find_error(body: str) -> str:
    """The sentence of a turn's ``agent.error``; empty where there is none."""
    errors = [one["error"] for one in read_events(body) if one["type"] == "agent.error"]
    return errors[0]["message"] if errors else ""


@pytest.mark.parametrize("mistake", IN_TURNS, ids=lambda mistake: mistake.name)
async def test_in_a_turn(tmp_path: Path, launcher: Launcher, mistake: Mistake) -> None:
    """The log ended in an advice of our own, and the screen showed a code."""
    environment = write(mistake, tmp_path)
    async with launcher.launch(tmp_path, *SERVE, mistake.serves, **environment) as server:
        await server.wait_until_listening()
        before = len(server.said)
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            answer = await client.post("/invocations", json={"input": "hello"})
        said = server.said[before:]
    check_screen(mistake, said)
    message = find_error(answer.text)
    for pattern in (mistake.cause, mistake.place, mistake.step):
        assert re.search(pattern, message), message


@pytest.mark.parametrize("mistake", AT_START, ids=lambda mistake: mistake.name)
async def test_at_start(tmp_path: Path, launcher: Launcher, mistake: Mistake) -> None:
    environment = write(mistake, tmp_path)
    async with launcher.launch(tmp_path, *SERVE, mistake.serves, **environment) as server:
        assert await server.wait() != 0
        check_screen(mistake, server.said)


@pytest.mark.parametrize(
    ("main", "cause", "place", "step"),
    [
        ("app = create_app(reply(None))", "of type async_generator", r"main\.py:4", "without call"),
        ('app = create_app("main:reply")', "of type str", r"main\.py:4", "not its name"),
        ("app = create_app(reply, port=1)", "unexpected keyword", r"main\.py:4", "Correct"),
        ("app = create_app(reply).x", "AttributeError", r"main\.py:4", "Correct"),
        ("import nowhere_at_all", "No module named 'nowhere", r"main\.py:4", "pip"),
    ],
    ids=["called", "a name", "an unknown argument", "own code", "missing package"],
)
async def test_in_an_application_of_ones_own(
    tmp_path: Path, launcher: Launcher, main: str, cause: str, place: str, step: str
) -> None:
    """uvicorn's and click's frames stood between the author and the reason."""
    (tmp_path / "main.py").write_text(
        f'from voicelive_agent import create_app\nasync def reply(turn):\n    yield "x"\n{main}\n'
    )
    arguments = ("uvicorn", "main:app", "--port", "0")
    async with launcher.launch(tmp_path, *arguments, VOICELIVE_CONVERSATIONS="memory:") as program:
        assert await program.wait() != 0
        check_screen(Mistake(main, cause, place, step), program.said)
