import pytest

from voicelive_agent.emulator.handshake import (
    choose_subprotocol,
    describe_connection,
    is_address,
    read_connection_request,
)

PATH = "/voice-live/realtime"


def test_reads_what_the_sdk_sends_and_ignores_the_rest() -> None:
    request = read_connection_request(
        PATH,
        {
            "api-version": "2026-07-15",
            "x-ms-client-sdk": "azsdk-python-ai-voicelive/1.3.1",
            "agent-name": "desk",
            "agent-project-name": "any",
            "conversation-id": "conv_1",
            "features": "client_ec_reference:true,other:false,plain",
            "debug": "on",
        },
    )
    assert request.agent_name == "desk"
    assert request.project_name == "any"
    assert request.conversation_id == "conv_1"
    assert request.model is None
    assert request.features == {"client_ec_reference", "plain"}


def test_an_empty_value_is_a_missing_one() -> None:
    assert read_connection_request(PATH, {"agent-name": "", "model": ""}).agent_name is None


def test_a_recording_holds_no_secret() -> None:
    described = describe_connection(
        "/voice-live/realtime", {"model": "m", "api-key": "k", "Authorization": "Bearer t"}
    )
    assert described == {"path": "/voice-live/realtime", "query": {"model": "m"}}


@pytest.mark.parametrize("value", ["", "../x", "a b", "ü", "x" * 257])
def test_an_id_that_no_conversation_has_begins_a_new_one(value: str) -> None:
    assert read_connection_request(PATH, {"conversation-id": value}).conversation_id is None


def test_an_agent_may_be_named_by_its_id() -> None:
    """The agents quickstart, iLoveAgents and salescoach connect so."""
    named = read_connection_request(PATH, {"agent-id": "asst_1", "agent-project-name": "any"})
    assert (named.agent_name, named.project_name) == ("asst_1", "any")
    both = read_connection_request(PATH, {"agent-id": "asst_1", "agent-name": "desk"})
    assert both.agent_name == "desk"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([], None),
        (["realtime"], "realtime"),
        (["realtime", "openai-insecure-api-key.k"], "realtime"),
        (["other"], None),
    ],
)
def test_the_sub_protocol_of_browsers_is_chosen(offered: list[str], chosen: str | None) -> None:
    """A browser that offers one fails the connection where none is chosen."""
    assert choose_subprotocol(offered) == chosen


@pytest.mark.parametrize("prefix", ["", "/behind/a/proxy"])
def test_a_voice_agents_address_names_agent_and_project(prefix: str) -> None:
    path = f"{prefix}/api/projects/boats/agents/front desk/endpoint/protocols/voice"
    request = read_connection_request(path, {"api-version": "v1", "agent_session_id": "s_1"})
    assert (request.project_name, request.agent_name) == ("boats", "front desk")
    assert request.conversation_id == "s_1"
    assert request.is_realtime


def test_a_recording_of_a_voice_agent_can_be_replayed_to_voice_lives_address() -> None:
    path = "/api/projects/boats/agents/desk/endpoint/protocols/voice"
    query = describe_connection(path, {"api-version": "v1"})["query"]
    assert not read_connection_request(PATH, query).is_realtime
    assert read_connection_request(PATH, query).agent_name == "desk"


@pytest.mark.parametrize(
    ("path", "is_realtime"),
    [
        (PATH, False),
        ("/voice-agent/realtime", False),
        ("/openai/v1/realtime", True),
        ("/v1/realtime", True),
    ],
)
def test_the_path_says_which_names_events_have(path: str, is_realtime: bool) -> None:
    assert is_address(path)
    assert read_connection_request(path, {"model": "m"}).is_realtime == is_realtime


@pytest.mark.parametrize(
    "path",
    ["/", "/openai/realtime", "/api/projects/p/agents//endpoint/protocols/voice", "/realtime"],
)
def test_other_paths_are_none(path: str) -> None:
    assert not is_address(path)
