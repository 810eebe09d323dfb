"""Microsoft's samples of the Voice Live SDK, unmodified, against the emulator (clients.md)."""

from pathlib import Path

import pytest

from tests.clients.samples import KEY, run_sample
from tests.emulator.conversing import open_desk
from voicelive_agent.emulator.agents.script.backend import ScriptBackend

pytestmark = [pytest.mark.slow, pytest.mark.timeout(700)]


async def test_the_basic_voice_assistant_hears_and_speaks(tmp_path: Path) -> None:
    async with (
        open_desk() as desk,
        run_sample("basic_voice_assistant_async.py", desk, tmp_path, **KEY) as sample,
    ):
        await sample.tells("Response complete")
        await sample.plays(10_000)
        assert [request.text for request in desk.model.requests] == ["hello"]
    assert "Error" not in sample.told


@pytest.mark.nightly
async def test_the_basic_voice_assistant_signs_in_and_traces(tmp_path: Path) -> None:
    """DefaultAzureCredential finds a token by the Azure CLI; its spans go to the console."""
    async with (
        open_desk() as desk,
        run_sample("basic_voice_assistant_async.py", desk, tmp_path, "--enable-tracing") as sample,
    ):
        await sample.tells("Response complete")
    assert '"name": "connect' in sample.told or '"name": "recv' in sample.told


async def test_the_sample_of_functions_calls_one_and_speaks_of_its_result(tmp_path: Path) -> None:
    """It takes a call by `conversation.item.created`, then reads on to `response.done`."""
    async with open_desk(model=ScriptBackend()) as desk:
        desk.stt.texts = ["what time is it"]
        async with run_sample("async_function_calling_sample.py", desk, tmp_path, **KEY) as sample:
            await sample.tells("Calling function: get_current_time")
            await sample.tells("Final response transcript: ")
            assert "Function result sent: {'time'" in sample.told
    assert "Timeout" not in sample.told
    assert "Error" not in sample.told


async def test_the_sample_of_an_agent_is_answered_by_the_agent(tmp_path: Path) -> None:
    agent = {"AGENT_NAME": "desk", "AGENT_PROJECT_NAME": "any"}
    async with (
        open_desk() as desk,
        run_sample("agent_v2_sample.py", desk, tmp_path, **KEY, **agent) as sample,
    ):
        await sample.tells("Ready for next input")
        await sample.plays(10_000)
        assert "hello" in [request.text for request in desk.agent.requests]
    assert "returns error" not in sample.told


@pytest.mark.nightly
async def test_the_sample_of_mcp_goes_on_without_its_servers(tmp_path: Path) -> None:
    """Its servers are on the internet: where they can't be asked, the conversation goes on."""
    async with (
        open_desk() as desk,
        run_sample("async_mcp_sample.py", desk, tmp_path, **KEY) as sample,
    ):
        await sample.plays(10_000, timeout_s=60)
        assert "hello" in [request.text for request in desk.model.requests]


TELEMETRY = [
    "console_tracing",
    pytest.param("console_tracing_custom_attributes", marks=pytest.mark.nightly),
    pytest.param("content_recording", marks=pytest.mark.nightly),
    pytest.param("telemetry_enablement", marks=pytest.mark.nightly),
]


@pytest.mark.parametrize("name", TELEMETRY)
async def test_samples_of_telemetry_end_well(name: str, tmp_path: Path) -> None:
    """They sign in by DefaultAzureCredential, type a line and trace what comes back."""
    file = f"telemetry/sample_voicelive_with_{name}.py"
    async with open_desk() as desk, run_sample(file, desk, tmp_path) as sample:
        await sample.ends()
        assert [request.text for request in desk.model.requests] != []
    assert "response.done" in sample.told
