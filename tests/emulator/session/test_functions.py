"""Function calls in model mode, and what a model is asked."""

from typing import Any

from tests.emulator.session.driver import Driver, error_of, types_of, user_says
from voicelive_agent.emulator import agents
from voicelive_agent.emulator.session import effects as do

ADDED = "response.output_item.added"
CREATED = "conversation.item.created"


class TestFunctions:
    CALL = (
        agents.FunctionCallBegan("call_1", "get_weather"),
        agents.ArgumentsDelta("call_1", '{"city":'),
        agents.ArgumentsDelta("call_1", '"Rome"}'),
        agents.FunctionCall("call_1", "get_weather", '{"city":"Rome"}'),
    )

    def test_a_call_comes_in_the_documented_order(self) -> None:
        driver = Driver(model="m")
        driver.send("conversation.item.create", item=user_says("weather?"))
        events = driver.send("response.create") + driver.stream(*self.CALL)
        assert types_of(events) == [
            "response.created",
            ADDED,
            CREATED,
            "response.function_call_arguments.delta",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.done",
        ]
        item = events[1]["item"]
        assert item == {
            "id": item["id"],
            "object": "realtime.item",
            "type": "function_call",
            "status": "in_progress",
            "name": "get_weather",
            "call_id": "call_1",
            "arguments": "",
        }
        assert events[3]["call_id"] == "call_1"
        assert events[5]["arguments"] == '{"city":"Rome"}'
        assert events[5]["name"] == "get_weather"
        assert events[6]["item"]["status"] == "completed"
        assert events[7]["response"]["output"][0]["arguments"] == '{"city":"Rome"}'

    def test_the_output_goes_back_to_the_model(self) -> None:
        driver = Driver(model="m")
        driver.send("conversation.item.create", item=user_says("weather?"))
        driver.send("response.create")
        driver.stream(*self.CALL)
        output = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
        created = driver.send("conversation.item.create", item=output)[0]["item"]
        assert "status" not in created
        assert driver.did(do.AskAgent) == [], "the server does not go on by itself"
        driver.send("response.create")
        request = driver.one(do.AskAgent).request
        assert [item["type"] for item in request.items] == [
            "message",
            "function_call",
            "function_call_output",
        ]
        assert request.kind == "speech"

    def test_a_client_that_answers_a_call_at_once_is_not_refused(self) -> None:
        """The usual example sends the output and response.create on ``…arguments.done``, which
        can arrive before ``response.done`` has left."""
        driver = Driver(model="m")
        driver.send("response.create")
        driver.stream(*self.CALL, finish=False)
        output = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
        driver.send("conversation.item.create", item=output)
        assert driver.send("response.create") == []
        assert error_of(driver.send("response.create"))["code"] == (
            "conversation_already_has_active_response"
        )
        assert types_of(driver.stream()) == ["response.done", "response.created"]
        assert driver.one(do.AskAgent).request.items[-1]["output"] == "sunny"

    def test_text_before_a_call_is_a_message_of_its_own(self) -> None:
        driver = Driver(model="m")
        driver.send("response.create")
        driver.stream("Let me look.", *self.CALL, "Done.")
        driver.speak()
        output = driver.find("response.done")["response"]["output"]
        assert [item["type"] for item in output] == ["message", "function_call", "message"]
        assert [
            event["output_index"] for event in driver.all_events() if event["type"] == ADDED
        ] == [0, 1, 2]

    def test_a_cut_call_is_closed_with_what_there_was(self) -> None:
        driver = Driver(model="m")
        driver.send("response.create")
        driver.stream(*self.CALL[:2], finish=False)
        events = driver.send("response.cancel")
        assert types_of(events) == [
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.done",
        ]
        assert events[0]["arguments"] == '{"city":'
        assert events[1]["item"]["status"] == "incomplete"

    def test_the_model_gets_the_session_s_tools_and_limits(self) -> None:
        tool: dict[str, Any] = {
            "type": "function",
            "name": "f",
            "description": None,
            "parameters": {},
        }
        driver = Driver(
            model="gpt-4.1",
            session={
                "tools": [tool, {"type": "web_search"}],
                "tool_choice": {"type": "function", "name": "f"},
                "parallel_tool_calls": False,
                "temperature": 0.9,
                "max_response_output_tokens": 50,
                "reasoning_effort": "low",
                "instructions": "Be brief.",
            },
        )
        driver.send("response.create", additional_instructions="Say hello.")
        request = driver.one(do.AskAgent).request
        assert request.kind == "greeting"
        assert request.model == "gpt-4.1"
        assert request.tools == (tool,)
        assert request.tool_choice == {"type": "function", "name": "f"}
        assert request.parallel_tool_calls is False
        assert request.temperature == 0.9
        assert request.max_output_tokens == 50
        assert request.reasoning_effort == "low"
        assert request.instructions == "Be brief.\n\nSay hello."

    def test_a_response_s_own_settings_come_first(self) -> None:
        driver = Driver(model="m", session={"instructions": "Be brief."})
        events = driver.send(
            "response.create",
            response={
                "instructions": "Be long.",
                "temperature": 1,
                "max_output_tokens": "inf",
                "tool_choice": "none",
                "tools": [],
                "voice": "echo",
                "output_audio_format": "g711_ulaw",
                "metadata": {"k": "v"},
            },
        )
        response = events[0]["response"]
        assert response["metadata"] == {"k": "v"}
        assert response["voice"]["name"] == "echo"
        assert response["output_audio_format"] == "g711_ulaw"
        assert response["temperature"] == 1
        request = driver.one(do.AskAgent).request
        assert request.instructions == "Be long."
        assert request.tool_choice == "none"
        driver.stream("Hi there. ", finish=False)
        assert driver.one(do.Speak).output_format == "g711_ulaw"
        assert driver.one(do.Speak).voice["name"] == "echo"
