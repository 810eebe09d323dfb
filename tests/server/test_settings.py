"""Settings: names, defaults, and messages that name what is wrong."""

import re
from pathlib import Path

import pytest

from voicelive_agent.model_agent.settings import ModelAgentSettings
from voicelive_agent.server.settings import Settings, SettingsError, load_settings
from voicelive_agent.settings_sources import variables_of


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))
    for variable in variables_of(Settings):
        monkeypatch.delenv(variable, raising=False)


def test_defaults() -> None:
    settings = load_settings()
    assert (settings.agent, settings.port, settings.bind_host) == (
        "app.agent:reply",
        8088,
        "127.0.0.1",
    )
    assert settings.shutdown_grace_seconds == 25
    assert settings.max_body_bytes == 1 << 20
    assert settings.sse_keepalive_interval == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "80a"),
        ("SSE_KEEPALIVE_INTERVAL", "soon"),
        ("SSE_KEEPALIVE_INTERVAL", "1.5"),
        ("VOICELIVE_SHUTDOWN_GRACE_SECONDS", "-1"),
        ("VOICELIVE_SHUTDOWN_GRACE_SECONDS", "inf"),
        ("VOICELIVE_FIRST_DELTA_TIMEOUT_SECONDS", "0"),
        ("VOICELIVE_MAX_BODY_BYTES", "1 MiB"),
        ("VOICELIVE_SPEAKABLE", "perhaps"),
        ("VOICELIVE_LOG_LEVEL", "LOUD"),
        ("FOUNDRY_AGENT_SESSION_ID", "two words"),
        ("FOUNDRY_AGENT_SESSION_ID", "line\n"),
    ],
)
def test_an_invalid_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load_settings()


@pytest.mark.parametrize(("value", "seconds"), [("", 0), ("0", 0), ("-5", 0), ("15", 15)])
def test_keepalive_is_off_unless_it_is_positive(
    monkeypatch: pytest.MonkeyPatch, value: str, seconds: int
) -> None:
    monkeypatch.setenv("SSE_KEEPALIVE_INTERVAL", value)
    assert load_settings().sse_keepalive_interval == seconds


def test_on_foundry_it_listens_on_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOUNDRY_AGENT_NAME", "front-desk")
    assert load_settings().bind_host == "0.0.0.0"


def test_a_dotenv_file_is_read_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    with open(".env", "w") as file:
        file.write("PORT=9001\nAGENT=model\nUNRELATED=1\n")
    assert load_settings().port == 9001
    monkeypatch.setenv("PORT", "9002")
    assert load_settings().port == 9002


def test_the_example_lists_every_setting_with_its_default() -> None:
    """The README sends people there for all of them; half were missing."""
    text = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8")
    examples = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", text, re.MULTILINE))
    fields = variables_of(Settings)
    for variable in {**fields, **variables_of(ModelAgentSettings)}:
        # Of these, Foundry itself sets all but one.
        if not variable.startswith("FOUNDRY_") or variable == "FOUNDRY_PROJECT_ENDPOINT":
            assert variable in examples
    defaults = Settings(_env_file=None)
    # Where the default depends on the host, or is none, an example or a word stands there.
    values = {fields[name]: value for name, value in examples.items() if value and name in fields}
    written = Settings(_env_file=None, **values)
    for name in Settings.model_fields.keys() - {"host", "log_format"}:
        assert getattr(written, name) == getattr(defaults, name), name
