"""``client/``: the application's own profile and spoken checks."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from app.agent import reply
from voicelive_agent.client.check.scenario import read_scenario
from voicelive_agent.client.settings import load_settings as load_client_settings
from voicelive_agent.emulator.engines import open_engines
from voicelive_agent.emulator.settings import load_settings
from voicelive_agent.frameworks import adapt
from voicelive_agent.testing.services import serve_agent, serve_emulator

ROOT = Path(__file__).parents[2]


async def client(*arguments: str, timeout_s: float) -> tuple[int, str]:
    """``python -m client`` with these arguments; its exit code and what it wrote."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "client", *arguments),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(timeout_s):
        output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


def test_its_profile_and_its_checks_are_valid() -> None:
    settings = load_client_settings({"profile": ROOT / "client/profile.toml"})
    assert settings.greet
    kinds = {
        step.action.kind
        for path in (ROOT / "client/checks").glob("*.yaml")
        for step in read_scenario(path).steps
    }
    assert kinds == {"", "say", "click"}


@pytest.mark.slow
@pytest.mark.component
@pytest.mark.nightly
@pytest.mark.timeout(500)
async def test_all_its_checks_pass_by_voice() -> None:
    async with serve_agent(adapt(reply)) as agent:
        settings = load_settings(agents=[agent], log_level="warning")
        async with open_engines(settings) as engines, serve_emulator(settings, engines) as url:
            whom = ("--endpoint", url, "--agent-name", "app", "--project-name", "local")
            code, output = await client("check", *whom, timeout_s=450)
    assert code == 0, output
    assert "The weather" in output
    assert "A conversation" in output
