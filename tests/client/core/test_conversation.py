import base64

import pytest

from tests.client.stage import Stage, pcm
from voicelive_agent.client.troubles import ConversationError


async def test_a_turn_is_heard_answered_and_measured() -> None:
    stage = Stage()
    for _ in range(100):
        stage.now_s += 0.02
        stage.talk.note_sent(pcm(20))
    stage.speak()
    stage.hush(end_ms=1500)
    stage.now_s = 2.5
    stage.heard("are you open")
    stage.begin("r1")
    stage.now_s = 2.6
    stage.text("r1", "Yes, ")
    stage.text("r1", "we are.")
    stage.now_s = 2.7
    stage.audio("r1", 400)
    stage.now_s = 2.72
    stage.loudspeaker.play(20)
    stage.done("r1")
    assert stage.screen.turns == []
    await stage.finish()
    [turn] = stage.screen.turns
    # Speech ended at 1.5 s of the audio, which was sent at 1.5 s.
    assert turn.transcript_ms == 1000
    assert turn.first_text_ms == 1100
    assert turn.first_audio_ms == 1200
    assert turn.first_sound_ms == 1220
    assert not turn.interrupted
    assert [(line.who, line.text) for line in stage.talk.history.lines] == [
        ("you", "are you open"),
        ("agent", "Yes, we are."),
    ]


async def test_a_request_waits_for_the_end_of_the_active_response() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.talk.say("hello")
    assert len(stage.link.of("conversation.item.create")) == 1
    assert stage.link.of("response.create") == []
    stage.done("r1")
    assert len(stage.link.of("response.create")) == 1


async def test_an_error_that_names_no_event_blocks_nothing() -> None:
    """Every request behind the one that had failed used to wait for it."""
    stage = Stage()
    stage.talk.say("hello")
    stage.get("error", error={"code": "server_error", "message": "broken"})
    assert stage.screen.errors == ["broken (server_error)"]
    stage.talk.say("hello again")
    assert len(stage.link.of("response.create")) == 2


async def test_a_refused_request_is_sent_again_after_the_response_that_was_quicker() -> None:
    stage = Stage()
    stage.talk.say("hello")
    [ask] = stage.link.of("response.create")
    stage.get(
        "error",
        error={
            "code": "conversation_already_has_active_response",
            "message": "busy",
            "event_id": ask["event_id"],
        },
    )
    assert stage.screen.errors == []
    stage.begin("r1")
    stage.done("r1")
    assert len(stage.link.of("response.create")) == 2


async def test_a_click_reaches_the_agent_as_it_is() -> None:
    stage = Stage()
    stage.talk.click({"type": "ui.click", "id": 3})
    [ask] = stage.link.of("response.create")
    assert ask["response"] == {"invoke_input": {"type": "ui.click", "id": 3}}


@pytest.mark.parametrize(
    "delta", [{"type": "ui.card", "title": "T"}, 'data: {"type": "ui.card", "title": "T"}']
)
async def test_client_events_become_cards(delta: object) -> None:
    stage = Stage()
    stage.get("response.invocation.delta", delta=delta)
    assert stage.screen.cards == [{"type": "ui.card", "title": "T"}]


async def test_a_button_is_chosen_by_its_number() -> None:
    stage = Stage()
    buttons = [{"label": "Book", "action": {"type": "click", "action": "book"}}]
    stage.get("response.invocation.delta", delta={"type": "ui.buttons", "buttons": buttons})
    assert not stage.talk.choose(2)
    assert stage.talk.choose(1)
    [ask] = stage.link.of("response.create")
    assert ask["response"] == {"invoke_input": {"type": "click", "action": "book"}}


async def test_the_agent_hangs_up_after_its_last_word() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.get("response.invocation.delta", delta={"type": "agent.end_call"})
    stage.audio("r1", 500)
    stage.done("r1")
    await stage.settle()
    assert not stage.talk.over.is_set()
    await stage.finish()
    assert stage.talk.over.is_set()


async def test_greetings() -> None:
    own = Stage(greet=True)
    [ask] = own.link.of("response.create")
    assert "response" not in ask
    given_text = Stage(greeting="Welcome!")
    [ask] = given_text.link.of("response.create")
    message = ask["response"]["pre_generated_assistant_message"]
    assert message["content"] == [{"type": "text", "text": "Welcome!"}]
    given_text.talk.disconnect()
    given_text.connect()
    assert len(given_text.link.of("response.create")) == 2, "asked, but never begun"
    given_text.begin("r1")
    given_text.done("r1")
    given_text.talk.disconnect()
    given_text.connect()
    assert len(given_text.link.of("response.create")) == 2


async def test_a_model_is_told_what_was_said_after_a_lost_connection() -> None:
    stage = Stage(model="gpt-realtime", endpoint="http://127.0.0.1:1")
    stage.heard("hello")
    stage.begin("r1")
    stage.text("r1", "Hi there.")
    stage.done("r1")
    stage.talk.disconnect()
    stage.link.sent.clear()
    stage.connect()
    items = [event["item"] for event in stage.link.of("conversation.item.create")]
    assert [(item["role"], item["content"][0]["text"]) for item in items] == [
        ("user", "hello"),
        ("assistant", "Hi there."),
    ]


async def test_what_is_typed_without_a_connection_is_said_later() -> None:
    stage = Stage()
    stage.talk.disconnect()
    stage.talk.say("are you there")
    assert stage.link.of("conversation.item.create") == []
    stage.connect()
    assert len(stage.link.of("conversation.item.create")) == 1
    assert len(stage.link.of("response.create")) == 1


async def test_a_refused_session_ends_the_talk() -> None:
    stage = Stage(ready=False)
    stage.talk.connect(stage.link)
    with pytest.raises(ConversationError, match="voiceLiveCompatible"):
        stage.get("error", error={"code": "agent_not_voice_compatible", "message": "x"})


async def test_errors_in_a_session_are_shown_without_the_key() -> None:
    stage = Stage(api_key="s3cret-key")
    stage.get("error", error={"code": "c", "message": "bad s3cret-key"})
    stage.get("warning", warning={"message": "old s3cret-key"})
    assert stage.screen.errors == ["bad *** (c)"]
    assert "s3cret-key" not in stage.screen.shown


async def test_noise_is_no_turn() -> None:
    stage = Stage()
    stage.speak()
    stage.hush()
    assert stage.talk.busy
    stage.heard("")
    assert not stage.talk.busy
    assert stage.screen.turns == []


async def test_repeated_frames_change_nothing() -> None:
    stage = Stage()
    stage.begin("r1")
    event = {
        "type": "response.audio.delta",
        "event_id": "e1",
        "response_id": "r1",
        "item_id": "i1",
        "delta": base64.b64encode(pcm(20)).decode(),
    }
    stage.talk.handle(event)
    stage.talk.handle(event)
    assert stage.loudspeaker.queued_ms == 20
