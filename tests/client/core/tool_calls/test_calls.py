"""What a model calls, and that it goes on once with the results."""

import json

from tests.client.stage import Stage
from voicelive_agent.client.core.tool_calls.functions import Functions


async def test_functions_run_together_and_the_model_goes_on_once() -> None:
    def add(a: int, b: int) -> int:
        return a + b

    async def fail() -> None:
        raise RuntimeError("no luck")

    stage = Stage(Functions([add, fail]), model="m", endpoint="http://127.0.0.1:1")
    stage.begin("r1")
    for call_id, name, arguments in (("c1", "add", '{"a": 1, "b": 2}'), ("c2", "fail", "{}")):
        item = {"type": "function_call", "name": name, "call_id": call_id, "arguments": arguments}
        stage.get("response.output_item.added", response_id="r1", item={**item, "arguments": ""})
        stage.get(
            "response.function_call_arguments.done",
            response_id="r1",
            call_id=call_id,
            arguments=arguments,
        )
        stage.get("response.output_item.done", response_id="r1", item=item)
    await stage.tasks[0]
    await stage.tasks[1]
    assert stage.link.of("response.create") == []
    stage.done("r1")
    outputs = {
        event["item"]["call_id"]: json.loads(event["item"]["output"])
        for event in stage.link.of("conversation.item.create")
    }
    assert outputs == {"c1": 3, "c2": {"error": "RuntimeError: no luck"}}
    assert len(stage.link.of("response.create")) == 1


async def test_an_mcp_call_asks_the_person() -> None:
    stage = Stage(model="m", endpoint="http://127.0.0.1:1", mcp_server=["docs=https://example.com"])
    stage.begin("r1")
    stage.get(
        "conversation.item.created",
        item={
            "type": "mcp_approval_request",
            "id": "ap1",
            "name": "find",
            "server_label": "docs",
            "arguments": "{}",
        },
    )
    stage.done("r1")
    assert "docs: find" in stage.screen.notices[-1]
    stage.talk.decide(True)
    [event] = stage.link.of("conversation.item.create")
    assert event["item"] == {
        "type": "mcp_approval_response",
        "approval_request_id": "ap1",
        "approve": True,
    }
    assert stage.talk.approval is None
    stage.get("response.mcp_call.completed", item_id="m1", output_index=0)
    assert len(stage.link.of("response.create")) == 1
