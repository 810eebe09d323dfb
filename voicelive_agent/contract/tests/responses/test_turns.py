"""Turns of the Responses protocol: what is answered, streaming and not, and what is remembered."""

import asyncio
import uuid
from typing import Any

import pytest

from voicelive_agent.contract.responses_turns import Asker


def conversation() -> dict[str, str]:
    return {"id": f"conv_{uuid.uuid4().hex}"}


async def test_a_turn_is_answered_whole(asker: Asker) -> None:
    answer = await asker.ask(asker.target.text, model="any-model", metadata={"desk": "1"})
    whole = answer.response
    echoed = whole.get("model") == "any-model" and whole.get("metadata") == {"desk": "1"}
    asker.judge(echoed, "RS-11", "model and metadata", answer)


async def test_a_turn_is_answered_as_a_stream(asker: Asker) -> None:
    await asker.ask(asker.target.text, stream=True)


async def test_the_answer_says_who_it_is(asker: Asker) -> None:
    asker.judge.require("RS-22")
    answer = await asker.ask(asker.target.text, stream=True)
    for name in ("x-request-id", "x-platform-server", "x-agent-session-id"):
        asker.judge(bool(answer.headers.get(name)), "RS-22", name, str(dict(answer.headers)))


@pytest.mark.parametrize(
    "input",
    [
        [{"role": "user", "content": "what is the weather"}],
        [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}],
        [],
        "",
    ],
    ids=["messages", "parts", "an empty list", "an empty text"],
)
async def test_an_input_of_each_shape(asker: Asker, input: Any) -> None:
    answer = await asker.send("POST", "", {"input": input})
    asker.judge(answer.status == 200, "RS-7", "HTTP 200", answer)


async def test_no_input_at_all(asker: Asker) -> None:
    answer = await asker.send("POST", "", {"stream": True})
    asker.judge(answer.status == 200, "RS-7", "HTTP 200", answer)


async def test_the_next_turn_after_the_caller_has_gone(asker: Asker) -> None:
    thread = conversation()
    body = {"input": asker.target.slow_text, "stream": True, "conversation": thread}
    try:
        async with asyncio.timeout(0.3):
            await asker.send("POST", "", body)
    except TimeoutError:
        pass
    answer = await asker.send("POST", "", {"input": asker.target.text, "conversation": thread})
    asker.judge(answer.response.get("status") == "completed", "RS-19", "completed", answer)


async def test_many_turns_at_once(asker: Asker) -> None:
    answers = await asyncio.gather(
        *(
            asker.ask(f"{asker.target.text} {number}", conversation=conversation())
            for number in range(asker.target.concurrency)
        )
    )
    names = {answer.response.get("id") for answer in answers}
    asker.judge(len(names) == len(answers), "RS-20", "an id for each", f"{len(names)} ids")


async def test_the_turns_before_are_known(asker: Asker) -> None:
    if not asker.target.scripted:
        pytest.skip("not judged: this agent does not do what the tests would tell it")
    first = await asker.ask("pomegranate")
    second = await asker.ask("recall", previous_response_id=first.response["id"])
    asker.judge("pomegranate" in second.text, "RS-23", "the turn before", second.text, second)
    thread = conversation()
    await asker.ask("tangerine", conversation=thread)
    third = await asker.ask("recall", conversation=thread, stream=True)
    asker.judge("tangerine" in third.text, "RS-23", "the turn before", third.text, third)
    fresh = await asker.ask("recall")
    asker.judge("tangerine" not in fresh.text, "RS-23", "no other conversation", fresh.text)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_agent_that_raises(asker: Asker, stream: bool) -> None:
    if not asker.target.scripted:
        pytest.skip("not judged: this agent does not do what the tests would tell it")
    answer = await asker.send("POST", "", {"input": "raise my secret", "stream": stream})
    failed = answer.response.get("status") == "failed" and b"my secret" not in answer.body
    asker.judge(failed, "RS-24", "status failed without the exception's text", answer)


async def test_users_are_apart(asker: Asker) -> None:
    asker.judge.require("RS-21")
    first = await asker.ask("my word is quokka", user="user-a")
    name = first.response["id"]
    for method in ("GET", "DELETE"):
        answer = await asker.send(method, f"/{name}", user="user-b")
        asker.judge(answer.status == 404, "RS-21", "HTTP 404 for another user", answer)
    answer = await asker.send(
        "POST", "", {"input": "recall", "previous_response_id": name}, user="user-b"
    )
    asker.judge(b"quokka" not in answer.body, "RS-21", "nothing of another user", answer)
