import pytest

from voicelive_agent.emulator.handshake import (
    choose_subprotocol,
    describe_connection,
    read_connection_request,
)


def test_reads_what_the_sdk_sends_and_ignores_the_rest() -> None:
    request = read_connection_request(
        {
            "api-version": "2026-07-15",
            "x-ms-client-sdk": "azsdk-python-ai-voicelive/1.3.1",
            "agent-name": "desk",
            "agent-project-name": "any",
            "conversation-id": "conv_1",
            "features": "client_ec_reference:true,other:false,plain",
            "debug": "on",
        }
    )
    assert request.agent_name == "desk"
    assert request.project_name == "any"
    assert request.conversation_id == "conv_1"
    assert request.model is None
    assert request.features == {"client_ec_reference", "plain"}


def test_an_empty_value_is_a_missing_one() -> None:
    assert read_connection_request({"agent-name": "", "model": ""}).agent_name is None


def test_a_recording_holds_no_secret() -> None:
    described = describe_connection(
        "/voice-live/realtime", {"model": "m", "api-key": "k", "Authorization": "Bearer t"}
    )
    assert described == {"path": "/voice-live/realtime", "query": {"model": "m"}}


@pytest.mark.parametrize("value", ["", "../x", "a b", "ü", "x" * 257])
def test_an_id_that_no_conversation_has_begins_a_new_one(value: str) -> None:
    assert read_connection_request({"conversation-id": value}).conversation_id is None


def test_an_agent_may_be_named_by_its_id() -> None:
    """The agents quickstart, iLoveAgents and salescoach connect so."""
    named = read_connection_request({"agent-id": "asst_1", "agent-project-name": "any"})
    assert (named.agent_name, named.project_name) == ("asst_1", "any")
    both = read_connection_request({"agent-id": "asst_1", "agent-name": "desk"})
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
