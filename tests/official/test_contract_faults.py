"""Each check of the contract tests fails for the fault that it is there for, by its clause."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import pytest

from voicelive_agent.contract.clauses.catalogue import CLAUSES
from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.requests import Wire
from voicelive_agent.contract.servers import ServerProcess
from voicelive_agent.contract.stream import judge_stream
from voicelive_agent.contract.target import Target
from voicelive_agent.contract.tests import (
    test_ids,
    test_inputs,
    test_invocations,
    test_readiness,
    test_turns,
)

Check = Callable[[Wire, Judge], Awaitable[None]]


async def speak(wire: Wire, judge: Judge) -> None:
    judge_stream(judge, await wire.say("hello  there"))


async def greet(wire: Wire, judge: Judge) -> None:
    await test_inputs.test_greeting(wire, judge, "empty-object")


async def greet_with_null(wire: Wire, judge: Judge) -> None:
    await test_inputs.test_greeting(wire, judge, "null-input")


async def act(wire: Wire, judge: Judge) -> None:
    await test_inputs.test_action(wire, judge, "click")


async def say_umlauts(wire: Wire, judge: Judge) -> None:
    await test_inputs.test_speech_in_any_script_and_length(wire, judge, "umlauts")


async def look_up_unknown(wire: Wire, judge: Judge) -> None:
    await test_invocations.test_unknown_invocation(wire, judge, "")


async def keep_session(wire: Wire, judge: Judge) -> None:
    await test_ids.test_valid_session_id_is_kept(wire, judge, "session-1")


async def replace_session(wire: Wire, judge: Judge) -> None:
    await test_ids.test_invalid_session_id_is_replaced(wire, judge, "space")


async def keep_invocation(wire: Wire, judge: Judge) -> None:
    await test_ids.test_valid_invocation_id_is_kept(wire, judge, "invocation-1")


async def replace_invocation(wire: Wire, judge: Judge) -> None:
    await test_ids.test_invalid_invocation_id_is_replaced(wire, judge, "too-long")


async def look_up_named(wire: Wire, judge: Judge) -> None:
    await test_ids.test_get_and_cancel_name_the_invocation(wire, judge, "GET")


async def trace(wire: Wire, judge: Judge) -> None:
    await test_ids.test_trace_id_is_the_request_id(wire, judge, with_request_id=True)


class Fault(NamedTuple):
    """A fault, the check that finds it, and the clause that the check names."""

    name: str
    check: Check
    clause_id: str


FAULTS = [
    Fault("answer-plain-text", speak, "SSE-1"),
    Fault("write-latin-1", speak, "SSE-2"),
    Fault("write-lines", speak, "SSE-3"),
    Fault("write-carriage-returns", speak, "SSE-3"),
    Fault("spread-over-lines", speak, "SSE-3"),
    Fault("name-events", speak, "SSE-4"),
    Fault("write-python", speak, "SSE-5"),
    Fault("write-arrays", speak, "SSE-5"),
    Fault("forget-speech-done", speak, "SSE-6"),
    Fault("repeat-speech-done", speak, "SSE-6"),
    Fault("forget-done", speak, "SSE-7"),
    Fault("repeat-done", speak, "SSE-7"),
    Fault("be-done-first", speak, "SSE-7"),
    Fault("speak-after-speech-done", speak, "SSE-8"),
    Fault("say-other-text", speak, "SSE-9"),
    Fault("count-instead-of-text", speak, "SSE-10"),
    Fault("leave", speak, "SSE-12"),
    Fault("fail-on-umlauts", say_umlauts, "IN-1"),
    Fault("fail-on-greeting", greet, "IN-2"),
    Fault("fail-on-greeting", greet_with_null, "IN-2"),
    Fault("fail-on-action", act, "IN-4"),
    Fault("share-history", test_turns.test_sessions_are_apart, "TURN-5"),
    Fault("share-history", test_turns.test_users_of_a_session_are_apart, "TURN-6"),
    Fault("share-history-of-users", test_turns.test_users_of_a_session_are_apart, "TURN-6"),
    Fault("fail-when-it-was-left", test_turns.test_caller_goes_in_mid_stream, "TURN-1"),
    Fault("refuse-a-second-turn", test_turns.test_two_turns_of_a_session_at_once, "TURN-2"),
    Fault("lose-session-id", test_turns.test_many_at_once, "TURN-4"),
    Fault("unknown-is-completed", look_up_unknown, "INV-1"),
    Fault("state-of-its-own", test_invocations.test_known_invocation_has_a_known_state, "INV-2"),
    Fault("error-as-text", look_up_unknown, "ERR-1"),
    Fault("error-without-source", look_up_unknown, "ERR-2"),
    Fault("lose-invocation-id", keep_invocation, "ID-1"),
    Fault("lose-invocation-id", replace_invocation, "ID-2"),
    Fault("lose-session-id", keep_session, "ID-3"),
    Fault("lose-session-id", replace_session, "ID-4"),
    Fault("lose-invocation-id", look_up_named, "ID-7"),
    Fault("lose-request-id", test_ids.test_every_response_says_who_answered, "REQ-1"),
    Fault("lose-request-id", trace, "REQ-2"),
    Fault("lose-request-id", test_ids.test_request_id_comes_back, "REQ-3"),
    Fault("lose-server", test_ids.test_every_response_says_who_answered, "SERVER-1"),
    Fault("plain-readiness", test_readiness.test_readiness_says_healthy, "READY-1"),
]


@pytest.fixture
def target(broken_agent: ServerProcess) -> Iterator[Target]:
    yield Target(url=broken_agent.url, slow_text="think", concurrency=4)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.name}-{fault.clause_id}")
async def test_fault_is_called_by_its_clause(target: Target, fault: Fault) -> None:
    judge = Judge(strict=False)
    async with Wire(target) as healthy:
        await fault.check(healthy, judge)
    assert ("kept", fault.clause_id) in judge.findings
    assert {verdict for verdict, _ in judge.findings} == {"kept"}

    judge = Judge(strict=False)
    async with Wire(replace(target, query={"fault": fault.name})) as broken:
        with pytest.raises(pytest.fail.Exception):
            await fault.check(broken, judge)
    assert {name for verdict, name in judge.findings if verdict == "broken"} == {fault.clause_id}


async def test_failure_tells_what_was_wanted_and_seen(target: Target) -> None:
    secretive = replace(target, query={"fault": "repeat-done"}, headers={"x-key": "hush"})
    async with Wire(secretive) as wire:
        with pytest.raises(pytest.fail.Exception) as failure:
            await speak(wire, Judge(strict=False))
    message = str(failure.value)
    for part in (
        f"SSE-7 is broken: {CLAUSES['SSE-7'].title}",
        "source: Microsoft Learn",
        'wanted: one {"type":"done"}, at the end',
        "seen: POST /invocations, body of",
        "HTTP 200 content-type: text/event-stream",
        'first: b\'data: {"type"',
        "output_audio_transcription.done, done x2",
    ):
        assert part in message
    assert "hush" not in message
    assert "fault" not in message


async def test_same_breach_is_told_in_full_only_once(target: Target) -> None:
    judge = Judge(strict=False)
    messages = []
    async with Wire(replace(target, query={"fault": "repeat-done"})) as wire:
        for _ in range(2):
            with pytest.raises(pytest.fail.Exception) as failure:
                await speak(wire, judge)
            messages.append(str(failure.value))
    first, second = messages
    assert second.startswith("SSE-7 is broken:")
    assert len(second) < len(first) * 2 / 3
