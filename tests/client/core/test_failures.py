"""What fails in a conversation is told and counted, however well it ends."""

import pytest

from tests.client.stage import Stage


async def test_an_error_of_the_agent_is_told_and_fails_its_answer() -> None:
    """An agent that yielded a word and raised was read by nobody: exit code 0."""
    stage = Stage()
    stage.begin("r1")
    stage.text("r1", "A word. Sorry, something went wrong.")
    error = {"code": "agent_failed", "message": "KeyError: 'x' (my_agent.py:3)."}
    stage.get("response.invocation.delta", delta={"type": "agent.error", "error": error})
    stage.done("r1")
    assert stage.screen.errors == ["The agent failed: KeyError: 'x' (my_agent.py:3)."]
    assert (stage.talk.has_failed, stage.talk.failures) == (True, 1)

    stage.begin("r2")
    stage.text("r2", "All is well.")
    stage.done("r2")
    assert (stage.talk.has_failed, stage.talk.failures) == (False, 1)


async def test_an_answer_of_nothing_is_a_failure() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.done("r1")
    assert "empty" in stage.screen.errors[0]
    assert stage.talk.failures == 1


@pytest.mark.parametrize("shown", ["a card", "its whole text", "a text at the end alone"])
async def test_an_answer_of_something_is_none(shown: str) -> None:
    stage = Stage()
    stage.begin("r1")
    output = []
    if shown == "a card":
        stage.get("response.invocation.delta", delta={"type": "ui.card"})
    elif shown == "its whole text":
        stage.text("r1", "Hello.")
    else:
        content = [{"type": "audio", "transcript": "Hello."}]
        output = [{"type": "message", "role": "assistant", "content": content}]
    stage.done("r1", output=output)
    assert stage.talk.failures == 0


async def test_who_greets_nobody_has_not_failed() -> None:
    stage = Stage(greet=True)
    stage.begin("r1")
    stage.done("r1")
    assert stage.talk.failures == 0


async def test_half_an_answer_is_a_failure() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.text("r1", "Half of")
    stage.talk.disconnect()
    assert (stage.talk.has_failed, stage.talk.failures) == (True, 1)


async def test_what_can_not_be_transcribed_is_a_failure() -> None:
    stage = Stage()
    failed = "conversation.item.input_audio_transcription.failed"
    stage.get(failed, item_id="u1", error={"message": "too noisy"})
    assert "too noisy" in stage.screen.errors[0]
    assert stage.talk.failures == 1


# The order of what was said.


@pytest.mark.parametrize("known_by", ["input_audio_buffer.committed", "conversation.item.created"])
async def test_a_late_transcript_keeps_its_place(known_by: str) -> None:
    """After a reconnection a model was told the answer before the question."""
    stage = Stage(model="m", agent_name=None, project_name=None)
    item = {"id": "u1", "type": "message", "role": "user"}
    stage.get(known_by, item_id="u1", previous_item_id=None, item=item)
    stage.begin("r1")
    stage.text("r1", "It is noon.")
    stage.done("r1")
    stage.heard("What time is it?")
    stage.talk.disconnect()
    stage.connect()
    items = [event["item"] for event in stage.link.of("conversation.item.create")]
    assert [one["role"] for one in items] == ["user", "assistant"]


async def test_an_item_stands_where_the_service_has_it() -> None:
    stage = Stage()
    stage.get("input_audio_buffer.committed", item_id="u1", previous_item_id="")
    stage.begin("r1")
    stage.text("r1", "One.", "a1")
    stage.done("r1")
    # Committed before the answer, told after it.
    stage.get("input_audio_buffer.committed", item_id="u2", previous_item_id="u1")
    stage.heard("And more", "u2")
    stage.heard("First", "u1")
    texts = [line.text for line in stage.talk.history.lines]
    assert texts == ["First", "And more", "One."]
