"""A session's items become messages that any chat endpoint accepts."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.agents.messages import (
    NO_OUTPUT,
    write_messages,
    write_tool_choice,
    write_tools,
)


def message(role: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(parts)}


def call(call_id: str, arguments: str = "{}") -> dict[str, Any]:
    return {
        "type": "function_call",
        "call_id": call_id,
        "name": f"f{call_id}",
        "arguments": arguments,
    }


def output(call_id: str, text: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def test_speech_text_and_pictures() -> None:
    assert write_messages(
        "Be brief.",
        [
            message("system", {"type": "input_text", "text": "It is noon."}),
            message("user", {"type": "input_audio", "audio": "UklGRg==", "transcript": "Hello"}),
            message("assistant", {"type": "audio", "transcript": "Hi."}),
            message(
                "assistant", {"type": "text", "text": "More."}, {"type": "output_text", "text": "x"}
            ),
            message(
                "user",
                {"type": "input_text", "text": "Look:"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"},
            ),
            message("user", {"type": "input_audio", "transcript": None}),
            message("user"),
        ],
    ) == [
        {"role": "system", "content": "Be brief."},
        {"role": "system", "content": "It is noon."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "assistant", "content": "More. x"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look:"},
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/png;base64,AA", "detail": "low"},
                },
            ],
        },
    ]


def test_calls_and_outputs_stand_together() -> None:
    """A chat endpoint refuses a call whose output doesn't follow it directly, or is missing."""
    messages = write_messages(
        "",
        [
            message("user", {"type": "input_text", "text": "a"}),
            call("1", '{"x":1}'),
            call("2"),
            message("user", {"type": "input_text", "text": "b"}),
            output("2", "two"),
            output("0", "of no call"),
            call("3"),
            output("1", "one"),
        ],
    )
    assert [(one["role"], one.get("tool_call_id") or one.get("content")) for one in messages] == [
        ("user", "a"),
        ("assistant", None),
        ("tool", "1"),
        ("tool", "2"),
        ("user", "b"),
        ("assistant", None),
        ("tool", "3"),
    ]
    assert [one["id"] for one in messages[1]["tool_calls"]] == ["1", "2"]
    assert messages[1]["tool_calls"][0]["function"] == {"name": "f1", "arguments": '{"x":1}'}
    assert [messages[2]["content"], messages[3]["content"]] == ["one", "two"]
    assert messages[6]["content"] == NO_OUTPUT


def test_nothing_said_yet_is_a_greeting() -> None:
    (only,) = write_messages("", [])
    assert only["role"] == "system"
    assert write_messages("Say hi.", []) == [{"role": "system", "content": "Say hi."}]


def test_tools_and_tool_choice() -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    assert write_tools(
        [
            {"type": "function", "name": "f", "description": "d", "parameters": parameters},
            {"type": "function", "name": "bare"},
            {"type": "mcp", "server_label": "x", "server_url": "y"},
            {"type": "function"},
        ]
    ) == [
        {
            "type": "function",
            "function": {"name": "f", "description": "d", "parameters": parameters},
        },
        {"type": "function", "function": {"name": "bare"}},
    ]
    assert write_tool_choice("auto") == "auto"
    assert write_tool_choice({"type": "function", "name": "f"}) == {
        "type": "function",
        "function": {"name": "f"},
    }


ITEMS = st.lists(
    st.one_of(
        st.builds(call, st.sampled_from("123")),
        st.builds(output, st.sampled_from("1234"), st.text(max_size=3)),
        st.builds(
            lambda role, text: message(role, {"type": "input_text", "text": text}),
            st.sampled_from(["user", "assistant", "system"]),
            st.text(max_size=3),
        ),
        st.just({"type": "mcp_list_tools"}),
    ),
    max_size=12,
)


@given(ITEMS)
def test_every_call_is_answered_directly(items: list[dict[str, Any]]) -> None:
    messages = write_messages("", items)
    expected: list[str] = []
    for one in messages:
        if one["role"] == "tool":
            assert one["tool_call_id"] == expected.pop(0)
            continue
        assert not expected
        expected = [asked["id"] for asked in one.get("tool_calls", ())]
    assert not expected
