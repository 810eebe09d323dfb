"""Tools of MCP servers in a session: listed, approved, called, and told to the model."""

from typing import Any

import pytest

from tests.emulator.session.driver import Driver
from voicelive_agent.emulator import agents
from voicelive_agent.emulator.mcp import McpTool
from voicelive_agent.emulator.session import effects as do
from voicelive_agent.emulator.session import facts as told

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = McpTool("weather", "Says the weather.", SCHEMA)
DELETE = McpTool("delete", "Deletes all.", SCHEMA)


def server(label: str = "desk", **fields: Any) -> dict[str, Any]:
    return {
        "type": "mcp",
        "server_label": label,
        "server_url": f"http://{label}.example/mcp",
        "require_approval": "never",
        **fields,
    }


def listed(*servers: dict[str, Any], tools: tuple[McpTool, ...] = (WEATHER, DELETE)) -> Driver:
    """A session whose servers have told their tools."""
    driver = Driver(model="m")
    driver.send("session.update", session={"tools": list(servers)})
    for asked in driver.done(do.ListMcpTools):
        driver.tell(told.McpListed(asked.item_id, tools))
    return driver


def ask(driver: Driver, text: str = "How is the weather?") -> agents.AgentRequest:
    part = {"type": "input_text", "text": text}
    item = {"type": "message", "role": "user", "content": [part]}
    driver.send("conversation.item.create", item=item)
    driver.send("response.create")
    return driver.one(do.AskAgent).request


def call(driver: Driver, name: str = "weather") -> None:
    driver.stream(
        agents.FunctionCallBegan("call_1", name),
        agents.ArgumentsDelta("call_1", '{"city":'),
        agents.FunctionCall("call_1", name, '{"city":"Bern"}'),
    )


def types(driver: Driver, since: int = 0) -> list[str]:
    return [event["type"] for event in driver.all_events()[since:]]


def test_a_server_is_asked_for_its_tools() -> None:
    driver = Driver(model="m")
    key: dict[str, Any] = {"authorization": "Bearer secret", "headers": {"x-desk": "1"}}
    driver.send("session.update", session={"tools": [server(**key)]})
    assert driver.types() == [
        "session.updated",
        "conversation.item.created",
        "mcp_list_tools.in_progress",
    ]
    asked = driver.one(do.ListMcpTools)
    assert asked.endpoint.headers == {"x-desk": "1", "Authorization": "Bearer secret"}
    assert "secret" not in repr(asked)
    driver.tell(told.McpListed(asked.item_id, (WEATHER,)))
    assert driver.types() == ["mcp_list_tools.completed"]
    (item,) = driver.send("conversation.item.retrieve", item_id=asked.item_id)
    assert [tool["name"] for tool in item["item"]["tools"]] == ["weather"]


def test_a_server_that_can_not_be_asked_costs_its_tools_only() -> None:
    """A client that waits for the list, as Voice Live gives it, waited for ever."""
    driver = Driver(model="m")
    driver.send("session.update", session={"tools": [server()]})
    item_id = driver.one(do.ListMcpTools).item_id
    driver.tell(told.McpListed(item_id, None, "nobody answers"))
    assert driver.types() == ["mcp_list_tools.failed", "warning"]
    assert driver.events()[1]["warning"]["message"] == "nobody answers"
    assert ask(driver).tools == ()


def test_each_server_is_asked_once_until_it_changes() -> None:
    driver = listed(server("a"))
    driver.send("session.update", session={"tools": [server("a"), server("b")]})
    driver.send("session.update", session={"instructions": "Be brief."})
    assert [one.endpoint.label for one in driver.done(do.ListMcpTools)] == ["a", "b"]
    driver.send("session.update", session={"tools": [server("a", allowed_tools=["weather"])]})
    assert driver.one(do.ListMcpTools).endpoint.label == "a"


def test_a_model_is_asked_when_the_tools_are_known() -> None:
    driver = Driver(model="m")
    driver.send("session.update", session={"tools": [server()]})
    part = {"type": "input_text", "text": "Hi"}
    item = {"type": "message", "role": "user", "content": [part]}
    driver.send("conversation.item.create", item=item)
    driver.send("response.create")
    assert driver.done(do.AskAgent) == []
    driver.tell(told.McpListed(driver.one(do.ListMcpTools).item_id, (WEATHER,)))
    assert [tool["name"] for tool in driver.one(do.AskAgent).request.tools] == ["weather"]


def test_allowed_tools_alone_are_the_models() -> None:
    request = ask(listed(server(allowed_tools=["weather"])))
    (tool,) = request.tools
    assert (tool["name"], tool["parameters"]) == ("weather", SCHEMA)


def test_a_name_of_two_servers_is_told_apart() -> None:
    driver = listed(server("a"), server("b"), tools=(WEATHER,))
    assert [tool["name"] for tool in ask(driver).tools] == ["weather", "b_weather"]
    call(driver, "b_weather")
    called = driver.one(do.CallMcpTool)
    assert (called.endpoint.label, called.tool) == ("b", "weather")


