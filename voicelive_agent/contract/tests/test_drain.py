"""SIGTERM, by which the platform ends a container."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from voicelive_agent.contract.ending import (
    EXIT_SECONDS,
    OWN,
    SERVE,
    is_gone,
    open_ending,
    require_pid,
    terminate,
    wait_until_drained,
)
from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.requests import Wire, speech
from voicelive_agent.contract.servers import ServerProcess, start_process
from voicelive_agent.contract.stream import judge_stream
from voicelive_agent.contract.target import Target

SECRET = "marmalade"


@pytest.fixture
def patient_server(tmp_path: Path) -> Iterator[ServerProcess]:
    with start_process(SERVE, tmp_path, OWN) as server:
        yield server


@pytest.fixture
def ending_target(target: Target, tmp_path: Path) -> Iterator[Target]:
    """An agent whose process may be ended."""
    with open_ending(target, tmp_path) as ending:
        yield ending


@pytest.fixture
def hasty_server(tmp_path: Path) -> Iterator[ServerProcess]:
    with start_process(
        SERVE,
        tmp_path,
        {**OWN, "VOICELIVE_SHUTDOWN_GRACE_SECONDS": "0"},
    ) as server:
        yield server


async def _judge_no_new_turn(wire: Wire, judge: Judge) -> None:
    """While the old stream goes on, nobody is told that all is well."""
    __tracebackhide__ = True
    for method, path, body in (
        ("GET", "/readiness", None),
        ("POST", "/invocations", speech("too late")),
    ):
        try:
            reply = await wire.send(method, path, body=body)
        except httpx.TransportError:
            continue
        judge(reply.status == 503, "DRAIN-2", "no connection, or HTTP 503", reply)
    judge(True, "DRAIN-2", "", "")


async def test_process_that_is_told_to_end(ending_target: Target, judge: Judge) -> None:
    pid = require_pid(ending_target)
    judge.require("DRAIN-1")
    async with Wire(ending_target) as wire, wire.turn(ending_target.slow_text) as opened:
        await opened.until()
        terminate(pid)
        await wait_until_drained(ending_target.url)
        await _judge_no_new_turn(wire, judge)
        reply = await opened.rest()
    judge(not reply.cut and reply.types[-1:] == ["done"], "DRAIN-1", "a stream to its end", reply)
    judge_stream(judge, reply)
    gone = await is_gone(pid)
    judge(gone, "DRAIN-3", f"an end within {EXIT_SECONDS:.0f} s", f"process {pid} runs")


@pytest.mark.usefixtures("scripted")
async def test_running_turn_may_finish(
    patient_server: ServerProcess, target: Target, judge: Judge
) -> None:
    async with (
        Wire(Target(url=patient_server.url, strict=True)) as wire,
        wire.turn(f"hold {SECRET}") as held,
        wire.turn("think 0.5") as thinking,
    ):
        await held.until()
        await thinking.until()
        patient_server.terminate()
        await wait_until_drained(patient_server.url)
        await _judge_no_new_turn(wire, judge)
        finished = await thinking.rest()
        patient_server.terminate()
        cut_short = await held.rest()
    judge_stream(judge, finished)
    judge("I have thought." in finished.spoken, "DRAIN-1", "the whole answer", finished)
    judge(not cut_short.cut, "DRAIN-1", "a proper end after a second signal too", cut_short)
    judge_stream(judge, cut_short)
    _judge_exit(patient_server, judge)
    judge(
        SECRET not in patient_server.read_log(),
        "LOG-1",
        "a log without what was said",
        "what was said, in the log",
    )


@pytest.mark.usefixtures("scripted")
async def test_turn_that_outlasts_the_grace_period(
    hasty_server: ServerProcess, target: Target, judge: Judge
) -> None:
    async with (
        Wire(Target(url=hasty_server.url, strict=True)) as wire,
        wire.turn("hold on") as held,
    ):
        await held.until()
        hasty_server.terminate()
        reply = judge_stream(judge, await held.rest())
    judge(
        len(reply.spoken) > len("I hold. "), "DRAIN-5", "a sentence that says that it ends", reply
    )
    _judge_exit(hasty_server, judge)


def _judge_exit(server: ServerProcess, judge: Judge) -> None:
    __tracebackhide__ = True
    try:
        status = server.wait(EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        judge(False, "DRAIN-3", f"an end within {EXIT_SECONDS:.0f} s", server.read_log()[-2000:])
        return
    judge(True, "DRAIN-3", "", "")
    judge(status == 0, "DRAIN-4", "exit status 0", f"{status}\n{server.read_log()[-2000:]}")
