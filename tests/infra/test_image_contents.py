"""What goes into the image, served without building it (``test_image`` does, at night).

The files that .dockerignore lets in, and the packages of the image's lock alone: what is missing in
either is missing in the image.
"""

import os
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

import httpx
import pytest

from infra.locks import read_pins
from tests.infra.files import ROOT
from voicelive_agent.contract.servers import ServerProcess, start_process

pytestmark = pytest.mark.slow

COMMAND = ("-P", "-S", "-m", "voicelive_agent", "serve")
"""The image's, without the packages of this environment and without the folder it starts in."""
AGENT = """
async def reply(turn):
    yield f"You said: {turn.text}"
"""


def is_let_in(path: PurePosixPath, rules: list[str]) -> bool:
    """Whether Docker copies it: the last rule that names it, or a folder above it, counts."""
    named = [path, *path.parents[:-1]]
    let_in = True
    for rule in rules:
        pattern = rule.removeprefix("!")
        if any(matches(each, pattern) for each in named):
            let_in = rule.startswith("!")
    return let_in


def matches(path: PurePosixPath, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch(path.name, pattern.removeprefix("**/"))
    parts = pattern.split("/")
    return len(parts) == len(path.parts) and all(map(fnmatch, path.parts, parts))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of this project that are copied, and an agent of a user's own."""
    folder = tmp_path_factory.mktemp("source")
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if is_let_in(PurePosixPath(name), rules) and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / "my_agent.py").write_text(AGENT)
    return folder


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the lock installs, as links to what is installed here."""
    folder = tmp_path_factory.mktemp("packages")
    for pin in read_pins(ROOT / "requirements/agent.txt", []):
        if not pin.applies():
            continue
        for file in find_files(pin.name):
            place = folder / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(str(distribution(pin.name).locate_file(file)))
    return folder


def find_files(package: str) -> Iterator[PurePosixPath]:
    try:
        files = distribution(package).files
    except PackageNotFoundError:
        pytest.fail(f"{package} is in the image's lock and not installed here: make setup")
    return (file for file in files or () if ".." not in file.parts and file.suffix != ".pyc")


@pytest.fixture
def environment(source: Path, packages: Path) -> dict[str, str]:
    # Bytecode is written, for the next start.
    return {"PYTHONPATH": f"{source}{os.pathsep}{packages}", "PYTHONDONTWRITEBYTECODE": ""}


def ask(server: ServerProcess, text: str) -> str:
    turn = {"type": "input_audio.transcription", "input": text}
    return httpx.post(f"{server.url}/invocations", json=turn, trust_env=False, timeout=30).text


@pytest.mark.parametrize(
    ("agent", "asked", "expected"),
    [
        ("", "what is the weather in seattle", "Seattle"),
        ("my_agent:reply", "hello", "You said: hello"),
    ],
)
def test_it_serves(
    agent: str, asked: str, expected: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    named = {"VOICELIVE_AGENT": agent} if agent else {}
    with start_process(COMMAND, tmp_path, environment | named) as server:
        assert expected in ask(server, asked)
        server.terminate()
        assert server.wait(30) == 0


def test_what_talks_to_an_agent_stays_outside(source: Path) -> None:
    assert {path.name for path in source.iterdir()} - {"__pycache__"} == {
        *("app", "voicelive_agent", "requirements", "LICENSE", "my_agent.py")
    }
    library = {path.name for path in (source / "voicelive_agent").iterdir()}
    assert {"server", "wire", "frameworks", "model_agent", "agent.py"} <= library
    assert not library & {"client", "contract", "dev", "emulator", "testing", "pytest_plugin.py"}


@pytest.mark.parametrize(
    ("path", "let_in"),
    [
        ("app/main.py", True),
        ("app/__pycache__/main.pyc", False),
        ("voicelive_agent/server/app.py", True),
        ("voicelive_agent/client/talk.py", False),
        ("tests/conftest.py", False),
        ("my_agent.py", True),
        ("folder/my_agent.py", False),
    ],
)
def test_rules_are_read_as_docker_reads_them(path: str, let_in: bool) -> None:
    rules = ["*", "!app", "!voicelive_agent", "voicelive_agent/client", "!*.py", "**/__pycache__"]
    assert is_let_in(PurePosixPath(path), rules) == let_in
