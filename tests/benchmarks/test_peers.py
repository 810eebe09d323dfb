"""Servers under comparison."""

import os

import pytest

from benchmarks.peers import pin_to_core, read_core_time, start_peer


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system pins nothing")
async def test_a_server_and_its_caller_have_a_core_each() -> None:
    """A caller that pinned itself first left its children that core only: both shared it, and
    every figure was of a machine half as large.
    """
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        pytest.skip("there is one core only")
    try:
        pin_to_core(1)
        async with start_peer("ours", "burst") as peer:
            assert os.sched_getaffinity(peer.process.pid).isdisjoint(os.sched_getaffinity(0))
            assert read_core_time(peer.process.pid).used_s > 0
    finally:
        os.sched_setaffinity(0, cores)
