"""What the model agent is told by its environment."""

import pytest

from voicelive_agent.frameworks.naming import AgentLoadError
from voicelive_agent.model_agent.settings import McpServer, load_model_settings

VARIABLES = {"VOICELIVE_AGENT_MODEL": "openai:gpt-5.4-mini"}


def set_environment(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "no model is set: set VOICELIVE_AGENT_MODEL"),
        ({"AZURE_AI_MODEL_DEPLOYMENT_NAME": "mini"}, "no model is set"),
        ({"FOUNDRY_PROJECT_ENDPOINT": "https://x.test/api/projects/p"}, "no model is set"),
        (
            {"VOICELIVE_AGENT_MODEL": "gpt-5"},
            "VOICELIVE_AGENT_MODEL='gpt-5' names no provider.*VOICELIVE_AGENT_MODEL=openai:gpt-5",
        ),
        (
            {"VOICELIVE_AGENT_MODEL_BASE_URL": "http://localhost:11434/v1"},
            "VOICELIVE_AGENT_MODEL_BASE_URL needs VOICELIVE_AGENT_MODEL",
        ),
        (
            VARIABLES | {"VOICELIVE_AGENT_MODEL_BASE_URL": "localhost"},
            "VOICELIVE_AGENT_MODEL_BASE_URL: ",
        ),
        (VARIABLES | {"FOUNDRY_PROJECT_ENDPOINT": "x"}, "FOUNDRY_PROJECT_ENDPOINT: "),
        (VARIABLES | {"VOICELIVE_AGENT_MODEL_SETTINGS": "hot"}, "VOICELIVE_AGENT_MODEL_SETTINGS: "),
        (VARIABLES | {"VOICELIVE_AGENT_MODEL_SETTINGS": "[]"}, "VOICELIVE_AGENT_MODEL_SETTINGS: "),
        (
            VARIABLES | {"VOICELIVE_AGENT_INSTRUCTIONS_FILE": "/nowhere.txt"},
            "VOICELIVE_AGENT_INSTRUCTIONS_FILE: ",
        ),
        (
            VARIABLES | {"VOICELIVE_AGENT_FILLER_AFTER_MS": "soon"},
            "VOICELIVE_AGENT_FILLER_AFTER_MS: ",
        ),
        (
            VARIABLES | {"VOICELIVE_AGENT_FILLER_AFTER_MS": "-1"},
            "VOICELIVE_AGENT_FILLER_AFTER_MS: ",
        ),
        (
            VARIABLES | {"VOICELIVE_AGENT_FILLER_TEXTS": "[1]"},
            r"VOICELIVE_AGENT_FILLER_TEXTS \(0\): ",
        ),
        (VARIABLES | {"VOICELIVE_AGENT_FILLER_TEXTS": "[oh"}, "VOICELIVE_AGENT_FILLER_TEXTS: "),
        (
            VARIABLES | {"VOICELIVE_AGENT_TOOL_TIMEOUT_SECONDS": "0"},
            "VOICELIVE_AGENT_TOOL_TIMEOUT_SECONDS: ",
        ),
        (
            VARIABLES | {"VOICELIVE_AGENT_TOOL_TIMEOUT_SECONDS": "nan"},
            "VOICELIVE_AGENT_TOOL_TIMEOUT_SECONDS: ",
        ),
        (
            VARIABLES | {"VOICELIVE_AGENT_MCP_SERVERS": "http://x.test"},
            "VOICELIVE_AGENT_MCP_SERVERS: .*label=url",
        ),
        (
            VARIABLES | {"VOICELIVE_AGENT_MCP_SERVERS": "a b=http://x.test"},
            "VOICELIVE_AGENT_MCP_SERVERS: .*'a b'",
        ),
        (
            VARIABLES | {"VOICELIVE_AGENT_MCP_SERVERS": "a=ftp://x.test"},
            r"VOICELIVE_AGENT_MCP_SERVERS \(a.url\): ",
        ),
        (VARIABLES | {"VOICELIVE_AGENT_MCP_SERVERS": "{"}, "VOICELIVE_AGENT_MCP_SERVERS: "),
        (
            VARIABLES | {"VOICELIVE_AGENT_MCP_SERVERS": '{"a": {"uri": "http://x.test"}}'},
            r"VOICELIVE_AGENT_MCP_SERVERS \(a",
        ),
    ],
)
def test_a_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    set_environment(monkeypatch, variables)
    with pytest.raises(AgentLoadError, match=f"VOICELIVE_AGENT=model: .*{message}"):
        load_model_settings()


def test_instructions_come_from_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(
        monkeypatch,
        VARIABLES
        | {"VOICELIVE_AGENT_INSTRUCTIONS": "x", "VOICELIVE_AGENT_INSTRUCTIONS_FILE": __file__},
    )
    with pytest.raises(
        AgentLoadError,
        match="VOICELIVE_AGENT_INSTRUCTIONS or VOICELIVE_AGENT_INSTRUCTIONS_FILE, not both",
    ):
        load_model_settings()


def test_no_message_holds_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "VOICELIVE_AGENT_MODEL": "gpt-5",
        "VOICELIVE_AGENT_MODEL_API_KEY": "sesame",
        "VOICELIVE_AGENT_MCP_SERVERS": (
            '{"a": {"url": "nothing", "headers": {"authorization": "sesame"}}}'
        ),
    }
    set_environment(monkeypatch, secrets)
    with pytest.raises(AgentLoadError) as raised:
        load_model_settings()
    assert "sesame" not in str(raised.value)
    monkeypatch.delenv("VOICELIVE_AGENT_MCP_SERVERS")
    monkeypatch.setenv("VOICELIVE_AGENT_MODEL", "openai:gpt-5")
    assert "sesame" not in repr(load_model_settings())


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("a=http://x.test/mcp?k=v", {"a": McpServer(url="http://x.test/mcp?k=v")}),
        (
            "a=http://x.test , b=https://y.test",
            {"a": McpServer(url="http://x.test"), "b": McpServer(url="https://y.test")},
        ),
        ('{"a": "http://x.test"}', {"a": McpServer(url="http://x.test")}),
        (
            '{"a": {"url": "http://x.test", "headers": {"k": "v"}}}',
            {"a": McpServer.model_validate({"url": "http://x.test", "headers": {"k": "v"}})},
        ),
        ("", {}),
    ],
)
def test_mcp_servers(
    monkeypatch: pytest.MonkeyPatch, text: str, servers: dict[str, McpServer]
) -> None:
    set_environment(monkeypatch, VARIABLES | {"VOICELIVE_AGENT_MCP_SERVERS": text})
    assert load_model_settings().mcp_servers == servers


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("One moment, please.|Wait.", ["One moment, please.", "Wait."]),
        ('["Hm, hm."]', ["Hm, hm."]),
        ("", []),
    ],
)
def test_filler_texts(monkeypatch: pytest.MonkeyPatch, text: str, texts: list[str]) -> None:
    set_environment(monkeypatch, VARIABLES | {"VOICELIVE_AGENT_FILLER_TEXTS": text})
    assert load_model_settings().filler_texts == texts
