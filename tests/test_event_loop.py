"""Which event loop serves."""

import asyncio
import sys

import pytest

from voicelive_agent.event_loop import FACTORY, new_event_loop


def test_uvloop_serves_where_it_is_installed() -> None:
    uvloop = pytest.importorskip("uvloop")
    loop = new_event_loop()
    assert isinstance(loop, uvloop.Loop)
    loop.close()


def test_asyncio_serves_where_uvloop_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    monkeypatch.delitem(sys.modules, "voicelive_agent.accepting", raising=False)
    loop = new_event_loop()
    assert isinstance(loop, asyncio.BaseEventLoop)
    loop.close()


def test_uvicorn_finds_it_by_name() -> None:
    import uvicorn

    factory = uvicorn.Config("app", loop=FACTORY).get_loop_factory()
    assert factory is new_event_loop
