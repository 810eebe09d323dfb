"""What holds for all tests."""

import asyncio
import gc
import os
import ssl
import sys
from functools import cache
from types import ModuleType
from typing import Any

import httpx._transports.default
import httpx2._transports.default
import uvicorn.server
from hypothesis import HealthCheck, settings

# How fast a machine draws examples says nothing about the code, and two tests share each core.
# The same examples each time: a change is told of its own faults. The night looks for others.
settings.register_profile(
    "any-machine",
    max_examples=30,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "night", settings.get_profile("any-machine"), max_examples=1000, derandomize=False
)
settings.load_profile("any-machine")

POLL_S = 0.005

# All that is collected stays: looking for garbage in it took a fifth of the time of collecting.
gc.disable()


class _ShortSleeps:
    """``asyncio`` as uvicorn has it: what it looks at ten times a second, it looks at often.

    Each server that ran in a test's own process took a third of a second to end.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, POLL_S))


vars(uvicorn.server)["asyncio"] = _ShortSleeps()


def _read_authorities_once(transport: ModuleType) -> None:
    """A client that is given no context of its own shares one: each read 150 certificates anew."""
    make = vars(transport)["create_ssl_context"]

    @cache
    def make_default(trust_env: bool, *files: str | None) -> ssl.SSLContext:
        made: ssl.SSLContext = make(trust_env=trust_env)
        return made

    def create(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        if verify is not True or cert is not None:
            given: ssl.SSLContext = make(verify, cert, trust_env)
            return given
        named = (os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
        return make_default(trust_env, *named)

    vars(transport)["create_ssl_context"] = create


for transport in (httpx._transports.default, httpx2._transports.default):
    _read_authorities_once(transport)


def pytest_collection_finish() -> None:
    """From here on there is garbage, and none of it is of what was collected.

    No bytecode is written: tests change modules within the second that counts. Of the second
    version the bytecode of the first would be taken. That of the tests is there.
    """
    gc.freeze()
    gc.enable()
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
