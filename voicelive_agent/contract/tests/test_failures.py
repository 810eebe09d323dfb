"""An agent that fails is answered for."""

import pytest

from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.requests import Wire
from voicelive_agent.contract.stream import judge_stream
from voicelive_agent.contract.target import new_session
from voicelive_agent.wire.invocations import DELTA, SPEECH_DONE

SECRET = "swordfish-endpoint-key"

pytestmark = pytest.mark.usefixtures("scripted")


@pytest.mark.parametrize("text", [f"raise {SECRET}", f"raise-later {SECRET}", "nothing", "number"])
async def test_caller_hears_an_apology(wire: Wire, judge: Judge, text: str) -> None:
    session = new_session()
    reply = judge_stream(judge, await wire.say(text, session=session))
    errors = [event.get("error") for event in reply.client_events if event["type"] == "agent.error"]
    judge(
        len(errors) == 1
        and isinstance(errors[0], dict)
        and all(isinstance(errors[0].get(name), str) for name in ("code", "message")),
        "FAIL-1",
        'one {"type":"agent.error","error":{"code","message"}}',
        reply,
    )
    judge(
        bool(reply.spoken.removeprefix("This is going ").strip()),
        "FAIL-1",
        "a spoken apology",
        reply,
    )
    judge(
        reply.types.index(SPEECH_DONE) > reply.types.index(DELTA), "FAIL-1", "speech, done", reply
    )
    judge(
        SECRET.encode() not in reply.body and b"Error" not in reply.body,
        "FAIL-2",
        "nothing of the exception",
        reply,
    )
    after = judge_stream(judge, await wire.say("and then", session=session))
    judge("and then" in after.spoken, "FAIL-1", "a next turn that is answered", after)
