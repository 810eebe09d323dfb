"""Comments while a stream is idle."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from voicelive_agent.contract.ending import SCRIPTED
from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.plugin import serve_own
from voicelive_agent.contract.requests import Wire
from voicelive_agent.contract.stream import judge_stream
from voicelive_agent.contract.target import Target


@pytest.fixture(scope="module")
def idle_target(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """An agent that is idle for longer than its keep-alive interval."""
    if not target.scripted:
        yield target
        return
    with serve_own(SCRIPTED, tmp_path_factory.mktemp("idle"), sse_keepalive_interval=1) as url:
        yield replace(target, url=url, keepalive_seconds=1.0, slow_text="think 1.5")


async def test_idle_stream_carries_comments(idle_target: Target, judge: Judge) -> None:
    interval = idle_target.keepalive_seconds
    if interval is None:
        pytest.skip("not judged: give --agent-keepalive-seconds, its SSE_KEEPALIVE_INTERVAL")
    async with Wire(idle_target) as wire:
        reply = await wire.say(idle_target.slow_text)
    judge_stream(judge, reply)
    times = [0.0, *(seconds for seconds, _ in reply.arrived)]
    longest = max(later - earlier for earlier, later in itertools.pairwise(times))
    if reply.comments == 0 and longest < interval:
        pytest.skip(
            "not judged: it was never idle for so long; "
            "give an --agent-slow-text whose answer takes it a while"
        )
    judge(
        reply.comments > 0 and longest < 1.5 * interval + 1,
        "KEEP-1",
        f"a comment after {interval} s of silence",
        f"{reply.comments} comments, silent for up to {longest:.1f} s",
        reply,
    )
