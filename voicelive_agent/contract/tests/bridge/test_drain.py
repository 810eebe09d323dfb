"""SIGTERM while calls are open over the Bridge."""

from pathlib import Path

from voicelive_agent.contract.bridge_calls import ENDS, Caller
from voicelive_agent.contract.ending import (
    EXIT_SECONDS,
    is_gone,
    open_ending,
    require_pid,
    terminate,
)
from voicelive_agent.wire.bridge import messages as bridge

GOING_AWAY = 1001


async def test_process_that_is_told_to_end(caller: Caller, tmp_path: Path) -> None:
    judge = caller.judge
    with open_ending(caller.target, tmp_path, VOICELIVE_WIRES="bridge") as target:
        pid = require_pid(target)
        judge.require("BR-30")
        ending = Caller(target, judge)
        async with ending.call() as idle, ending.call() as call:
            item_id = await call.say(target.slow_text)
            messages = await call.until(bridge.ResponseCreated, *ENDS)
            terminate(pid)
            if not (messages and isinstance(messages[-1], ENDS)):
                messages += await call.until(*ENDS)
            whole = bool(messages) and isinstance(
                messages[-1], bridge.ResponseDone | bridge.ResponseNone
            )
            judge(whole, "BR-30", "the whole answer, and response.done", call)
            ending.judge_answer(call, item_id, messages)
            codes = [await each.closed() for each in (call, idle)]
            # Which of the two comes first, the code or the end, is the agent's.
            gone = await is_gone(pid)
            judge(gone, "BR-32", f"an end within {EXIT_SECONDS:.0f} s", f"process {pid} runs")
            judge(codes == [GOING_AWAY] * 2, "BR-31", "1001 for each call", codes, call, idle)
