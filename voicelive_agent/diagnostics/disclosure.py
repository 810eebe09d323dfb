"""Disclosure: whether what happens now concerns this machine alone, where errors may be told whole.

A server may listen for others although nobody told it so (``uvicorn --host 0.0.0.0``): then each
request decides. What runs outside of requests is this machine's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_elsewhere: ContextVar[bool] = ContextVar("request from elsewhere", default=False)


def is_local() -> bool:
    """Whether no request of another machine is being answered here."""
    return not _elsewhere.get()


@contextmanager
def from_elsewhere() -> Iterator[None]:
    """While a request of another machine is answered, in the tasks that it starts as well."""
    token = _elsewhere.set(True)
    try:
        yield
    finally:
        _elsewhere.reset(token)
