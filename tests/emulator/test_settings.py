from pathlib import Path
from typing import Any

import pytest

from voicelive_agent.emulator.settings import AgentAddress, load_settings
from voicelive_agent.settings_sources import SettingsError


def test_without_any_setting_every_name_is_the_local_agent() -> None:
    settings = load_settings()
    assert settings.addresses() == (AgentAddress(name="*", url="http://127.0.0.1:8088"),)
    assert (settings.host, settings.port, settings.api_key) == ("127.0.0.1", 8090, None)


def test_the_local_agent_is_where_port_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """`PORT=9000 make run` started an agent on 8088 all the same."""
    monkeypatch.setenv("PORT", "9000")
    assert load_settings().addresses() == (AgentAddress(name="*", url="http://127.0.0.1:9000"),)
    for wrong in ("web", "0", "65536", "-1"):
        monkeypatch.setenv("PORT", wrong)
        with pytest.raises(SettingsError, match=r"--agent-port \(PORT\): "):
            load_settings()


def test_agents_by_name_with_protocols() -> None:
    settings = load_settings(
        agents=["desk=http://127.0.0.1:1/a?x=1", "http://127.0.0.1:2"],
        agent_protocols=["desk=responses"],
    )
    assert settings.addresses() == (
        AgentAddress(name="desk", url="http://127.0.0.1:1/a?x=1", protocol="responses"),
        AgentAddress(name="*", url="http://127.0.0.1:2"),
    )


def test_a_protocol_without_a_name_is_everybodys() -> None:
    settings = load_settings(agents=["a=http://h:1", "b=http://h:2"], agent_protocols=["responses"])
    assert [address.protocol for address in settings.addresses()] == ["responses", "responses"]


def test_all_is_an_environment_variable_too_and_options_come_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VOICELIVE_EMULATOR_AGENTS", "a=http://h:1, b=http://h:2")
    monkeypatch.setenv("VOICELIVE_EMULATOR_AGENT_PROTOCOLS", "b=responses")
    monkeypatch.setenv("VOICELIVE_EMULATOR_PORT", "9000")
    monkeypatch.setenv("VOICELIVE_EMULATOR_API_KEY", "secret")
    monkeypatch.setenv("VOICELIVE_EMULATOR_RECORD", str(tmp_path))
    settings = load_settings(port=9001)
    assert [address.name for address in settings.addresses()] == ["a", "b"]
    assert settings.port == 9001
    assert settings.record == tmp_path
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    "options",
    [
        {"agents": ["a=http://h:1", "a=http://h:2"]},
        {"agents": ["a="]},
        {"agents": ["a=nonsense"]},
        {"agents": ["=http://h:1"]},
        {"agents": ["a=http://h:1"], "agent_protocols": ["b=responses"]},
        {"agent_protocols": ["smoke-signals"]},
        {"port": 70000},
        {"session_minutes": 0},
        {"log_level": "loud"},
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        load_settings(**options)


def test_phrases_are_lines(tmp_path: Path) -> None:
    path = tmp_path / "phrases.txt"
    path.write_text("# the desk\nbook a room\n\n  pool  # outside\n", encoding="utf-8")
    assert load_settings(phrases=path).read_phrases() == ("book a room", "pool")
    assert load_settings().read_phrases() == ()
    with pytest.raises(ValueError, match=r"none\.txt"):
        load_settings(phrases=tmp_path / "none.txt").read_phrases()
