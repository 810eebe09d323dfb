"""One scheme of settings: names, layers, and messages, for every program."""

from collections import Counter
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from voicelive_agent.client.settings import Settings as ClientSettings
from voicelive_agent.client.settings import load_settings as load_client_settings
from voicelive_agent.emulator.settings import Settings as EmulatorSettings
from voicelive_agent.emulator.settings import load_settings as load_emulator_settings
from voicelive_agent.model_agent.settings import ModelAgentSettings
from voicelive_agent.server.settings import Settings as ServerSettings
from voicelive_agent.server.settings import load_settings
from voicelive_agent.settings_sources import (
    SettingsError,
    emulator_url,
    find_unknown_names,
    known_variables,
    option_of,
    variable_of,
    variables_of,
)

PROGRAMS: tuple[type[BaseSettings], ...] = (
    ServerSettings,
    ModelAgentSettings,
    EmulatorSettings,
    ClientSettings,
)
PLATFORM = (
    "FOUNDRY_",
    "OTEL_",
    "APPLICATIONINSIGHTS_",
    "AZURE_AI_",
    "SSE_KEEPALIVE_INTERVAL",
    "WS_KEEPALIVE_INTERVAL",
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in known_variables():
        monkeypatch.delenv(variable, raising=False)


def test_every_variable_has_the_prefix_or_is_the_platforms() -> None:
    for program in PROGRAMS:
        for variable in variables_of(program):
            assert variable == "PORT" or variable.startswith(("VOICELIVE_", *PLATFORM)), variable


def test_no_variable_means_two_things() -> None:
    """VOICELIVE_MODEL of the client would have been the model of the model agent."""
    count = Counter(variable for program in PROGRAMS for variable in variables_of(program))
    shared = {variable for variable, number in count.items() if number > 1}
    # Each of them is one thing that two programs have to agree on.
    assert shared == {
        "PORT",
        "VOICELIVE_AGENT_API_KEY",
        "VOICELIVE_EMULATOR_PORT",
        "VOICELIVE_FIRST_DELTA_TIMEOUT_SECONDS",
    }
    for program in PROGRAMS:
        assert len(variables_of(program)) == len(program.model_fields)


def test_what_a_desktop_sets_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """LANGUAGE is gettext's and HOST a compiler's; a server took both for its own."""
    for name, value in {
        "LANGUAGE": "de_DE:de",
        "HOST": "x86_64-conda-linux-gnu",
        "MODEL": "laptop",
        "AGENT": "ssh",
        "API_KEY": "k",
        # Settings of the client, with the names of fields of the server.
        "VOICELIVE_LANGUAGE": "fr",
        "VOICELIVE_API_KEY": "k",
    }.items():
        monkeypatch.setenv(name, value)
    assert load_settings() == ServerSettings(_env_file=None)
    settings = load_settings()
    assert (settings.language, settings.host, settings.agent) == ("en-US", "", "app.agent:reply")
    assert not settings.api_key.get_secret_value()


def test_options_come_before_the_environment_env_and_toml(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "voicelive.toml").write_text(
        "[server]\nport = 1\nhistory-turns = 1\nmax-body-bytes = 1\nmax-active-turns = 1\n"
    )
    (tmp_path / ".env").write_text(
        "PORT=2\nVOICELIVE_HISTORY_TURNS=2\nVOICELIVE_MAX_BODY_BYTES=2\nUNRELATED=1\n"
    )
    monkeypatch.setenv("PORT", "3")
    monkeypatch.setenv("VOICELIVE_HISTORY_TURNS", "3")
    monkeypatch.setenv("VOICELIVE_MAX_ACTIVE_TURNS", "")
    settings = load_settings({"port": "4", "history_turns": None})
    assert (settings.port, settings.history_turns) == (4, 3)
    assert (settings.max_body_bytes, settings.max_active_turns) == (2, 1)


def test_another_file_stands_for_env(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=2\n")
    (tmp_path / "other.env").write_text("PORT=3\n")
    assert load_settings(env_file=Path("other.env")).port == 3
    with pytest.raises(SettingsError, match=r"--env-file none\.env: there is no such file"):
        load_settings(env_file=Path("none.env"))


def test_the_emulator_reads_its_table_and_env(tmp_path: Path) -> None:
    (tmp_path / "voicelive.toml").write_text('[emulator]\nagents = ["a=http://h:1"]\nport = 1\n')
    (tmp_path / ".env").write_text("VOICELIVE_EMULATOR_PORT=9000\nVOICELIVE_AGENT_API_KEY=s3cret\n")
    settings = load_emulator_settings()
    assert settings.port == 9000
    assert list(settings.agents) == ["a"]
    assert settings.agent_api_key
    assert settings.agent_api_key.get_secret_value() == "s3cret"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[server]\nhistory-turn = 1\n", r"\[server\] has no setting 'history-turn': did you mean"),
        ("[server\n", "not readable as TOML"),
        ("[server]\nhistory-turns = 0\n", r"--history-turns \(VOICELIVE_HISTORY_TURNS\): .*not 0"),
    ],
)
def test_a_wrong_toml_file_is_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "voicelive.toml").write_text(text)
    with pytest.raises(SettingsError, match=message):
        load_settings()


