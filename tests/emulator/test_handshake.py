import pytest

from voicelive_agent.emulator.handshake import (
    describe_connection,
    is_admitted,
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


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"api-key": "secret"}, {}),
        ({"authorization": "Bearer secret"}, {}),
        ({"authorization": "bearer  secret"}, {}),
        ({}, {"api-key": "secret"}),
        ({}, {"Authorization": "Bearer secret"}),
    ],
)
def test_the_key_is_taken_wherever_clients_put_it(
    headers: dict[str, str], query: dict[str, str]
) -> None:
    assert is_admitted("secret", headers, query)


@pytest.mark.parametrize(
    "headers",
    [{}, {"api-key": "Secret"}, {"authorization": "Basic secret"}, {"api-key": "sécret"}],
)
def test_any_other_credential_is_refused(headers: dict[str, str]) -> None:
    assert not is_admitted("secret", headers, {})


def test_without_a_key_everybody_is_let_in() -> None:
    assert is_admitted(None, {}, {})


def test_a_recording_holds_no_secret() -> None:
    described = describe_connection(
        "/voice-live/realtime", {"model": "m", "api-key": "k", "Authorization": "Bearer t"}
    )
    assert described == {"path": "/voice-live/realtime", "query": {"model": "m"}}


@pytest.mark.parametrize("value", ["", "../x", "a b", "ü", "x" * 257])
def test_an_id_that_no_conversation_has_begins_a_new_one(value: str) -> None:
    assert read_connection_request({"conversation-id": value}).conversation_id is None
