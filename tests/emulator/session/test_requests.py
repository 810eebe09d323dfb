"""``response.create`` in all its variants, and ``response.cancel``."""

from typing import Any

import pytest

from tests.emulator.session.driver import Driver, error_of, types_of, user_says
from voicelive_agent.emulator import agents
from voicelive_agent.emulator.session import effects as do

CREATED = "conversation.item.created"
CLOSING = [
    "response.audio.done",
    "response.audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.done",
]


def prepared(text: str = "Welcome.", **fields: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": text}]
    return {"type": "message", "role": "assistant", "content": content, **fields}


class TestAsking:
    def test_bare_it_is_a_greeting(self) -> None:
        driver = Driver()
        driver.send("response.create")
        assert driver.one(do.AskAgent).request == agents.AgentRequest(kind="greeting")

    def test_typed_text_is_answered(self) -> None:
        driver = Driver()
        driver.send("conversation.item.create", item=user_says("a room"))
        driver.send("conversation.item.create", item=user_says("for two"))
        driver.send("response.create")
        assert driver.one(do.AskAgent).request.text == "a room\nfor two"
        driver.answer("Of course.")
        driver.send("response.create")
        assert driver.one(do.AskAgent).request.kind == "greeting", "each text once"

    def test_a_system_message_does_not_turn_a_greeting_into_speech(self) -> None:
        driver = Driver()
        system = {
            "type": "message",
            "role": "system",
            "content": [{"type": "input_text", "text": "Welcome them."}],
        }
        driver.send("conversation.item.create", item=system)
        driver.send("response.create")
        assert driver.one(do.AskAgent).request.kind == "greeting"

    def test_an_action_goes_to_the_agent_verbatim(self) -> None:
        driver = Driver()
        action = {"type": "button_click", "value": {"n": [1, None]}}
        driver.send("response.create", response={"invoke_input": action})
        request = driver.one(do.AskAgent).request
        assert (request.kind, request.action) == ("action", action)

    def test_a_model_has_no_actions(self) -> None:
        events = Driver(model="m").send("response.create", response={"invoke_input": {}})
        assert error_of(events)["param"] == "response.invoke_input"

    def test_appended_items_join_the_conversation(self) -> None:
        driver = Driver()
        events = driver.send(
            "response.create", response={"append_input_items": [user_says("two nights")]}
        )
        assert types_of(events) == [CREATED, "response.created"]
        assert driver.one(do.AskAgent).request.text == "two nights"

    def test_input_items_take_the_place_of_the_conversation(self) -> None:
        driver = Driver(model="m")
        driver.send("conversation.item.create", item=user_says("old"))
        driver.send("response.create", response={"input_items": [user_says("new")]})
        request = driver.one(do.AskAgent).request
        assert [item["content"][0]["text"] for item in request.items] == ["new"]
        driver.stream()
        driver.send("response.create", response={"input_items": []})
        assert driver.one(do.AskAgent).request.items == ()
        driver.stream()
        driver.send("response.create")
        items = driver.one(do.AskAgent).request.items
        assert [item["content"][0]["text"] for item in items] == ["old"]

    def test_out_of_band_leaves_nothing_behind(self) -> None:
        driver = Driver(model="m", session={"modalities": ["text"]})
        driver.send("conversation.item.create", item=user_says("hi"))
        events = driver.send(
            "response.create",
            response={
                "commit": False,
                "append_input_items": [user_says("classify this")],
                "metadata": {"topic": "x"},
            },
        )
        assert types_of(events) == ["response.created"]
        assert events[0]["response"]["conversation_id"] is None
        assert events[0]["response"]["metadata"] == {"topic": "x"}
        assert len(driver.one(do.AskAgent).request.items) == 2
        assert CREATED not in types_of(driver.stream("Greeting."))
        driver.send("response.create")
        assert len(driver.one(do.AskAgent).request.items) == 1

    def test_a_temperature_that_nobody_chose_is_the_models_own(self) -> None:
        """Some models take no other than theirs, and answered the session's default with 400."""
        driver = Driver(model="m")
        driver.send("response.create")
        assert driver.one(do.AskAgent).request.temperature is None
        driver.answer("Hello.")
        driver.configure(temperature=0.7)
        driver.send("response.create")
        assert driver.one(do.AskAgent).request.temperature == 0.7
        driver.answer("Hello.")
        assert driver.configure(temperature=None)["temperature"] == 0.8
        driver.send("response.create")
        assert driver.one(do.AskAgent).request.temperature is None

    def test_an_agent_s_instructions_are_its_own(self) -> None:
        driver = Driver()
        events = driver.send(
            "response.create", response={"instructions": "x"}, additional_instructions="y"
        )
        assert types_of(events) == ["warning", "warning", "response.created"]
        assert driver.one(do.AskAgent).request == agents.AgentRequest(kind="greeting")

    @pytest.mark.parametrize(
        ("response", "param"),
        [
            ({"modalities": ["avatar"]}, "modalities"),
            ({"modalities": "text"}, "modalities"),
            ({"output_audio_format": "mp3"}, "output_audio_format"),
            ({"voice": {"type": "x"}}, "voice.type"),
            ({"commit": "no"}, "commit"),
            ({"input_items": [{"type": "x"}]}, "input_items[0].type"),
            ({"input_items": {}}, "input_items"),
            ({"append_input_items": [None]}, "append_input_items[0]"),
            (
                {
                    "input_items": [
                        {
                            "type": "message",
                            "role": "user",
                            "content": [{"type": "input_audio", "audio": "AAAA"}],
                        }
                    ]
                },
                "input_items[0]",
            ),
            ({"metadata": [1]}, "metadata"),
            ({"max_output_tokens": float("inf")}, "max_output_tokens"),
            ({"invoke_input": "click"}, "invoke_input"),
            ({"pre_generated_assistant_message": {}}, "pre_generated_assistant_message.content"),
            (
                {"pre_generated_assistant_message": user_says("x")},
                "pre_generated_assistant_message.role",
            ),
            (
                {
                    "pre_generated_assistant_message": {
                        **prepared(),
                        "content": [{"type": "text", "text": "a"}] * 2,
                    }
                },
                "pre_generated_assistant_message.content",
            ),
            (
                {"pre_generated_assistant_message": prepared(" ")},
                "pre_generated_assistant_message.content[0].text",
            ),
            (
                {"pre_generated_assistant_message": {**prepared(), "content": []}},
                "pre_generated_assistant_message.content",
            ),
            (
                {"pre_generated_assistant_message": prepared(), "invoke_input": {}},
                "invoke_input",
            ),
        ],
    )
    def test_the_path_names_what_is_wrong(self, response: dict[str, Any], param: str) -> None:
        driver = Driver()
        error = error_of(driver.send("response.create", response=response, event_id="e3"))
        assert error["param"] == f"response.{param}"
        assert error["event_id"] == "e3"
        assert types_of(driver.send("response.create")) == ["response.created"]


class TestPrepared:
    def test_it_is_spoken_as_it_is_and_remembered(self) -> None:
        driver = Driver()
        events = driver.send(
            "response.create",
            response={"pre_generated_assistant_message": prepared("Welcome, Sir.", id="hello")},
        )
        assert types_of(events)[0] == "response.created"
        assert driver.done(do.AskAgent) == []
        driver.speak()
        assert driver.find("response.done")["response"]["status"] == "completed"
        assert driver.transcript("hello") == "Welcome, Sir."

    def test_it_does_not_wait_for_a_transcript(self) -> None:
        driver = Driver(session={"turn_detection": None})
        driver.send("input_audio_buffer.append", audio="AAAA")
        driver.send("input_audio_buffer.commit")
        message = {"pre_generated_assistant_message": prepared()}
        assert types_of(driver.send("response.create", response=message))[0] == "response.created"

    def test_an_id_that_is_taken_is_refused(self) -> None:
        driver = Driver()
        driver.send("conversation.item.create", item=user_says("x", id="hello"))
        message = {"pre_generated_assistant_message": prepared(id="hello")}
        error = error_of(driver.send("response.create", response=message))
        assert error["param"] == "response.pre_generated_assistant_message.id"

    def test_the_service_s_own_part_type_is_taken_too(self) -> None:
        message = {**prepared(), "content": [{"type": "output_text", "text": "Hi there."}]}
        driver = Driver()
        driver.send("response.create", response={"pre_generated_assistant_message": message})
        assert driver.one(do.Speak).text == "Hi there."


class TestOneAtATime:
    @pytest.mark.parametrize("response", [None, {}, {"cancel_previous": False}, {"commit": False}])
    def test_another_response_is_refused(self, response: Any) -> None:
        driver = Driver()
        driver.send("response.create")
        error = error_of(driver.send("response.create", response=response, event_id="e1"))
        assert error["code"] == "conversation_already_has_active_response"
        assert error["event_id"] == "e1"
        assert types_of(driver.answer("Hello."))[-1] == "response.done"

    def test_unless_it_says_that_it_cancels(self) -> None:
        driver = Driver()
        driver.send("response.create")
        driver.stream("Hello there. ", finish=False)
        first = driver.response_id
        events = driver.send("response.create", response={"invoke_input": {"a": 1}})
        done = [event for event in events if event["type"] == "response.done"]
        assert done[0]["response"]["id"] == first
        assert done[0]["response"]["status_details"] == {
            "type": "cancelled",
            "reason": "client_cancelled",
        }
        assert types_of(events)[-1] == "response.created"
        assert driver.did(do.StopAgent) == [do.StopAgent(first)]
        assert driver.one(do.AskAgent).request.action == {"a": 1}

    def test_what_is_wrong_cancels_nothing(self) -> None:
        driver = Driver()
        driver.send("response.create")
        error_of(driver.send("response.create", response={"cancel_previous": True, "voice": 1}))
        assert driver.did(do.StopAgent) == []

    def test_cancel(self) -> None:
        driver = Driver()
        driver.send("response.create")
        driver.stream("Hello there. And", finish=False)
        events = driver.send("response.cancel", response_id=driver.response_id)
        assert types_of(events) == CLOSING
        response = events[-1]["response"]
        assert response["status"] == "cancelled"
        assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
        assert response["output"][0]["status"] == "incomplete"
        assert driver.did(do.StopAgent) == [do.StopAgent(driver.response_id)]
        assert driver.did(do.StopSpeaking) == [do.StopSpeaking(driver.response_id)]

    def test_nothing_to_cancel(self) -> None:
        driver = Driver()
        error = error_of(driver.send("response.cancel", event_id="e9"))
        assert (error["code"], error["event_id"]) == ("response_cancel_not_active", "e9")
        driver.send("response.create")
        error = error_of(driver.send("response.cancel", response_id="resp_other"))
        assert error["code"] == "response_cancel_not_active"
        assert error["param"] == "response_id"
        assert types_of(driver.answer("Hi."))[-1] == "response.done"