def test_each_wrong_setting_is_a_line_with_its_variable_and_option() -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({"port": "80a", "language": "de_DE:de", "api_key": "s3cret"})
    lines = str(raised.value).splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        "--language (VOICELIVE_AGENT_LANGUAGE)",
        "--port (PORT)",
    ]
    assert "BCP-47" in lines[0]


def test_an_unknown_name_is_told_with_the_nearest_known_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VOICELIVE_HISTROY_TURNS", "5")
    monkeypatch.setenv("VOICELIVE_EMULATOR_PORT", "5")
    monkeypatch.setenv("VOICELIVE_VOICE", "alloy")
    monkeypatch.setenv("VOICELIVE_EMULATOR_TTS_KEY", "k")
    (tmp_path / ".env").write_text("VOICELIVE_AGENT_MODELL=x\nOTHER=1\n")
    assert find_unknown_names() == [
        "VOICELIVE_AGENT_MODELL is no setting: did you mean VOICELIVE_AGENT_MODEL?",
        "VOICELIVE_HISTROY_TURNS is no setting: did you mean VOICELIVE_HISTORY_TURNS?",
    ]
    monkeypatch.setenv("VOICELIVE_XYZZY_PLUGH_QUUX", "1")
    assert "VOICELIVE_XYZZY_PLUGH_QUUX is no setting: .env.example lists them all" in (
        find_unknown_names()
    )


def test_one_variable_for_each_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9001")
    monkeypatch.setenv("VOICELIVE_EMULATOR_PORT", "9002")
    assert load_settings().port == 9001
    emulator = load_emulator_settings()
    assert [address.url for address in emulator.addresses()] == ["http://127.0.0.1:9001"]
    assert emulator.port == 9002
    assert ClientSettings().emulator_url == emulator_url() == "http://127.0.0.1:9002"


def test_options_and_variables_follow_from_fields() -> None:
    assert option_of(ServerSettings, "history_turns") == "--history-turns"
    assert option_of(EmulatorSettings, "agents") == "--agent"
    assert option_of(ServerSettings, "foundry_agent_name") == ""
    assert variable_of(EmulatorSettings, "port") == "VOICELIVE_EMULATOR_PORT"
    assert variable_of(ModelAgentSettings, "model") == "VOICELIVE_AGENT_MODEL"


def test_the_port_of_the_emulators_table_moves_its_clients_too(tmp_path: Path) -> None:
    """`[emulator] port` moved the emulator, and talk, say and replay looked for it at 8090."""
    (tmp_path / "voicelive.toml").write_text("[emulator]\nport = 9003\n")
    assert load_emulator_settings().port == 9003
    assert load_client_settings({}).emulator_url == emulator_url() == "http://127.0.0.1:9003"
    assert load_client_settings({"emulator_port": 9004}).emulator_port == 9004


def test_what_follows_from_another_wrong_setting_is_not_told() -> None:
    """`dev --agent-port 0` told of a default factory besides."""
    with pytest.raises(SettingsError) as raised:
        load_emulator_settings(agent_port="0")
    (line,) = str(raised.value).splitlines()
    assert line.startswith("--agent-port (PORT): ")
