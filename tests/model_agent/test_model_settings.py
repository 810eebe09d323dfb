"""What the model agent is told by its environment."""

import pytest

from voicelive_agent.frameworks.naming import AgentLoadError
from voicelive_agent.model_agent.settings import McpServer, load_model_settings

VARIABLES = {"MODEL": "openai:gpt-5.4-mini"}


def set_environment(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "no model is set: set MODEL"),
        ({"AZURE_AI_MODEL_DEPLOYMENT_NAME": "mini"}, "no model is set"),
        ({"FOUNDRY_PROJECT_ENDPOINT": "https://x.test/api/projects/p"}, "no model is set"),
        ({"MODEL": "gpt-5"}, "MODEL='gpt-5' names no provider.*MODEL=openai:gpt-5"),
        ({"MODEL_BASE_URL": "http://localhost:11434/v1"}, "MODEL_BASE_URL needs MODEL"),
        (VARIABLES | {"MODEL_BASE_URL": "localhost"}, "MODEL_BASE_URL: "),
        (VARIABLES | {"FOUNDRY_PROJECT_ENDPOINT": "x"}, "FOUNDRY_PROJECT_ENDPOINT: "),
        (VARIABLES | {"MODEL_SETTINGS": "hot"}, "MODEL_SETTINGS: "),
        (VARIABLES | {"MODEL_SETTINGS": "[]"}, "MODEL_SETTINGS: "),
        (VARIABLES | {"INSTRUCTIONS_FILE": "/nowhere.txt"}, "INSTRUCTIONS_FILE: "),
        (VARIABLES | {"FILLER_AFTER_MS": "soon"}, "FILLER_AFTER_MS: "),
        (VARIABLES | {"FILLER_AFTER_MS": "-1"}, "FILLER_AFTER_MS: "),
        (VARIABLES | {"FILLER_TEXTS": "[1]"}, r"FILLER_TEXTS \(0\): "),
        (VARIABLES | {"FILLER_TEXTS": "[oh"}, "FILLER_TEXTS: "),
        (VARIABLES | {"TOOL_TIMEOUT_SECONDS": "0"}, "TOOL_TIMEOUT_SECONDS: "),
        (VARIABLES | {"TOOL_TIMEOUT_SECONDS": "nan"}, "TOOL_TIMEOUT_SECONDS: "),
        (VARIABLES | {"MCP_SERVERS": "http://x.test"}, "MCP_SERVERS: .*label=url"),
        (VARIABLES | {"MCP_SERVERS": "a b=http://x.test"}, "MCP_SERVERS: .*'a b'"),
        (VARIABLES | {"MCP_SERVERS": "a=ftp://x.test"}, r"MCP_SERVERS \(a.url\): "),
        (VARIABLES | {"MCP_SERVERS": "{"}, "MCP_SERVERS: "),
        (VARIABLES | {"MCP_SERVERS": '{"a": {"uri": "http://x.test"}}'}, r"MCP_SERVERS \(a"),
    ],
)
def test_a_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    set_environment(monkeypatch, variables)
    with pytest.raises(AgentLoadError, match=f"AGENT=model: .*{message}"):
        load_model_settings()


def test_instructions_come_from_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, VARIABLES | {"INSTRUCTIONS": "x", "INSTRUCTIONS_FILE": __file__})
    with pytest.raises(AgentLoadError, match="INSTRUCTIONS or INSTRUCTIONS_FILE, not both"):
        load_model_settings()


def test_no_message_holds_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "MODEL": "gpt-5",
        "MODEL_API_KEY": "sesame",
        "MCP_SERVERS": '{"a": {"url": "nothing", "headers": {"authorization": "sesame"}}}',
    }
    set_environment(monkeypatch, secrets)
    with pytest.raises(AgentLoadError) as raised:
        load_model_settings()
    assert "sesame" not in str(raised.value)
    monkeypatch.delenv("MCP_SERVERS")
    monkeypatch.setenv("MODEL", "openai:gpt-5")
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
    set_environment(monkeypatch, VARIABLES | {"MCP_SERVERS": text})
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
    set_environment(monkeypatch, VARIABLES | {"FILLER_TEXTS": text})
    assert load_model_settings().filler_texts == texts
