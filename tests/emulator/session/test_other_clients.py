"""What clients that others wrote send, where it differs from the reference (clients.md)."""

from typing import Any

import pytest

from tests.emulator.session.driver import Driver

SPEAK = {"role": "assistant", "content": [{"type": "text", "text": "Welcome."}]}


@pytest.mark.parametrize(
    "message",
    [
        SPEAK,
        {**SPEAK, "type": "message"},
        {"content": SPEAK["content"]},
        {"content": [{"type": "output_text", "text": "Welcome."}]},
    ],
)
def test_a_prepared_greeting_needs_no_type(message: Any) -> None:
    """Both JavaScript quickstarts leave it out with --greeting-text."""
    driver = Driver()
    events = driver.send("response.create", response={"pre_generated_assistant_message": message})
    assert "response.audio_transcript.delta" in [event["type"] for event in events]


@pytest.mark.parametrize(
    "message",
    [{**SPEAK, "type": "function_call"}, {**SPEAK, "role": "user"}, {"role": "assistant"}],
)
def test_what_is_no_greeting_is_refused_all_the_same(message: Any) -> None:
    driver = Driver()
    events = driver.send("response.create", response={"pre_generated_assistant_message": message})
    assert [event["type"] for event in events] == ["error"]


@pytest.mark.parametrize("model", ["gpt-realtime", "other", None, 7])
@pytest.mark.parametrize("of_session", ["gpt-realtime", None])
def test_a_model_in_an_update_does_not_lose_the_rest(of_session: str | None, model: Any) -> None:
    """JavaScript's ModelQuickstart and @openai/agents send it always, and were refused."""
    driver = Driver(model=of_session)
    update = {"model": model, "voice": {"type": "azure-standard", "name": "de-DE-KatjaNeural"}}
    updated, *warnings = driver.send("session.update", session=update)
    assert updated["type"] == "session.updated"
    assert updated["session"]["voice"]["name"] == "de-DE-KatjaNeural"
    (warning,) = [one["warning"] for one in warnings if one["type"] == "warning"]
    assert warning["param"] == "session.model"
    assert (of_session or "its agent") in warning["message"]
    assert updated["session"].get("model") == of_session
