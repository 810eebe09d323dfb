"""An agent that waits without ``await``: nothing else on the event loop goes on meanwhile."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

from voicelive_agent.agent import Output, Turn


async def reply(turn: Turn) -> AsyncIterator[Output]:
    while not Path(os.environ["HOME"], "goes-on").exists():
        time.sleep(0.1)
    yield "Done."
