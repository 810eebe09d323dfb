"""Waits until the agent has answered and nobody speaks."""

import asyncio
from collections.abc import Callable

from voicelive_agent.client.core.conversation import Conversation
from voicelive_agent.client.sound.devices import Loudspeaker

SETTLE_S = 1.5
"""Quiet for so long, nobody is about to answer any more."""


class Quiet:
    """``patience_s``: after so long without any event nothing is expected any more."""

    def __init__(
        self, conversation: Conversation, loudspeaker: Loudspeaker, patience_s: float
    ) -> None:
        self._conversation = conversation
        self._loudspeaker = loudspeaker
        self._patience_s = patience_s

    async def wait_answer(self, answers: int, *, until: Callable[[], bool] = lambda: False) -> bool:
        """Wait until there are more than ``answers`` answers, and then for quiet.

        ``until`` ends the wait at once. False where nothing happens any more, and there is no
        answer.
        """
        while not self._is_answered(answers):
            if until():
                return True
            happened = await self._wait_event(self._patience_s)
            # Without a connection nobody can answer; who reconnects gives up by itself.
            if not happened and self._conversation.ready.is_set():
                return False
        await self.wait()
        return True

    async def wait(self) -> None:
        """Wait until nobody speaks, nothing is played, and nothing happens for a while."""
        while await self._wait_event(self._patience_s if self._conversation.busy else SETTLE_S):
            pass

    def _is_answered(self, answers: int) -> bool:
        return self._conversation.answers > answers and not self._conversation.busy

    async def _wait_event(self, limit_s: float) -> bool:
        """Whether something happens within ``limit_s``; the end of playback is an event too."""
        self._conversation.stirred.clear()
        if self._loudspeaker.queued_ms:
            await self._loudspeaker.drained()
            # What waits for the end of playback as well comes first.
            await asyncio.sleep(0)
            return True
        try:
            async with asyncio.timeout(limit_s):
                await self._conversation.stirred.wait()
        except TimeoutError:
            return False
        return True
