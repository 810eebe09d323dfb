"""What the agent takes for heard after an interruption, beside what the session says was played."""

import pytest

from benchmarks.heard import measure

pytestmark = [
    *(pytest.mark.slow, pytest.mark.component, pytest.mark.nightly),
    pytest.mark.timeout(300),
]


async def test_the_agent_knows_about_what_was_heard() -> None:
    """At each pace of the agent; a busy machine hears late, so only the middle one is judged."""
    found = await measure(times=6, callers=2)
    assert {one.reason for one in found} >= {"completed", "disconnected"}
    assert all(one.played_words > 0 for one in found)
    streaming = sorted(abs(one.error_words) for one in found if one.reason == "disconnected")
    assert streaming[len(streaming) // 2] <= 6, found
    errors = sorted(abs(one.error_words) for one in found)
    assert errors[len(errors) // 2] <= 10, found
