"""What .dockerignore lets into an image."""

from pathlib import Path

import pytest

from infra.image.context import Ignore, list_files, select
from tests.infra.files import ROOT


@pytest.mark.parametrize(
    ("patterns", "path", "left_out"),
    [
        ("", "a", False),
        ("a", "a", True),
        ("a", "a/b/c", True),
        ("a", "b/a", False),
        ("a", "ab", False),
        ("**/a", "b/c/a", True),
        ("**/a", "a", True),
        ("*.py", "a.py", True),
        ("*.py", "b/a.py", False),
        ("**/*.py", "b/a.py", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("/a/", "a", True),
        ("*\n!a", "a/b", False),
        ("*\n!a\n**/x", "a/x", True),
        ("# a", "a", False),
        ("a.b", "axb", False),
    ],
)
def test_patterns(patterns: str, path: str, left_out: bool) -> None:
    assert Ignore(patterns).leaves_out(path) is left_out


def test_selecting_for_a_copy() -> None:
    files = ["app/a.py", "app/b/c.py", "LICENSE"]
    assert select(files, "app") == {"app/a.py": "a.py", "app/b/c.py": "b/c.py"}
    assert select(files, "LICENSE") == {"LICENSE": ""}
    assert select(files, ".") == {path: path for path in files}
    assert select(files, "missing") == {}


def test_ours_lets_in_the_server_its_requirements_and_the_users_agent(tmp_path: Path) -> None:
    paths = [
        "voicelive_agent/server/app.py",
        "voicelive_agent/model_agent/voice_instructions.txt",
        "LICENSE",
        "my_agent.py",
    ]
    paths += ["requirements/agent.txt", "requirements/model.txt", "requirements/mine.txt"]
    secret = [".env", ".git/config", ".azure/x/.env", "infra/kubernetes/secret.yaml", "my.key"]
    other = [
        "app/__pycache__/main.pyc",
        "tests/test_a.py",
        "voicelive_agent/emulator/service.py",
        "client/a.py",
    ]
    other += ["requirements/end-of-turn.txt", "requirements/microphone.txt"]
    other += ["requirements/dev.txt", "requirements/run.txt", "requirements/entra.in", "README.md"]
    for path in [*paths, *secret, *other]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    ignore = Ignore((ROOT / ".dockerignore").read_text())
    assert sorted(list_files(tmp_path, ignore)) == sorted(paths)
