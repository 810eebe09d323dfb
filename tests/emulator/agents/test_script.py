"""The scripted model: rules, functions and their results, offline and the same each time."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerFinished,
    ArgumentsDelta,
    FunctionCall,
    FunctionCallBegan,
    TextDelta,
    TextDone,
)
from voicelive_agent.emulator.agents.script.backend import ScriptBackend, fill_text
from voicelive_agent.emulator.agents.script.file import (
    AnswerScript,
    ScriptError,
    load_script,
)


def user(text: str) -> dict[str, Any]:
    part = {"type": "input_audio", "transcript": text}
    return {"type": "message", "role": "user", "content": [part]}


def call(call_id: str, name: str, **arguments: Any) -> dict[str, Any]:
    return {
        "type": "function_call",
        "call_id": call_id,
        "name": name,
        "arguments": json.dumps(arguments),
    }


def output(call_id: str, value: Any) -> dict[str, Any]:
    text = value if isinstance(value, str) else json.dumps(value)
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def tool(name: str, required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required or []}
    return {"type": "function", "name": name, "parameters": parameters}


WEATHER = tool("get_current_weather", ["location"], location={"type": "string"})
TIME = tool("get_current_time", timezone={"type": "string"})
ORDER = tool("lookupOrder", ["order_id"], order_id={"type": "string"})


async def answer(
    script: AnswerScript | None, items: list[dict[str, Any]], **options: Any
) -> list[AgentEvent]:
    session = ScriptBackend(script).open_session("s")
    return [
        agent_event async for agent_event in session.answer(AgentRequest(items=items, **options))
    ]


def text_of(agent_events: list[AgentEvent]) -> str:
    return "".join(
        agent_event.text for agent_event in agent_events if isinstance(agent_event, TextDelta)
    )


def calls_of(agent_events: list[AgentEvent]) -> list[tuple[str, Any]]:
    return [
        (agent_event.name, json.loads(agent_event.arguments))
        for agent_event in agent_events
        if isinstance(agent_event, FunctionCall)
    ]


class TestDefaultScript:
    async def test_a_function_is_called_with_what_was_said(self) -> None:
        agent_events = await answer(
            None, [user("What is the weather in New York?")], tools=[WEATHER]
        )
        assert calls_of(agent_events) == [("get_current_weather", {"location": "New York"})]
        assert text_of(agent_events) == "Let me look up the weather."

    async def test_its_arguments_stream_and_join(self) -> None:
        agent_events = await answer(None, [user("weather in Llanfairpwll")], tools=[WEATHER])
        assert agent_events.index(TextDone()) < len(agent_events) - 4
        (began,) = [one for one in agent_events if isinstance(one, FunctionCallBegan)]
        (whole,) = [one for one in agent_events if isinstance(one, FunctionCall)]
        deltas = [one for one in agent_events if isinstance(one, ArgumentsDelta)]
        assert len(deltas) > 1
        assert "".join(one.delta for one in deltas) == whole.arguments
        assert {one.call_id for one in deltas} == {began.call_id} == {whole.call_id}

    async def test_its_result_is_spoken(self) -> None:
        items = [
            user("What is the weather in Oslo?"),
            call("c", "get_current_weather", location="Oslo"),
            output("c", {"temperature": 7, "condition": "rain", "unit": "degrees"}),
        ]
        agent_events = await answer(None, items, tools=[WEATHER])
        assert text_of(agent_events) == "The weather in Oslo: rain 7 degrees"
        assert calls_of(agent_events) == []
        assert isinstance(agent_events[-1], AnswerFinished)

    @pytest.mark.parametrize(
        ("said", "tools", "name", "arguments"),
        [
            ("Where is order 12345?", [ORDER], "lookupOrder", {"order_id": "12345"}),
            ("Where is my package?", [WEATHER, ORDER, TIME], None, None),
            ("What time is it?", [WEATHER, TIME], "get_current_time", {"timezone": "UTC"}),
            (
                "Please set the thermostat to 21",
                [tool("setThermostat", ["degrees"], degrees={"type": "integer"})],
                "setThermostat",
                {"degrees": 21},
            ),
        ],
    )
    async def test_other_functions(
        self, said: str, tools: list[Any], name: str | None, arguments: Any
    ) -> None:
        agent_events = await answer(None, [user(said)], tools=tools)
        expected = [(name, arguments)] if name else [("lookupOrder", {"order_id": "example"})]
        assert calls_of(agent_events) == expected

    async def test_without_functions_it_talks(self) -> None:
        assert "weather" in text_of(await answer(None, []))
        assert text_of(await answer(None, [user("What is the weather?")])).startswith("I have no")
        assert (
            text_of(await answer(None, [user("Flibbertigibbet.")])) == "You said: Flibbertigibbet."
        )

    async def test_typed_text_without_items_is_heard_too(self) -> None:
        session = ScriptBackend().open_session("s")
        agent_events = [
            agent_event async for agent_event in session.answer(AgentRequest(text="thanks"))
        ]
        assert text_of(agent_events) == "You are welcome."


class TestToolChoice:
    async def test_none_calls_nothing(self) -> None:
        agent_events = await answer(None, [user("weather")], tools=[WEATHER], tool_choice="none")
        assert calls_of(agent_events) == []
        assert text_of(agent_events)

    async def test_required_calls_something(self) -> None:
        agent_events = await answer(
            None, [user("Hello")], tools=[TIME, ORDER], tool_choice="required"
        )
        assert [name for name, _ in calls_of(agent_events)] == ["get_current_time"]

    async def test_a_demanded_function_is_called_whatever_is_said(self) -> None:
        agent_events = await answer(
            None,
            [user("What is the weather?")],
            tools=[WEATHER, ORDER],
            tool_choice={"type": "function", "name": "lookupOrder"},
        )
        assert [name for name, _ in calls_of(agent_events)] == ["lookupOrder"]


TWO = AnswerScript.model_validate(
    {
        "rules": [
            {
                "said": ["/weather in (?P<one>\\w+) and (?P<two>\\w+)/"],
                "calls": [
                    {"function": "*weather*", "arguments": {"location": "{one}"}},
                    {"function": "*weather*", "arguments": {"location": "{two}"}},
                ],
                "before": "Both, then.",
            },
            {"result_of": "*weather*", "say": "{arguments.location}: {result.t}."},
            {"said": "nested", "say": "{a.b|{c|{said}!}}"},
            {"said": "again", "say": ["One.", "Two."]},
        ]
    }
)


class TestRules:
    async def test_parallel_calls_are_made_at_once_and_answered_together(self) -> None:
        said = user("the weather in Rome and Bonn")
        agent_events = await answer(TWO, [said], tools=[WEATHER])
        assert [arguments["location"] for _, arguments in calls_of(agent_events)] == [
            "Rome",
            "Bonn",
        ]
        items = [
            said,
            call("a", "get_current_weather", location="Rome"),
            call("b", "get_current_weather", location="Bonn"),
            output("b", {"t": 2}),
            output("a", {"t": 1}),
        ]
        assert text_of(await answer(TWO, items, tools=[WEATHER])) == "Bonn: 2. Rome: 1."

    async def test_without_parallel_calls_one_follows_the_other(self) -> None:
        said = user("the weather in Rome and Bonn")
        options: dict[str, Any] = {"tools": [WEATHER], "parallel_tool_calls": False}
        agent_events = await answer(TWO, [said], **options)
        assert [arguments["location"] for _, arguments in calls_of(agent_events)] == ["Rome"]
        items = [said, call("a", "get_current_weather", location="Rome"), output("a", {"t": 1})]
        agent_events = await answer(TWO, items, **options)
        assert [arguments["location"] for _, arguments in calls_of(agent_events)] == ["Bonn"]
        items += [call("b", "get_current_weather", location="Bonn"), output("b", {"t": 2})]
        assert text_of(await answer(TWO, items, **options)) == "Rome: 1. Bonn: 2."

    async def test_texts_take_turns(self) -> None:
        items = [user("again")]
        assert text_of(await answer(TWO, items)) == "One."
        items += [{"type": "message", "role": "assistant", "content": []}, user("again")]
        assert text_of(await answer(TWO, items)) == "Two."

    async def test_a_result_without_a_rule_is_spoken_as_it_is(self) -> None:
        items = [
            user("go"),
            call("c", "find_it"),
            output("c", {"found": True, "where_at": ["a", 2]}),
        ]
        said = text_of(await answer(AnswerScript(), items))
        assert said == "find it answers: found yes, where at a, 2."

    async def test_an_output_that_is_no_json_or_of_no_call_is_spoken_too(self) -> None:
        assert "All fine" in text_of(
            await answer(AnswerScript(), [user("go"), output("x", "All fine")])
        )

    async def test_tokens_are_limited(self) -> None:
        agent_events = await answer(None, [user("tell me a story")], max_output_tokens=5)
        assert len(text_of(agent_events).split()) == 5
        finished = agent_events[-1]
        assert isinstance(finished, AnswerFinished)
        assert finished.incomplete_reason == "max_output_tokens"
        assert finished.usage.output_tokens == 5
        assert finished.usage.input_tokens > 0


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{a}", "1"),
        ("{b.c}", "x"),
        ("{b.l.1}", "two"),
        ("{none}", ""),
        ("{none|else}", "else"),
        ("{none|{missing|{a}}!}", "1!"),
        ("{said}", "{a}"),
        ("{", "{"),
        ("{a", "{a"),
        ("{}", "{}"),
        ("{a|unused {b}} and {flag}", "1 and no"),
        ("{ a }", "{ a }"),
    ],
)
def test_holes(text: str, filled: str) -> None:
    values = {"a": 1, "b": {"c": "x", "l": ["one", "two"]}, "said": "{a}", "flag": False}
    assert fill_text(text, values) == filled


@given(st.text("{}|ab.", max_size=40))
def test_any_template_is_filled(text: str) -> None:
    fill_text(text, {"a": "{b}", "b": {"a": 1}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: [", "not YAML"),
        ("- a", "write a mapping"),
        ("", "write a mapping"),
        ("rule: []", "rule: there is no such key"),
        ("rules: [{say: x}]", "rules 1: a rule has either 'said' or 'result_of'"),
        ("rules: [{said: a, say: b}, {said: a}]", "rules 2: a rule has 'say', 'call' or 'calls'"),
        ("rules: [{said: '/(/', say: b}]", "is not a regular expression"),
        ("rules: [{said: a, call: f, calls: [{function: g}]}]", "not both"),
        ("rules: [{said: a, say: b, arguments: {c: d}}]", "belong to a 'call'"),
        ("rules: [{result_of: a, say: b, call: c}]", "calls nothing"),
        ("rules: [{said: 3, say: b}]", "rules 1 said"),
        ("greeting: []", "greeting"),
    ],
)
def test_a_bad_script_says_where_and_what(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(text)
    with pytest.raises(ScriptError) as failure:
        load_script(path)
    assert str(path) in str(failure.value)
    assert message in str(failure.value)


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="not readable"):
        load_script(tmp_path / "none.yaml")


NAMES = st.sampled_from(["get_weather", "bookTable", "x", "Order2", "über"])
SCHEMAS = st.recursive(
    st.sampled_from(
        [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"enum": ["a", 1]}, {}, None]
    ),
    lambda inner: (
        st.builds(
            lambda properties: {"type": "object", "properties": properties},
            st.dictionaries(st.text(max_size=4), inner, max_size=3),
        )
        | st.builds(lambda items: {"type": "array", "items": items}, inner)
    ),
    max_leaves=6,
)


@given(
    st.lists(
        st.one_of(
            st.builds(user, st.sampled_from(["weather in Rome", "order 7", "x", "", "{said}"])),
            st.builds(call, st.sampled_from("ab"), NAMES),
            st.builds(output, st.sampled_from("ab"), st.one_of(st.text(max_size=9), st.none())),
        ),
        max_size=6,
    ),
    st.lists(
        st.builds(
            lambda name, schema: {"type": "function", "name": name, "parameters": schema},
            NAMES,
            SCHEMAS,
        ),
        max_size=3,
    ),
    st.sampled_from(["auto", "none", "required", {"type": "function", "name": "x"}]),
)
async def test_any_session_is_answered(items: Any, tools: Any, choice: Any) -> None:
    agent_events = await answer(None, items, tools=tools, tool_choice=choice)
    assert isinstance(agent_events[-1], AnswerFinished)
    assert text_of(agent_events) or calls_of(agent_events)
    assert {name for name, _ in calls_of(agent_events)} <= {one["name"] for one in tools}
