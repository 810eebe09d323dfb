"""The official SDK's own models read what a session sends."""

import base64
import inspect
from typing import Any

import pytest
from azure.ai.voicelive import models

from tests.emulator.session.driver import Driver, user_says
from voicelive_agent.emulator import agents
from voicelive_agent.emulator.mcp import McpTool
from voicelive_agent.emulator.session import effects as do
from voicelive_agent.emulator.session import facts as told
from voicelive_agent.emulator.stt import TranscriptWord
from voicelive_agent.emulator.tts import Viseme

AUDIO = base64.b64encode(b"\1\0" * 480).decode()


def read(event: dict[str, Any]) -> Any:
    return models.ServerEvent._deserialize(event, [])  # type: ignore[no-untyped-call]


def required_fields(model: type) -> list[str]:
    """The wire names of a model's fields that may not be left out."""
    hints: dict[str, str] = {}
    for base in reversed(model.__mro__):
        hints.update(inspect.get_annotations(base))
    fields = model._attr_to_rest_field  # type: ignore[attr-defined]
    return [
        field._rest_name
        for name, field in fields.items()
        if not str(hints[name]).startswith(("Optional[", "typing.Optional["))
    ]


def talk() -> Driver:
    """A session that sends every event that it can."""
    driver = Driver(
        model="m",
        session={
            "turn_detection": {"type": "azure_semantic_vad", "auto_truncate": True},
            "output_audio_timestamp_types": ["word"],
            "animation": {"outputs": ["viseme_id"]},
            "include": [
                "item.input_audio_transcription.logprobs",
                "item.input_audio_transcription.phrases",
            ],
            "avatar": {"character": "lisa", "customized": False},
            "tools": [
                {"type": "mcp", "server_label": x, "server_url": f"https://{x}"} for x in "xy"
            ],
        },
    )
    missing, present = driver.done(do.ListMcpTools)
    driver.tell(told.McpListed(missing.item_id, None, "Nobody answers."))
    driver.tell(told.McpListed(present.item_id, (McpTool("weather", "Says it.", {}),)))
    driver.tell(told.SpeechStarted(10))
    item_id = driver.find("input_audio_buffer.speech_started")["item_id"]
    for text in ("hello", "hello there", "hello there you"):
        driver.tell(told.PartialTranscript(item_id, text))
    driver.tell(told.SpeechStopped(900))
    driver.tell(told.TranscriptionFailed(item_id, "The worker died."))
    driver.hear("hello", words=(TranscriptWord("hello", 0, 300, 0.9),), confidence=0.9)
    driver.stream(agents.ScreenEvent({"type": "card"}), "Good morning, Sir. And", finish=False)
    driver.speak(visemes=(Viseme(3, 10),))
    driver.send("conversation.item.create", item=user_says("typed", id="typed"))
    driver.send("conversation.item.retrieve", item_id="typed")
    driver.send("conversation.item.delete", item_id="typed")
    driver.tell(told.SpeechStarted(5000))
    driver.send("input_audio_buffer.clear")
    driver.send("output_audio_buffer.clear")
    driver.send("no.such.event")
    driver.send("response.create")
    driver.stream(
        agents.FunctionCallBegan("call_1", "f"),
        agents.ArgumentsDelta("call_1", "{}"),
        agents.FunctionCall("call_1", "f", "{}"),
    )
    for approve in (True, False):
        driver.send("response.create")
        call_weather(driver, approve=approve)
    driver.send("response.create", response={"modalities": ["text"]})
    driver.stream("Hello.")
    return driver


def call_weather(driver: Driver, *, approve: bool) -> None:
    driver.stream(
        agents.FunctionCallBegan("call_2", "weather"),
        agents.ArgumentsDelta("call_2", "{}"),
        agents.FunctionCall("call_2", "weather", "{}"),
    )
    asked = driver.find("conversation.item.created")["item"]
    decision = {"type": "mcp_approval_response", "approval_request_id": asked["id"]}
    driver.send("conversation.item.create", item={**decision, "approve": approve})
    if approve:
        driver.tell(told.McpCalled(driver.one(do.CallMcpTool).item_id, "Sunny."))


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return talk().all_events()


