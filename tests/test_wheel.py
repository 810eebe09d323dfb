"""The wheel in a stranger's project, which has its own `app`, `client` and app.py."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from voicelive_agent.listening import find_free_port

ROOT = Path(__file__).parents[1]
BODY = b'{"type": "input_audio.transcription", "input": "hello"}'

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    # A copy: a build leaves folders behind.
    for name in filter(None, tracked.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"),
            *("-w", str(folder), str(source)),
        ],
        check=True,
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull},
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What a stranger has: `app/`, `client/` and a package of their own."""
    for name, text in {
        "app/__init__.py": "",
        "app/bot.py": 'async def reply(turn):\n    yield f"app says {turn.text}."\n',
        "client/__init__.py": "raise RuntimeError('not this one')\n",
        "server.py": "raise RuntimeError('not this one')\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def script_project(tmp_path: Path) -> Path:
    """Another stranger's: an agent in an `app.py`."""
    (tmp_path / "app.py").write_text(
        'async def reply(turn):\n    yield f"app.py says {turn.text}."\n'
    )
    return tmp_path


def test_it_holds_the_library_alone(wheel: Path) -> None:
    """It held `app`, `client` and `emulator`, which a user's project has as well."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"voicelive_agent"}
    assert not any("/tests/test_" in name for name in names if "/contract/" not in name)
    for needed in ("py.typed", "emulator/agents/script/default_script.yaml"):
        assert f"voicelive_agent/{needed}" in names


@contextmanager
def running(project: Path, installed: Path, *arguments: str) -> Iterator[Path]:
    log = project / "out.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "voicelive_agent", *arguments],
            cwd=project,
            stdout=output,
            stderr=output,
            env={**os.environ, "HOME": str(project), "PYTHONPATH": str(installed)},
        )
    try:
        yield log
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def wait_until(log: Path, pattern: str) -> None:
    deadline = time.monotonic() + 120
    while not re.search(pattern, log.read_text()):
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def ask(port: int) -> str:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations",
        data=BODY,
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return str(response.read().decode())


def test_serve_works_there(project: Path, installed: Path) -> None:
    """`serve app.bot:reply` said that there is no module app.bot."""
    port = find_free_port()
    with running(project, installed, "serve", "app.bot:reply", "--port", str(port)) as log:
        wait_until(log, "is served at")
        assert "app says hello." in ask(port)


def test_an_agent_in_app_py_is_served(script_project: Path, installed: Path) -> None:
    """It ended with exit code 0 and without a word."""
    port = find_free_port()
    with running(script_project, installed, "serve", "app:reply", "--port", str(port)) as log:
        wait_until(log, "is served at")
        assert "app.py says hello." in ask(port)


def test_dev_works_there(project: Path, installed: Path) -> None:
    port = find_free_port()
    ports = ("--port", "0", "--agent-port", str(port))
    with running(project, installed, "dev", "app.bot:reply", *ports) as log:
        wait_until(log, "ready at http")
        assert "app says hello." in ask(port)
        (project / "app" / "bot.py").write_text('async def reply(turn):\n    return "new"\n')
        wait_until(log, r"app/bot\.py changed")
        assert "new" in ask(port)
