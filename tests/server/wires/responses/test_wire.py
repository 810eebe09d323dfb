"""The Responses routes over a real socket, by the OpenAI SDK and by plain requests."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI

from tests.server.conversations.backends import RedisServer
from tests.server.processes import start_server
from tests.server.serving import serve, serve_agent
from voicelive_agent.agent import ClientEvent, EndCall, Output, Turn
from voicelive_agent.server.app import create_app
from voicelive_agent.server.settings import Settings
from voicelive_agent.wire.responses import find_partition_key, is_response_id

SEQUENCE = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]
UNKNOWN = "caresp_" + "0" * 50


class Recorder:
    """Says how many turns it is told of, and what the last of them were."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.stopped = 0
        self.waiting = asyncio.Event()
        self.go_on = asyncio.Event()

    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        self.turns.append(turn)
        if turn.text == "fail":
            raise RuntimeError("postgres://secret")
        if turn.text == "show":
            yield ClientEvent("ui.card")
            yield EndCall("over")
        yield f"{turn.text or turn.kind} "
        if turn.text in ("wait", "stall"):
            self.waiting.set()
            try:
                await self.go_on.wait()
            except asyncio.CancelledError:
                self.stopped += 1
                raise
        yield "after " + "|".join(f"{past.text}>{past.reply}" for past in turn.history)


@asynccontextmanager
async def serve_responses(
    agent: Any, **settings: Any
) -> AsyncIterator[tuple[AsyncOpenAI, httpx.AsyncClient]]:
    async with serve_agent(agent, wires="responses", **settings) as client:
        sdk = AsyncOpenAI(base_url=str(client.base_url), api_key="none", max_retries=0)
        async with sdk:
            yield sdk, client


def read_stream(body: str) -> list[dict[str, Any]]:
    """The events; asserts the framing, the numbers, and that nothing follows the end."""
    frames = body.split("\n\n")
    assert frames.pop() == ""
    events = []
    for frame in frames:
        name, data = frame.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        events.append(event)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