def test_every_event_is_one_that_the_sdk_knows(events: list[dict[str, Any]]) -> None:
    known = {member.value for member in models.ServerEventType}
    sent = {event["type"] for event in events}
    assert sent <= known
    for event in events:
        assert type(read(event)) is not models.ServerEvent


def test_every_event_of_a_conversation_is_sent(events: list[dict[str, Any]]) -> None:
    """All server events but those of avatars, server-side searches and citations."""
    not_done = ("avatar", "video", "blendshapes", "search_call", "annotation")
    expected = {
        member.value
        for member in models.ServerEventType
        if not any(word in member.value for word in not_done)
    }
    assert {event["type"] for event in events} == expected


def test_no_event_lacks_what_the_sdk_requires(events: list[dict[str, Any]]) -> None:
    for event in events:
        required = required_fields(type(read(event)))
        assert "type" in required
        for name in required:
            assert name in event, (event["type"], name)


def test_objects_inside_are_read_as_their_own_kinds(events: list[dict[str, Any]]) -> None:
    by_type = {event["type"]: read(event) for event in events}
    session = by_type["session.updated"].session
    assert isinstance(session.turn_detection, models.AzureSemanticVad)
    assert session.expires_at.year > 2000
    item = by_type["conversation.item.retrieved"].item
    assert isinstance(item, models.ResponseMessageItem)
    assert by_type["response.audio.delta"].delta
    response = by_type["response.done"].response
    assert response.status == models.ResponseStatus.COMPLETED
    assert response.usage.total_tokens == (
        response.usage.input_tokens + response.usage.output_tokens
    )
    assert by_type["error"].error.type == "invalid_request_error"


def test_what_the_sdk_sends_is_understood() -> None:
    """The SDK's own request models, as they stand on the wire."""
    driver = Driver()
    session = models.RequestSession(
        modalities=[models.Modality.TEXT, models.Modality.AUDIO],
        voice=models.AzureStandardVoice(name="en-US-AvaNeural", rate="1.2"),
        input_audio_format=models.InputAudioFormat.PCM16,
        output_audio_format=models.OutputAudioFormat.PCM16_16000_HZ,
        turn_detection=models.AzureSemanticVadMultilingual(
            languages=["en-US"],
            end_of_utterance_detection=models.AzureSemanticDetectionMultilingual(timeout_ms=500),
        ),
        input_audio_echo_cancellation=models.AudioEchoCancellation(),
        input_audio_noise_reduction=models.AudioNoiseReduction(type="azure_deep_noise_suppression"),
        input_audio_transcription=models.AudioInputTranscriptionOptions(model="azure-speech"),
        interim_response=models.StaticInterimResponseConfig(
            triggers=[models.InterimResponseTrigger.LATENCY], texts=["One moment."]
        ),
    )
    events = driver.send("session.update", session=session.as_dict())
    assert [event["type"] for event in events] == ["session.updated"]
    echoed = events[0]["session"]
    assert echoed["voice"]["rate"] == "1.2"
    assert echoed["turn_detection"]["end_of_utterance_detection"]["timeout_ms"] == 500
    item = models.UserMessageItem(content=[models.InputTextContentPart(text="hi")])
    assert driver.send("conversation.item.create", item=item.as_dict())[0]["item"]["role"] == "user"
    params = models.ResponseCreateParams(
        pre_generated_assistant_message=models.AssistantMessageItem(
            content=[models.OutputTextContentPart(text="Welcome.")]
        )
    )
    assert driver.send("response.create", response=params.as_dict())[0]["type"] == (
        "response.created"
    )
