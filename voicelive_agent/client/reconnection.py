"""Keeps a conversation connected: opens a lost connection again, renews a session that ends.

A connection that is lost is opened again after growing pauses, and the conversation goes on: an
agent's by its id, a model's by telling it what was said. The service ends each session after a
while; that is announced, and in the next pause another one takes its place.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable

from voicelive_agent.client.connection import (
    ConnectError,
    Connection,
    Lost,
    open_connection,
    warn_of_plain_text,
)
from voicelive_agent.client.core.conversation import Conversation
from voicelive_agent.client.core.protocol import Event, without_secrets
from voicelive_agent.client.core.screen import Notice, ProtocolEvent, Screen, Status
from voicelive_agent.client.core.wait_for_quiet import Quiet
from voicelive_agent.client.settings import Settings
from voicelive_agent.client.troubles import NORMAL_CLOSURE, ConversationError, explain_close

READY_TIMEOUT_S = 20.0
ATTEMPTS_MAX = 8
BACKOFF_S = 0.5
BACKOFF_MAX_S = 20.0
STEADY_S = 10.0
"""A connection that lasted so long was a good one: attempts are counted anew."""
RENEW_LEAD_S = 120.0
RENEW_FORCED_S = 5.0


class Reconnection:
    """``connection`` is the one that is open now, if any."""

    def __init__(
        self,
        settings: Settings,
        endpoint: str,
        screen: Screen,
        conversation: Conversation,
        quiet: Quiet,
        *,
        jitter: Callable[[], float] = random.random,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """``jitter`` gives numbers from 0 to 1, ``wall_clock`` Unix time."""
        self.connection: Connection | None = None
        self.was_ready = False
        """Whether there ever was a session."""
        self.reconnects = 0
        """Connections that were lost and opened again."""
        self._settings = settings
        self._endpoint = endpoint
        self._screen = screen
        self._conversation = conversation
        self._quiet = quiet
        self._jitter = jitter
        self._wall_clock = wall_clock
        self._had_session = False
        self._failures = 0

    async def run(self) -> None:
        """Until the conversation is over. Raises ConversationError where it can't go on."""
        if warning := warn_of_plain_text(self._settings, self._endpoint):
            self._screen.show(Notice(warning))
        while not self._conversation.over.is_set():
            opened_s = asyncio.get_running_loop().time()
            self._screen.show(Status("reconnecting" if self._failures else "connecting"))
            try:
                await self._hold_connection()
            except ConnectError as error:
                trouble = error.trouble
                is_worth_another = self.was_ready or trouble.retry_after_s is not None
                if not (trouble.may_pass and is_worth_another):
                    raise ConversationError(trouble.text) from None
                reason, retry_after_s = trouble.text, trouble.retry_after_s
            except Lost as lost:
                if self._is_end(lost):
                    self._screen.show(Notice("The service ended the conversation."))
                    self._conversation.over.set()
                    return
                reason, retry_after_s = self._explain(lost), None
            else:
                self._failures = 0
                continue
            if asyncio.get_running_loop().time() - opened_s > STEADY_S:
                self._failures = 0
            await self._pause(reason, retry_after_s or 0.0)

    async def _hold_connection(self) -> None:
        """One connection, to the end of its session. Raises ConnectError and Lost."""
        try:
            async with open_connection(
                self._settings,
                self._endpoint,
                conversation_id=self._conversation.agreement.thread_id,
                on_sent=self._show_sent,
            ) as self.connection:
                await self._serve(self.connection)
        finally:
            self._had_session = self._conversation.ready.is_set()
            self.was_ready |= self._had_session
            self.connection = None
            self._conversation.disconnect()

    async def _serve(self, connection: Connection) -> None:
        """Until the session should be renewed. Raises Lost and ConversationError."""
        self._conversation.connect(connection)
        parts = [
            asyncio.create_task(self._receive(connection), name="receiver"),
            asyncio.create_task(self._watch_session(), name="session watch"),
        ]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in parts:
                if part.done():
                    part.result()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def _receive(self, connection: Connection) -> None:
        while True:
            self._conversation.handle(await connection.receive())

    async def _watch_session(self) -> None:
        """Wait until the session should be renewed. Raises ConversationError if none begins."""
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                await self._conversation.ready.wait()
        except TimeoutError:
            raise ConversationError(
                "The service took the connection, but begins no session: check --endpoint, and "
                "try again."
            ) from None
        self._screen.show(Status(self._conversation.idle_status))
        if self.was_ready and self._failures:
            self.reconnects += 1
        expires_at_s = self._conversation.agreement.expires_at_s
        if expires_at_s is None:
            await asyncio.Event().wait()
            return
        left_s = expires_at_s - self._wall_clock()
        await asyncio.sleep(max(0.0, left_s - min(RENEW_LEAD_S, left_s / 2)))
        left_s = expires_at_s - self._wall_clock()
        self._screen.show(
            Notice(
                f"The service ends this session in {_duration(left_s)}; the client reconnects in "
                "the next pause."
            )
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, left_s - RENEW_FORCED_S)):
                await self._quiet.wait()
        self._screen.show(Status("renewing the session"))

    async def _pause(self, reason: str, least_s: float) -> None:
        """Before another attempt. Raises ConversationError after too many."""
        self._failures += 1
        if self._failures >= ATTEMPTS_MAX:
            raise ConversationError(
                f"{reason} {self._failures} attempts failed; start again later."
            )
        # Jitter: many clients of a service that restarts must not come back together.
        growing_s = min(BACKOFF_MAX_S, BACKOFF_S * 2 ** (self._failures - 1))
        pause_s = max(growing_s * (0.5 + self._jitter()), least_s)
        self._screen.show(Notice(f"{reason} Reconnecting in {pause_s:.1f} s."))
        self._screen.show(Status(f"reconnecting in {pause_s:.1f} s"))
        await asyncio.sleep(pause_s)

    def _is_end(self, lost: Lost) -> bool:
        """Whether the service ended the conversation as one ends a call."""
        if lost.code != NORMAL_CLOSURE or not self._had_session:
            return False
        expires_at_s = self._conversation.agreement.expires_at_s
        return expires_at_s is None or self._wall_clock() <= expires_at_s - RENEW_FORCED_S

    def _explain(self, lost: Lost) -> str:
        """Raises ConversationError where another connection would not help."""
        if lost.unreadable:
            raise ConversationError(
                "What the service sends can't be read: check --endpoint; a proxy may stand between."
            )
        if lost.code is None:
            return "The connection was lost."
        trouble = explain_close(lost.code, self._endpoint)
        if not trouble.may_pass:
            raise ConversationError(trouble.text)
        return trouble.text

    def _show_sent(self, event: Event) -> None:
        self._screen.show(ProtocolEvent("sent", without_secrets(event)))


def _duration(seconds: float) -> str:
    return f"{round(seconds / 60)} min" if seconds >= 90 else f"{max(0, round(seconds))} s"
