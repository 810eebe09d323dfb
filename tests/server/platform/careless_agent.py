"""An agent whose tasks, threads and objects fail with what was said, where nobody catches it."""

import asyncio
import threading
from collections.abc import AsyncIterator

from voicelive_agent.agent import Output, Turn


def fail(words: str) -> None:
    raise RuntimeError(words)


class Careless:
    def __init__(self, words: str) -> None:
        self._words = words

    def __del__(self) -> None:
        fail(self._words)


async def reply(turn: Turn) -> AsyncIterator[Output]:
    task = asyncio.create_task(asyncio.to_thread(fail, turn.text))
    await asyncio.wait([task])
    del task
    asyncio.get_running_loop().call_soon(fail, turn.text)
    thread = threading.Thread(target=fail, args=(turn.text,))
    thread.start()
    await asyncio.to_thread(thread.join)
    Careless(turn.text)
    yield "Done."
