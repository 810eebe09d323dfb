"""What holds for all tests."""

import asyncio
import os
import sys
from typing import Any

import uvicorn.server
from hypothesis import HealthCheck, settings

# How fast a machine draws examples says nothing about the code, and two tests share each core.
settings.register_profile(
    "any-machine", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("night", settings.get_profile("any-machine"), max_examples=1000)
settings.load_profile("any-machine")

POLL_S = 0.005


class _ShortSleeps:
    """``asyncio`` as uvicorn has it: what it looks at ten times a second, it looks at often.

    Each server that ran in a test's own process took a third of a second to end.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, POLL_S))


vars(uvicorn.server)["asyncio"] = _ShortSleeps()


def pytest_collection_finish() -> None:
    """From here on no bytecode is written: tests change modules within the second that counts.

    Of the second version the bytecode of the first would be taken. That of the tests is there.
    """
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