def test_the_clients_own_function_goes_before_a_tool() -> None:
    own = {"type": "function", "name": "weather", "parameters": SCHEMA}
    driver = listed(server(), own)
    assert [tool["name"] for tool in ask(driver).tools] == ["weather", "delete"]
    call(driver)
    assert driver.done(do.CallMcpTool) == []


def test_a_call_its_result_and_what_the_model_makes_of_it() -> None:
    driver = listed(server())
    ask(driver)
    since = len(driver.all_events())
    call(driver)
    called = driver.one(do.CallMcpTool)
    assert (called.tool, called.arguments) == ("weather", '{"city":"Bern"}')
    assert "response.done" not in types(driver, since)
    driver.tell(told.McpCalled(called.item_id, "Sunny."))
    assert types(driver, since) == [
        "response.output_item.added",
        "conversation.item.created",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
        "response.output_item.done",
        "response.done",
    ]
    (item,) = driver.all_events()[-1]["response"]["output"]
    assert (item["type"], item["server_label"], item["name"]) == ("mcp_call", "desk", "weather")
    assert (item["output"], item["error"]) == ("Sunny.", None)
    driver.send("response.create")
    asked, answered = driver.one(do.AskAgent).request.items[-2:]
    assert (asked["type"], asked["name"]) == ("function_call", "weather")
    assert answered == {
        "type": "function_call_output",
        "call_id": asked["call_id"],
        "output": "Sunny.",
    }


def test_a_tool_that_fails_is_told_to_the_model() -> None:
    driver = listed(server())
    ask(driver)
    call(driver)
    driver.tell(told.McpCalled(driver.one(do.CallMcpTool).item_id, "no such city", is_error=True))
    assert "response.mcp_call.failed" in types(driver)
    driver.send("response.create")
    assert driver.one(do.AskAgent).request.items[-1]["output"] == "no such city"


@pytest.mark.parametrize(
    "rule",
    [None, "always", {"always": ["weather"]}, {"never": ["delete"]}],
)
@pytest.mark.parametrize("approve", [True, False])
def test_a_person_is_asked_first(rule: Any, approve: bool) -> None:
    driver = listed(server(require_approval=rule))
    ask(driver)
    call(driver)
    assert driver.done(do.CallMcpTool) == []
    created = [e for e in driver.all_events() if e["type"] == "conversation.item.created"]
    request = created[-1]["item"]
    assert (request["type"], request["name"]) == ("mcp_approval_request", "weather")
    assert request["arguments"] == '{"city":"Bern"}'
    decision = {
        "type": "mcp_approval_response",
        "approval_request_id": request["id"],
        "approve": approve,
    }
    driver.send("conversation.item.create", item=decision)
    if approve:
        driver.tell(told.McpCalled(driver.one(do.CallMcpTool).item_id, "Sunny."))
    done = driver.all_events()[-1]
    assert done["type"] == "response.done"
    (item,) = done["response"]["output"]
    assert item["approval_request_id"] == request["id"]
    assert (item["output"] == "Sunny.") is approve
    assert bool(item["error"]) is not approve
    driver.send("response.create")
    # What the client and the session agreed on is no business of the model's.
    items = driver.one(do.AskAgent).request.items
    assert [item["type"] for item in items][-2:] == ["function_call", "function_call_output"]
    assert not any(item["type"].startswith("mcp_") for item in items)
    again = driver.send("conversation.item.create", item=decision)
    assert again[0]["error"]["param"] == "item.approval_request_id"


def test_a_rule_for_each_tool() -> None:
    driver = listed(server(require_approval={"never": ["weather"], "always": ["delete"]}))
    ask(driver)
    call(driver)
    assert len(driver.done(do.CallMcpTool)) == 1


@pytest.mark.parametrize("item_id", ["mcpr_unknown", None, 7])
def test_an_approval_that_nobody_asked_for_changes_nothing(item_id: Any) -> None:
    driver = listed(server())
    decision = {"type": "mcp_approval_response", "approval_request_id": item_id, "approve": True}
    (error,) = driver.send("conversation.item.create", item=decision)
    assert error["type"] == "error"


def test_an_interruption_stops_the_call() -> None:
    driver = listed(server())
    ask(driver)
    call(driver)
    item_id = driver.one(do.CallMcpTool).item_id
    driver.send("response.cancel")
    assert driver.one(do.StopMcpCall).item_id == item_id
    assert driver.all_events()[-1]["response"]["status"] == "cancelled"
    before = len(driver.all_events())
    driver.tell(told.McpCalled(item_id, "Sunny."))
    assert len(driver.all_events()) == before


def test_an_agent_brings_its_own_tools() -> None:
    driver = Driver()
    driver.send("session.update", session={"tools": [server()]})
    assert driver.done(do.ListMcpTools) == []
