"""The README's curl prints what it says, and its agent and test are ones that pass."""

import re
from pathlib import Path

import pytest

from tests.forked_processes import PROGRAMS, find_fork_server
from tests.server.serving import serve_agent
from voicelive_agent.frameworks import load_agent

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


async def test_the_curl_prints_what_stands_below_it() -> None:
    command, _, printed = TEXT.partition("$ curl ")[2].partition("\n")
    body = command.partition(" -d '")[2].rstrip("'")
    async with serve_agent(load_agent("app.agent:reply")) as client:
        answer = await client.post(
            "/invocations", content=body, headers={"content-type": "application/json"}
        )
    assert answer.text.strip() == printed.partition("\n```")[0]


@pytest.mark.slow
def test_its_agent_passes_its_test(tmp_path: Path) -> None:
    for name, source in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", TEXT, re.DOTALL):
        (tmp_path / name).write_text(source, encoding="utf-8")
    ran = find_fork_server(*PROGRAMS).run(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("-p", "pytest_asyncio.plugin", "-p", "voicelive_agent.pytest_plugin"),
        cwd=tmp_path,
        environment={"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr
