"""SIGTERM while a response is being streamed."""

import asyncio
from pathlib import Path

import httpx

from voicelive_agent.contract.ending import (
    EXIT_SECONDS,
    is_gone,
    open_ending,
    require_pid,
    terminate,
    wait_until_drained,
)
from voicelive_agent.contract.responses_turns import ENDS, Asker


async def _judge_no_new_turn(asker: Asker) -> None:
    """While the old stream goes on."""
    await wait_until_drained(asker.target.url)
    try:
        answer = await asker.send("POST", "", {"input": "too late"})
    except httpx.TransportError:
        asker.judge(True, "RS-26", "")
    else:
        asker.judge(answer.status == 503, "RS-26", "no connection, or HTTP 503", answer)


async def test_process_that_is_told_to_end(asker: Asker, tmp_path: Path) -> None:
    judge = asker.judge
    with open_ending(asker.target, tmp_path, VOICELIVE_WIRES="responses") as target:
        pid = require_pid(target)
        judge.require("RS-25")
        async with Asker(target, judge) as ending:
            body = {"input": target.slow_text, "stream": True}
            answer, refusing = await ending.send_stream(body, lambda: _end(pid, ending))
            await refusing
        judge(answer.types[-1] in ENDS, "RS-25", "an end of the stream", answer)
        gone = await is_gone(pid)
        judge(gone, "RS-27", f"an end within {EXIT_SECONDS:.0f} s", f"process {pid} runs")
        judge(answer.types[-1] == "response.completed", "RS-28", "response.completed", answer)


def _end(pid: int, asker: Asker) -> "asyncio.Task[None]":
    terminate(pid)
    return asyncio.create_task(_judge_no_new_turn(asker))
