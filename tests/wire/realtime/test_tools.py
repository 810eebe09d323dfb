"""MCP servers of a GA session: filters of tools as Voice Live has them, and back."""

from typing import Any

import pytest

from voicelive_agent.wire.realtime.tools import read_tools, write_tools

SERVER = {"type": "mcp", "server_label": "desk", "server_url": "http://desk/mcp"}


@pytest.mark.parametrize(
    ("ga", "ours"),
    [
        ({}, {}),
        ({"allowed_tools": None}, {"allowed_tools": None}),
        ({"allowed_tools": ["a"]}, {"allowed_tools": ["a"]}),
        ({"allowed_tools": {"tool_names": ["a", "b"]}}, {"allowed_tools": ["a", "b"]}),
        ({"require_approval": "never"}, {"require_approval": "never"}),
        (
            {"require_approval": {"always": {"tool_names": ["a"]}, "never": None}},
            {"require_approval": {"always": ["a"]}},
        ),
    ],
    ids=str,
)
def test_filters(ga: dict[str, Any], ours: dict[str, Any]) -> None:
    ignored: list[str] = []
    assert read_tools([{**SERVER, **ga}], "session.tools", ignored.append) == [{**SERVER, **ours}]
    assert ignored == []


def test_what_can_not_be_filtered_by_is_told() -> None:
    ignored: list[str] = []
    filters = {"allowed_tools": {"read_only": True}, "require_approval": {"never": {"hm": 1}}}
    read_tools([{"type": "function"}, {**SERVER, **filters}], "session.tools", ignored.append)
    assert ignored == [
        "session.tools[1].allowed_tools.read_only",
        "session.tools[1].require_approval.never.hm",
    ]


@pytest.mark.parametrize("tools", [None, "x", 4, {}])
def test_what_is_no_list_is_left_to_be_refused(tools: Any) -> None:
    assert read_tools(tools, "session.tools", lambda _: None) == tools


def test_back() -> None:
    function = {"type": "function", "name": "f"}
    server = {**SERVER, "require_approval": {"never": ["a"]}}
    assert write_tools([function, SERVER, server]) == [
        function,
        SERVER,
        {**SERVER, "require_approval": {"never": {"tool_names": ["a"]}}},
    ]
