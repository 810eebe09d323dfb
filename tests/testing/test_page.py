"""The test on docs/howto/test-an-agent.md, run as a user would run it."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.forked_processes import PROGRAMS, find_fork_server

ROOT = Path(__file__).parents[2]
PLUGIN = "voicelive_agent.pytest_plugin"


def run_pytest(directory: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    page = (ROOT / "docs/howto/test-an-agent.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n# test_my_agent.py\n(.*?)```", page, re.DOTALL)
    (directory / "test_my_agent.py").write_text(example, encoding="utf-8")
    shutil.copy(ROOT / "app" / "agent.py", directory / "my_agent.py")
    (directory / "pytest.ini").write_text(
        "[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n"
    )
    return find_fork_server(*PROGRAMS).run(
        *("-m", "pytest", "-p", "pytest_asyncio.plugin", "-p", PLUGIN, *arguments),
        cwd=directory,
        environment={"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        timeout_s=300,
    )


@pytest.mark.slow
def test_its_tests_pass_by_text(tmp_path: Path) -> None:
    ran = run_pytest(tmp_path, "-k", "not interrupts")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout


@pytest.mark.slow
@pytest.mark.component
@pytest.mark.nightly
@pytest.mark.timeout(400)
def test_its_tests_pass_by_voice(tmp_path: Path) -> None:
    ran = run_pytest(tmp_path, "--voice-live=voice")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 passed" in ran.stdout


def test_pytest_finds_the_plugin_and_pays_little_for_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"voicelive-agent": PLUGIN}
    code = f"import sys, pytest, {PLUGIN}; print([m for m in sys.modules if m in {HEAVY}])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


HEAVY = ("fastapi", "starlette", "numpy", "httpx", "pydantic", "uvicorn", "websockets")
