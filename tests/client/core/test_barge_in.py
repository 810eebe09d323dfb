"""The person interrupts: what is silenced, what is told, and what goes on."""

import base64

import numpy as np

from tests.client.stage import RATE_HZ, Stage


async def test_barge_in_silences_and_says_what_was_heard() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.text("r1", "One two three four five six seven eight nine ten")
    stage.audio("r1", 1000)
    stage.loudspeaker.play(300)
    stage.speak("u2")
    assert stage.loudspeaker.queued_ms == 0
    [truncate] = stage.link.of("conversation.item.truncate")
    assert truncate["item_id"] == "item_r1"
    assert truncate["content_index"] == 0
    assert truncate["audio_end_ms"] == 300
    # The service cancels by itself; a client that does too is refused.
    assert stage.link.of("response.cancel") == []
    stage.audio("r1", 500)
    stage.text("r1", " eleven")
    stage.get("response.audio_transcript.done", response_id="r1", item_id="item_r1", transcript="x")
    assert stage.loudspeaker.queued_ms == 0
    assert stage.screen.cuts == [("item_r1", "One two three")]
    assert stage.talk.history.lines[-1].text == "One two three"


async def test_an_interruption_leaves_the_next_answer_alone() -> None:
    """A flag "interrupted" that the first delta of the next answer meets still set silences it."""
    stage = Stage()
    stage.begin("r1")
    stage.audio("r1", 1000)
    stage.speak()
    stage.begin("r2")
    stage.audio("r2", 40)
    stage.audio("r1", 500)
    stage.get("conversation.item.truncated", item_id="item_r1", audio_end_ms=0)
    stage.done("r1", "cancelled", status_details={"type": "cancelled", "reason": "turn_detected"})
    stage.audio("r2", 40)
    assert stage.loudspeaker.queued_ms == 80
    assert stage.talk._responses.active[0].id == "r2"


async def test_what_was_heard_to_its_end_is_not_truncated() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.audio("r1", 200)
    stage.done("r1")
    stage.loudspeaker.play(200)
    stage.speak()
    assert stage.link.of("conversation.item.truncate") == []
    assert stage.screen.cuts == []


async def test_an_answer_that_goes_on_is_truncated_where_its_sound_was() -> None:
    """Between two deltas nothing is queued, and yet the answer isn't over."""
    stage = Stage()
    stage.begin("r1")
    stage.audio("r1", 200)
    stage.loudspeaker.play(500)
    stage.speak()
    [truncate] = stage.link.of("conversation.item.truncate")
    assert truncate["audio_end_ms"] == 200


async def test_items_behind_the_one_that_played_were_not_heard_at_all() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.audio("r1", 200, "a")
    stage.audio("r1", 200, "b")
    stage.audio("r1", 200, "interim_c")
    stage.done("r1")
    stage.loudspeaker.play(150)
    stage.speak()
    truncated = {
        event["item_id"]: event["audio_end_ms"]
        for event in stage.link.of("conversation.item.truncate")
    }
    assert truncated == {"a": 150, "b": 0}


async def test_the_service_truncates_where_it_was_asked_to() -> None:
    stage = Stage(turn_detection={"type": "azure_semantic_vad", "auto_truncate": True})
    stage.begin("r1")
    stage.audio("r1", 1000)
    stage.speak()
    assert stage.loudspeaker.queued_ms == 0
    assert stage.link.of("conversation.item.truncate") == []


async def test_speech_that_may_not_interrupt_silences_nothing() -> None:
    stage = Stage(turn_detection={"type": "server_vad", "interrupt_response": False})
    stage.begin("r1")
    stage.audio("r1", 1000)
    stage.speak()
    assert stage.loudspeaker.queued_ms == 1000
    stage.audio("r1", 100)
    assert stage.loudspeaker.queued_ms == 1100


async def test_interrupting_by_hand_cancels_by_id() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.audio("r1", 100)
    stage.talk.interrupt()
    stage.talk.interrupt()
    assert [event["response_id"] for event in stage.link.of("response.cancel")] == ["r1"]
    stage.get("error", error={"code": "response_cancel_not_active", "message": "no"})
    assert stage.screen.errors == []


async def test_a_cut_response_without_its_end_keeps_nobody_waiting() -> None:
    """After quick interruptions a service may never tell that the answer before is over."""
    stage = Stage()
    stage.begin("r1")
    stage.audio("r1", 500)
    stage.speak()
    stage.hush()
    stage.talk.say("hello")
    assert len(stage.link.of("response.create")) == 1


async def test_the_agents_own_voice_is_told_from_a_person() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.text("r1", "We are open for dinner from Tuesday to Sunday.")
    stage.audio("r1", 2000)
    stage.speak("u5")
    stage.hush("u5")
    stage.heard("we are open for dinner", "u5")
    assert "own voice" in stage.screen.notices[-1]
    stage.begin("r2")
    stage.text("r2", "We are open for dinner from Tuesday to Sunday.")
    stage.audio("r2", 2000)
    stage.speak("u6")
    stage.hush("u6")
    stage.heard("do you have a table for two", "u6")
    assert len(stage.screen.notices) == 1


async def test_the_agents_own_voice_is_known_by_its_sound() -> None:
    """Nothing of it needs to be transcribed: often there is no transcript of an echo."""
    stage = Stage()
    random = np.random.default_rng(1)
    said = (3000 * random.standard_normal(3 * RATE_HZ)).astype("<i2").tobytes()
    stage.begin("r1")
    stage.loudspeaker.write("before", 0, said[: 2 * RATE_HZ])
    stage.loudspeaker.play(1000)
    stage.text("r1", "We are open.")
    delta = base64.b64encode(said).decode()
    stage.get("response.audio.delta", response_id="r1", item_id="i", content_index=0, delta=delta)
    stage.loudspeaker.play(2000)
    # It reaches the microphone 100 ms later.
    stage.talk.note_sent(stage.loudspeaker.heard[: -2 * RATE_HZ // 10])
    stage.speak()
    assert ["own voice" in notice for notice in stage.screen.notices] == [True]
    stage.begin("r2")
    stage.text("r2", "Yes.")
    stage.audio("r2", 3000)
    stage.loudspeaker.play(2500)
    stage.talk.note_sent((3000 * random.standard_normal(RATE_HZ)).astype("<i2").tobytes())
    stage.speak()
    assert len(stage.screen.notices) == 1