async def test_the_sdk_streams_an_answer_in_the_documented_order() -> None:
    async with serve_responses(Recorder()) as (sdk, _):
        stream = await sdk.responses.create(model="m", input="hello", stream=True)
        events = [event async for event in stream]
    assert [event.type for event in events] == SEQUENCE
    assert [event.sequence_number for event in events] == list(range(len(SEQUENCE)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == "".join(deltas) == "hello after "
    assert last.response.status == "completed"
    (item,) = last.response.output
    assert is_response_id(last.response.id)
    assert item.id is not None
    assert find_partition_key(item.id) == find_partition_key(last.response.id)


async def test_history_goes_by_previous_response_and_by_conversation() -> None:
    async with serve_responses(Recorder()) as (sdk, _):
        one = await sdk.responses.create(model="m", input="one")
        two = await sdk.responses.create(model="m", input="two", previous_response_id=one.id)
        assert two.output_text == "two after one>one after "
        assert find_partition_key(two.id) == find_partition_key(one.id)
        other = await sdk.responses.create(model="m", input="other")
        assert other.output_text == "other after "
        for expected in ("a after ", "a after a>a after "):
            said = await sdk.responses.create(model="m", input="a", conversation="conv_1")
            assert said.output_text == expected
            assert said.conversation is not None
            assert said.conversation.id == "conv_1"


async def test_going_on_from_an_earlier_response_leaves_the_later_ones_out() -> None:
    async with serve_responses(Recorder()) as (sdk, _):
        ids = [""]
        for text in ("one", "two", "three"):
            previous = ids[-1] or None
            said = await sdk.responses.create(model="m", input=text, previous_response_id=previous)
            ids.append(said.id)
        agent_says = await sdk.responses.create(
            model="m", input="again", previous_response_id=ids[1]
        )
        assert agent_says.output_text == "again after one>one after "
        on = await sdk.responses.create(model="m", input="on", previous_response_id=agent_says.id)
        assert on.output_text.startswith("on after one>one after |again>")
        third = await sdk.responses.create(model="m", input="4", previous_response_id=ids[3])
        assert "again" not in third.output_text
        assert third.output_text.startswith("4 after one>")


async def test_messages_in_the_input_are_earlier_turns() -> None:
    """A caller who keeps the transcript itself (store: false) sends all of it each time."""
    agent = Recorder()
    async with serve_responses(agent) as (sdk, _):
        said = await sdk.responses.create(
            model="m",
            store=False,
            input=[
                {"role": "system", "content": "be kind"},
                {"role": "user", "content": "one"},
                {"role": "assistant", "content": "eins"},
                {"role": "user", "content": [{"type": "input_text", "text": "two"}]},
            ],
        )
        assert said.output_text == "two after one>eins"
        kept = await sdk.responses.create(
            model="m",
            input=[
                {"role": "assistant", "content": "Welcome"},
                {"role": "user", "content": "hi"},
            ],
        )
        on = await sdk.responses.create(model="m", input="on", previous_response_id=kept.id)
        assert on.output_text == "on after >Welcome|hi>hi after >Welcome"
    assert agent.turns[-1].history[0].kind == "greeting"


@pytest.mark.parametrize("value", [{}, {"input": ""}, {"input": []}, {"input": " "}])
async def test_an_input_without_a_word_is_a_greeting(value: dict[str, Any]) -> None:
    agent = Recorder()
    async with serve_responses(agent) as (_, client):
        response = await client.post("/responses", json=value)
        assert response.json()["status"] == "completed"
    assert agent.turns[0].kind == "greeting"


async def test_what_is_no_message_is_an_action() -> None:
    agent = Recorder()
    item = {"type": "mcp_approval_response", "approve": True, "approval_request_id": "x"}
    async with serve_responses(agent) as (_, client):
        await client.post("/responses", json={"input": [item]})
        picture = {"role": "user", "content": [{"type": "input_image", "image_url": "http://x"}]}
        await client.post("/responses", json={"input": [picture]})
    assert [(turn.kind, turn.action) for turn in agent.turns] == [
        ("action", item),
        ("action", picture),
    ]


async def test_what_the_platform_keeps_with_an_item_is_nobodys_business() -> None:
    """The agent got it with its action."""
    agent = Recorder()
    result = {"type": "function_call_output", "call_id": "c", "output": "4"}
    async with serve_responses(agent) as (_, client):
        body = {"input": [{**result, "_internal_metadata": {"x": 1}}], "_internal_metadata": {}}
        answer = await client.post("/responses", json=body)
        items = await client.get(f"/responses/{answer.json()['id']}/input_items")
    assert agent.turns[0].action == result
    assert "_internal_metadata" not in answer.text + items.text


async def test_another_user_finds_and_continues_nothing() -> None:
    """Microsoft's local store let anybody read and continue (2.3.0)."""
    me, you = {"x-agent-user-id": "me"}, {"x-agent-user-id": "you"}
    async with serve_responses(Recorder()) as (_, client):
        mine = (await client.post("/responses", json={"input": "secret"}, headers=me)).json()
        path = f"/responses/{mine['id']}"
        for method, route in (
            ("GET", path),
            ("DELETE", path),
            ("POST", path + "/cancel"),
            ("GET", path + "/input_items"),
        ):
            assert (await client.request(method, route, headers=you)).status_code == 404
        going_on = {"input": "x", "previous_response_id": mine["id"]}
        assert (await client.post("/responses", json=going_on, headers=you)).status_code == 404
        for user, before in ((me, ""), (you, ""), (me, "a>a after ")):
            body = {"input": "a", "conversation": "conv_1"}
            said = (await client.post("/responses", json=body, headers=user)).json()
            assert said["output"][0]["content"][0]["text"] == f"a after {before}"
        assert (await client.get(path, headers=me)).status_code == 200


async def test_a_response_that_is_not_stored_is_in_nothing() -> None:
    async with serve_responses(Recorder()) as (sdk, client):
        await sdk.responses.create(model="m", input="kept", conversation="conv_1")
        body = {"input": "unkept", "store": False, "conversation": "conv_1"}
        unkept = (await client.post("/responses", json=body)).json()
        # It is told of what was before, and nobody is told of it.
        assert "kept>kept after" in unkept["output"][0]["content"][0]["text"]
        assert (await client.get(f"/responses/{unkept['id']}")).status_code == 404
        after = await sdk.responses.create(model="m", input="x", conversation="conv_1")
        assert "unkept" not in after.output_text


async def test_a_deleted_response_is_gone_from_the_history_too() -> None:
    async with serve_responses(Recorder()) as (sdk, client):
        one = await sdk.responses.create(model="m", input="one", conversation="c")
        await sdk.responses.create(model="m", input="two", conversation="c")
        deleted = await client.delete(f"/responses/{one.id}")
        assert deleted.json() == {"id": one.id, "object": "response", "deleted": True}
        assert (await client.delete(f"/responses/{one.id}")).status_code == 404
        assert (await client.get(f"/responses/{one.id}")).status_code == 404
        three = await sdk.responses.create(model="m", input="three", conversation="c")
        assert three.output_text == "three after two>two after one>one after "
        missing = {"input": "x", "previous_response_id": one.id}
        assert (await client.post("/responses", json=missing)).status_code == 404


async def test_input_items_come_in_pages() -> None:
    items = [{"role": "user", "content": str(number)} for number in range(5)]
    async with serve_responses(Recorder()) as (sdk, _):
        said = await sdk.responses.create(model="m", input=items)  # type: ignore[arg-type]
        page = await sdk.responses.input_items.list(said.id, limit=2, order="asc")
        texts = [item.content[0].text async for item in page]  # type: ignore[union-attr,index]
        assert texts == ["0", "1", "2", "3", "4"]
        newest = await sdk.responses.input_items.list(said.id)
        assert newest.data[0].content[0].text == "4"  # type: ignore[union-attr,index]


async def test_a_failing_agent_says_so_without_its_insides() -> None:
    settings = {"host": "0.0.0.0", "api_key": "k"}
    async with serve_responses(Recorder(), **settings) as (_, client):
        client.headers["api-key"] = "k"
        whole = await client.post("/responses", json={"input": "fail"})
        stream = await client.post("/responses", json={"input": "fail", "stream": True})
        for text in (whole.text, stream.text):
            assert "secret" not in text
        *events, failed = read_stream(stream.text)
        assert (whole.status_code, whole.json()["status"]) == (200, "failed")
        assert failed["type"] == "response.failed"
        assert failed["response"]["error"]["code"] == "server_error"
        # The caller hears a sentence all the same.
        spoken = "".join(event.get("delta", "") for event in events)
        assert spoken
        assert failed["response"]["output"][0]["content"][0]["text"] == spoken
        assert (
            await client.post("/responses", json={}, headers={"api-key": ""})
        ).status_code == 401


async def test_a_dropped_connection_stops_the_agent() -> None:
    for stream in (True, False):
        agent = Recorder()
        async with serve_responses(agent) as (_, client):
            body = {"input": "stall", "stream": stream, "conversation": "c"}
            request = asyncio.create_task(client.post("/responses", json=body))
            await agent.waiting.wait()
            request.cancel()
            async with asyncio.timeout(5):
                while not agent.stopped:
                    await asyncio.sleep(0.001)


async def test_a_new_response_of_a_conversation_supersedes_the_one_that_runs() -> None:
    agent = Recorder()
    async with serve_responses(agent) as (sdk, client):
        body = {"input": "wait", "stream": True, "conversation": "c"}
        first = asyncio.create_task(client.post("/responses", json=body))
        await agent.waiting.wait()
        second = await sdk.responses.create(model="m", input="now", conversation="c")
        assert second.output_text == "now after wait>wait "
        events = read_stream((await first).text)
        assert events[-1]["type"] == "response.incomplete"
        assert events[-1]["response"]["incomplete_details"] == {"reason": "superseded"}


async def test_background_goes_on_without_a_caller_and_can_be_cancelled() -> None:
    agent = Recorder()
    async with serve_responses(agent) as (sdk, client):
        begun = await sdk.responses.create(model="m", input="wait", background=True)
        assert begun.status == "in_progress"
        await agent.waiting.wait()
        assert (await client.delete(f"/responses/{begun.id}")).status_code == 400
        cancelled = await sdk.responses.cancel(begun.id)
        assert (cancelled.status, cancelled.output) == ("cancelled", [])
        assert (await sdk.responses.cancel(begun.id)).status == "cancelled"
        done = await sdk.responses.create(model="m", input="x", background=True)
        while (await sdk.responses.retrieve(done.id)).status == "in_progress":
            await asyncio.sleep(0.001)
        assert (await sdk.responses.retrieve(done.id)).output_text == "x after "
        refused = await client.post(f"/responses/{done.id}/cancel")
        assert refused.json()["error"]["message"] == "Cannot cancel a completed response."
        plain = await sdk.responses.create(model="m", input="x")
        refused = await client.post(f"/responses/{plain.id}/cancel")
        assert refused.json()["error"]["message"] == "Cannot cancel a synchronous response."


async def test_a_background_stream_is_replayed_from_any_event() -> None:
    agent = Recorder()
    async with serve_responses(agent) as (_, client):
        body = {"input": "wait", "stream": True, "background": True}
        async with client.stream("POST", "/responses", json=body) as stream:
            lines = stream.aiter_lines()
            await anext(lines)
            created = json.loads((await anext(lines)).removeprefix("data: "))["response"]
            await agent.waiting.wait()
        # Its first listener has gone; it goes on.
        agent.go_on.set()
        path = f"/responses/{created['id']}?stream=true"
        events = read_stream((await client.get(path)).text)
        assert [event["type"] for event in events] == SEQUENCE
        rest = (await client.get(path + "&starting_after=5")).text
        assert rest.count("event: ") == len(events) - 6
        assert '"sequence_number":6}' in rest
        sync = (await client.post("/responses", json={"input": "x"})).json()
        refused = await client.get(f"/responses/{sync['id']}?stream=true")
        assert refused.json()["error"]["param"] == "stream"
    assert agent.stopped == 0


async def test_an_id_that_runs_is_refused_and_one_that_ended_is_answered_from_its_record() -> None:
    agent = Recorder()
    name = {"x-agent-response-id": "caresp_" + "7" * 50}
    async with serve_responses(agent) as (_, client):
        body = {"input": "wait", "stream": True}
        first = asyncio.create_task(client.post("/responses", json=body, headers=name))
        await agent.waiting.wait()
        again = await client.post("/responses", json=body, headers=name)
        assert (again.status_code, again.json()["error"]["code"]) == (409, "response_id_conflict")
        agent.go_on.set()
        answer = read_stream((await first).text)[-1]["response"]
        assert answer["id"] == name["x-agent-response-id"]
        repeated = read_stream((await client.post("/responses", json=body, headers=name)).text)
        assert repeated[-1]["response"]["output"] == answer["output"]
    assert len(agent.turns) == 1


async def test_sessions_are_named_as_microsofts_host_names_them() -> None:
    async with serve_responses(Recorder()) as (_, client):

        async def name(**body: Any) -> str:
            response = await client.post("/responses", json={"input": "x", **body})
            header = response.headers["x-agent-session-id"]
            assert response.json()["agent_session_id"] == header
            return header

        assert await name(agent_session_id="s1", conversation="c") == "s1"
        # azd's name for it.
        assert await name(session_id="s2") == "s2"
        derived = "9dac62a8bcafb474f021869eba45a44ce820095526d00a1fd983679a01d9768"
        assert await name(conversation={"id": "conv_x"}) == derived
        assert len(await name()) == 63
        assert await name() != await name()
        found = await client.get(f"/responses/{UNKNOWN}")
        assert "x-agent-session-id" not in found.headers
    async with serve_responses(Recorder(), foundry_agent_session_id="env") as (_, client):
        assert (await client.post("/responses", json={})).json()["agent_session_id"] == "env"


async def test_client_events_have_no_place_in_this_protocol() -> None:
    async with serve_responses(Recorder()) as (_, client):
        response = await client.post("/responses", json={"input": "show", "stream": True})
        kinds = {event["type"] for event in read_stream(response.text)}
        assert kinds <= set(SEQUENCE)


async def test_what_a_request_asks_comes_back() -> None:
    asked = {
        "input": "x",
        "model": "gpt",
        "metadata": {"a": "b"},
        "agent_reference": {"type": "agent_reference", "name": "n", "version": "2"},
        "temperature": 0.5,
        "unknown": [1],
    }
    async with serve_responses(Recorder()) as (_, client):
        said = (await client.post("/responses", json=asked)).json()
        assert (await client.get(f"/responses/{said['id']}")).json() == said
    for name in ("model", "metadata", "agent_reference"):
        assert said[name] == asked[name]
    assert said["output"][0]["agent_reference"] == asked["agent_reference"]
    assert said["response_id"] == said["id"]
    assert (said["error"], said["incomplete_details"], said["usage"]) == (None, None, None)


async def test_readiness_and_the_other_wires_stay_as_they_are() -> None:
    async with serve_responses(Recorder()) as (_, client):
        assert (await client.get("/readiness")).status_code == 200
        assert (await client.post("/invocations")).status_code == 404
    async with serve_agent(Recorder()) as plain:
        assert (await plain.post("/responses", json={})).status_code == 404


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.component)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite://{tmp_path}/kept.sqlite3"
    server: RedisServer = request.getfixturevalue("redis_server")
    return f"{server.url}?prefix={tmp_path.name}"


async def test_responses_survive_a_restart(store_url: str) -> None:
    """Ids, text, what was asked, and the branch that each response stands on."""

    @asynccontextmanager
    async def run() -> AsyncIterator[httpx.AsyncClient]:
        settings = Settings(conversations=store_url, wires="responses")
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(serve(create_app(Recorder(), settings)))
            yield await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=10))

    async def say(client: httpx.AsyncClient, text: str, **body: Any) -> dict[str, Any]:
        said = await client.post("/responses", json={"input": text, **body})
        return dict(said.json())

    async with run() as client:
        one = await say(client, "one", metadata={"k": "v"})
        two = await say(client, "two", previous_response_id=one["id"])
        items = (await client.get(f"/responses/{one['id']}/input_items")).json()
    async with run() as client:
        assert (await client.get(f"/responses/{one['id']}")).json() == one
        assert (await client.get(f"/responses/{one['id']}/input_items")).json() == items
        fork = await say(client, "fork", previous_response_id=one["id"])
        assert fork["output"][0]["content"][0]["text"] == "fork after one>one after "
        unkept = await say(client, "u", previous_response_id=two["id"], store=False)
        assert "two>two after" in unkept["output"][0]["content"][0]["text"]
        assert "fork" not in unkept["output"][0]["content"][0]["text"]
        assert (await client.delete(f"/responses/{fork['id']}")).status_code == 200
    async with run() as client:
        assert (await client.get(f"/responses/{fork['id']}")).status_code == 404
        three = await say(client, "3", previous_response_id=two["id"])
        assert "one>one after |two>" in three["output"][0]["content"][0]["text"]


@pytest.mark.slow
async def test_a_running_response_is_finished_at_sigterm(tmp_path: Path) -> None:
    """Microsoft's server cuts it: response.incomplete after 0.6 s (2.3.0)."""
    environment = {
        "VOICELIVE_AGENT": "tests.server.slow_agent:reply",
        "VOICELIVE_WIRES": "responses",
    }
    async with (
        start_server(tmp_path, **environment) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30) as client,
        client.stream("POST", "/responses", json={"input": "1", "stream": True}) as stream,
    ):
        lines = stream.aiter_lines()
        async for line in lines:
            if "Started." in line:
                break
        server.signal(signal.SIGTERM)
        rest = [line async for line in lines]
        assert "event: response.completed" in rest
        assert any("Started. Finished." in line for line in rest)
        assert await server.wait() == 0
