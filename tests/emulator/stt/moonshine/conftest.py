"""Moonshine's model for tests, fetched once into the user's store, as ``make run`` does."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from voicelive_agent.emulator.models.catalogue import MOONSHINE, find_entry
from voicelive_agent.emulator.models.store import ModelStore, find_directory
from voicelive_agent.emulator.stt.moonshine.engine import Moonshine


@pytest.fixture(scope="session")
def moonshine_folder() -> Path:
    model = find_entry(MOONSHINE)
    assert model is not None
    return ModelStore(find_directory()).fetch(model)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def moonshine(moonshine_folder: Path) -> AsyncIterator[Moonshine]:
    stt = Moonshine(str(moonshine_folder))
    await stt.start()
    yield stt
    await asyncio.shield(stt.stop())
