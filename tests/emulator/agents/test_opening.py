"""Whoever answers is opened by its address."""

from pathlib import Path

import pytest

from voicelive_agent.emulator.agents.auto import AutoBackend
from voicelive_agent.emulator.agents.bridge.backend import BridgeBackend
from voicelive_agent.emulator.agents.chat import ChatBackend
from voicelive_agent.emulator.agents.invocations import InvocationsBackend
from voicelive_agent.emulator.agents.opening import open_agent, open_model
from voicelive_agent.emulator.agents.responses import ResponsesBackend
from voicelive_agent.emulator.agents.script.backend import ScriptBackend


def test_agents() -> None:
    assert isinstance(open_agent("http://127.0.0.1:8088"), InvocationsBackend)
    agent = open_agent("http://127.0.0.1:8088", protocol="responses", name="front-desk")
    assert isinstance(agent, ResponsesBackend)
    assert agent.name == "front-desk"
    assert isinstance(open_agent("http://127.0.0.1:8088", protocol="bridge"), BridgeBackend)
    assert isinstance(open_agent("http://127.0.0.1:8088", protocol="auto"), AutoBackend)
    with pytest.raises(ValueError, match="URL"):
        open_agent("127.0.0.1:8088")


def test_models(tmp_path: Path) -> None:
    assert isinstance(open_model(), ScriptBackend)
    model = open_model("http://127.0.0.1:11434/v1", model="qwen3")
    assert isinstance(model, ChatBackend)
    assert model.name == "qwen3 at 127.0.0.1"
    script = tmp_path / "script.yaml"
    script.write_text("otherwise: Quite.")
    scripted = open_model(script=script)
    assert isinstance(scripted, ScriptBackend)
    assert scripted.script.otherwise == ["Quite."]
    assert str(script) in scripted.name
