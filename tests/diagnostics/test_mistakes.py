"""What an author's terminal and screen say for each of many mistakes, by real processes."""

import asyncio
import json
import re
import sys
from pathlib import Path

import httpx
import pytest

from tests.diagnostics.mistakes import AT_START, IN_TURNS, Mistake
from tests.server.processes import ROOT, launch_server, wait_until_ready
from tests.server.serving import read_events

SCREEN_LINES = 24
WITHIN_S = 120


def write(mistake: Mistake, folder: Path) -> dict[str, str]:
    """The author's files; the environment to serve them in."""
    for name, text in {"my_agent.py": mistake.agent, **mistake.files}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    kept = {"VOICELIVE_CONVERSATIONS": "memory:", "PYTHONPATH": str(ROOT)}
    return {**kept, **mistake.environment}


def check_screen(mistake: Mistake, said: str) -> None:
    """Cause, place and next step, on one screen, and nothing of the libraries between."""
    assert len(said.splitlines()) <= SCREEN_LINES, said
    for pattern in (mistake.cause, mistake.place, mistake.step):
        assert re.search(pattern, said), f"{pattern!r} is not in\n{said}"
    assert "Traceback" not in said
    assert "site-packages" not in said


@pytest.mark.slow
@pytest.mark.timeout(WITHIN_S * 2)
@pytest.mark.parametrize("mistake", IN_TURNS, ids=lambda mistake: mistake.name)
async def test_in_a_turn(tmp_path: Path, mistake: Mistake) -> None:
    """The log ended in an advice of our own, and the screen showed a code."""
    environment = write(mistake, tmp_path)
    command = ("-m", "voicelive_agent", "serve", mistake.serves)
    async with launch_server(tmp_path, command, cwd=tmp_path, **environment) as server:
        await wait_until_ready(server)
        before = len(server.log.read_text())
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            answer = await client.post("/invocations", json={"input": "hello"})
        said = server.log.read_text()[before:]
    check_screen(mistake, said)
    [error] = [one for one in read_events(answer.text) if one["type"] == "agent.error"]
    for pattern in (mistake.cause, mistake.place, mistake.step):
        assert re.search(pattern, error["error"]["message"]), json.dumps(error)


@pytest.mark.slow
@pytest.mark.timeout(WITHIN_S * 2)
@pytest.mark.parametrize("mistake", AT_START, ids=lambda mistake: mistake.name)
async def test_at_start(tmp_path: Path, mistake: Mistake) -> None:
    environment = write(mistake, tmp_path)
    command = ("-m", "voicelive_agent", "serve", mistake.serves)
    async with launch_server(tmp_path, command, cwd=tmp_path, **environment) as server:
        async with asyncio.timeout(WITHIN_S):
            assert await server.process.wait() != 0
        check_screen(mistake, server.log.read_text())


@pytest.mark.slow
@pytest.mark.timeout(WITHIN_S * 2)
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
    tmp_path: Path, main: str, cause: str, place: str, step: str
) -> None:
    """uvicorn's and click's frames stood between the author and the reason."""
    (tmp_path / "main.py").write_text(
        f'from voicelive_agent import create_app\nasync def reply(turn):\n    yield "x"\n{main}\n'
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", "main:app", "--port", "0"),
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "VOICELIVE_CONVERSATIONS": "memory:"},
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(WITHIN_S):
        _, said = await process.communicate()
    assert process.returncode != 0
    check_screen(Mistake(main, cause, place, step), said.decode())
