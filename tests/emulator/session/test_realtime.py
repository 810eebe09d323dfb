"""Every event of a session has its form in OpenAI Realtime GA, and that leads back to it."""

from typing import Any, get_args

from hypothesis import HealthCheck, settings
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import TypeAdapter

from tests.emulator.session.driver import Driver, counted_ids, user_says
from tests.emulator.session.test_always import AnySession
from voicelive_agent.emulator.session import Effect
from voicelive_agent.emulator.session import effects as do
from voicelive_agent.wire.realtime.translation import RealtimeTranslation

OPENAI: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
OPENAI_TYPES = {
    get_args(shape.model_fields["type"].annotation)[0]
    for shape in get_args(get_args(RealtimeServerEvent)[0])
}
VOICE_LIVE_ONLY = {
    "warning",
    "response.invocation.delta",
    "response.animation_viseme.delta",
    "response.animation_viseme.done",
    "response.audio_timestamp.delta",
    "response.audio_timestamp.done",
}
"""Foundry's voice agents have these names too, but the second, which is Voice Live's alone."""
NAMES = {
    "conversation.item.added": "conversation.item.created",
    "response.output_text": "response.text",
    "response.output_audio_transcript": "response.audio_transcript",
    "response.output_audio": "response.audio",
}
PARTS = {"output_audio": "audio", "output_text": "text"}


def back(event: Any) -> Any:
    """What Voice Live calls it: names of events, of content parts, and of settings."""
    if isinstance(event, list):
        return [back(one) for one in event]
    if not isinstance(event, dict):
        return event
    read = {name: back(value) for name, value in event.items()}
    if isinstance(read.get("type"), str):
        read["type"] = PARTS.get(read["type"], read["type"])
        for ga, ours in NAMES.items():
            if read["type"] == ga or read["type"].startswith(f"{ga}."):
                read["type"] = read["type"].replace(ga, ours)
                break
    if read.get("role") == "assistant" and read["content"] == []:
        read["status"] = "incomplete"
    return read


def check(event: dict[str, Any], written: list[dict[str, Any]]) -> None:
    first, *more = written
    assert [one["type"] for one in more] in ([], ["conversation.item.done"])
    for one in written:
        if one["type"] in OPENAI_TYPES:
            if not is_azures(one):
                OPENAI.validate_python(one)
        else:
            assert one["type"] in VOICE_LIVE_ONLY
    assert first["event_id"] == event["event_id"]
    read = back(first)
    if "session" in event:
        # That all of its settings come back stands in tests/wire/realtime.
        assert first["session"]["id"] == event["session"]["id"]
    elif "response" in event:
        assert read["response"]["output"] == event["response"]["output"]
        for name in ("id", "status", "status_details", "usage", "conversation_id", "metadata"):
            assert read["response"][name] == event["response"][name]
    elif event["type"] in ("error", "warning"):
        assert read[event["type"]]["code"] == event[event["type"]]["code"]
    else:
        read.pop("usage", None)
        assert read == event


def is_azures(event: dict[str, Any]) -> bool:
    """Whether it tells of settings that OpenAI doesn't have."""
    if not event["type"].startswith("session."):
        return False
    detection = event["session"]["audio"]["input"]["turn_detection"] or {}
    return bool(event["session"]["include"]) or detection.get("type", "").startswith("azure")


class AnyRealtimeSession(AnySession):
    """The same clients and engines, whose client reads GA."""

    translation: RealtimeTranslation | None = None

    def _note(self, effects: list[Effect]) -> None:
        self.translation = self.translation or RealtimeTranslation(counted_ids())
        for effect in effects:
            if isinstance(effect, do.Send):
                check(effect.event, self.translation.write(effect.event))
        super()._note(effects)

    def teardown(self) -> None:
        super().teardown()
        # Each item that was told as added is told as done, in whatever way it ends.
        if self.translation is not None and self.ledger.active is None:
            assert not self.translation._open_items.keys() - self.ledger.open_items.keys()


TestAnyRealtimeSession = AnyRealtimeSession.TestCase
TestAnyRealtimeSession.settings = settings(
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def translate(driver: Driver) -> list[dict[str, Any]]:
    translation = RealtimeTranslation(counted_ids())
    sent = [effect.event for effect in driver.effects if isinstance(effect, do.Send)]
    return [written for event in sent for written in translation.write(event)]


def test_an_item_out_of_band_is_never_told_as_one_of_the_conversation() -> None:
    """openai-agents would have put it into the history that it shows."""
    driver = Driver(model="gpt-realtime")
    driver.send("response.create", response={"commit": False, "modalities": ["text"]})
    driver.answer("Only for the log.")
    types = [event["type"] for event in translate(driver)]
    assert "response.output_item.done" in types
    assert "conversation.item.added" not in types
    assert "conversation.item.done" not in types


def test_an_answer_that_is_cut_is_told_as_done() -> None:
    driver = Driver(model="gpt-realtime")
    driver.send("conversation.item.create", item=user_says("hi"))
    driver.send("response.create")
    driver.stream("We open at nine. ", finish=False)
    driver.send("response.cancel")
    done = [e for e in translate(driver) if e["type"] == "conversation.item.done"]
    assert [one["item"]["role"] for one in done] == ["user", "assistant"]
    assert done[1]["item"]["status"] == "incomplete"
    assert done[1]["previous_item_id"] == done[0]["item"]["id"]
