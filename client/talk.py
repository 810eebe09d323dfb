"""Holds a conversation from the first connection to the last sound.

Devices, keyboard, connection and conversation meet here, each in a task of its own::

    microphone ──▶ pump ──▶ connection ◀──▶ conversation ──▶ loudspeaker, screen
    keyboard ──────────────────────────────────▲

A connection that is lost is opened again, with growing pauses; the conversation goes on.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from client import g711
from client.calls import Calls
from client.commands import Commands
from client.connection import ConnectError, Connection, Lost, open_connection
from client.conversation import Conversation
from client.devices import BLOCK_MS, Loudspeaker, Microphone
from client.levels import Levels
from client.screen import Screen, Summary
from client.settings import Settings
from client.troubles import NORMAL_CLOSURE, ConversationError, explain_close

READY_TIMEOUT_S = 20.0
ATTEMPTS_MAX = 8
BACKOFF_S = 0.5
BACKOFF_MAX_S = 20.0
STEADY_S = 10.0
"""A connection that lasted so long was a good one: attempts are counted anew."""
RENEW_LEAD_S = 120.0
RENEW_FORCED_S = 5.0
SETTLE_S = 1.5
"""Quiet for so long, nobody is about to answer any more."""

NO_ANSWER = 3


class Talk:
    """One conversation; ``run`` it once."""

    def __init__(
        self,
        settings: Settings,
        endpoint: str,
        screen: Screen,
        loudspeaker: Loudspeaker,
        microphone: Microphone | None,
        *,
        calls: Calls | None = None,
        lines: AsyncIterator[str] | None = None,
        lines_wait: bool = False,
        jitter: Callable[[], float] = random.random,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """``lines`` are what the person types; with ``lines_wait`` each waits for the answer to
        the one before, and the conversation ends with the last."""
        self._settings = settings
        self._endpoint = endpoint
        self._screen = screen
        self._loudspeaker = loudspeaker
        self._microphone = microphone
        self._calls = calls or Calls(settings, screen)
        self._lines = lines
        self._lines_wait = lines_wait
        self._jitter = jitter
        self._wall_clock = wall_clock
        self._link: Connection | None = None
        self._exit_code = 0
        self._was_ready = False
        self._is_talking = not settings.push_to_talk
        self.is_muted = False
        self._levels = Levels(screen, warns=settings.uses_hardware)
        self.conversation: Conversation

    async def run(self) -> int:
        """Talk until it is over; the exit code. Raises ConversationError and DeviceError."""
        started_s = asyncio.get_running_loop().time()
        await self._loudspeaker.open(self._settings.received_rate_hz)
        try:
            if self._microphone is not None:
                await self._microphone.open(self._settings.sent_rate_hz)
                self._microphone.on_status = self._screen.notice
            self._loudspeaker.on_status = self._screen.notice
            await self._run_tasks()
        finally:
            if self._microphone is not None:
                await self._microphone.close()
            await self._loudspeaker.close()
            if hasattr(self, "conversation"):
                summary = self.conversation.summary
                summary.seconds = round(asyncio.get_running_loop().time() - started_s, 3)
                if self._microphone is not None:
                    summary.dropped_input_ms = self._microphone.dropped_ms
        return self._exit_code

    @property
    def summary(self) -> Summary:
        """What the conversation came to so far."""
        return self.conversation.summary if hasattr(self, "conversation") else Summary()

    @property
    def was_ready(self) -> bool:
        """Whether there ever was a session."""
        return self._was_ready

    def end(self) -> None:
        """End the conversation in order."""
        if hasattr(self, "conversation"):
            self.conversation.over.set()

    async def _run_tasks(self) -> None:
        tasks: set[asyncio.Task[None]] = set()

        def start(work: Coroutine[Any, Any, None]) -> None:
            task = group.create_task(work)
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        try:
            async with asyncio.TaskGroup() as group:
                self.conversation = Conversation(
                    self._settings, self._screen, self._loudspeaker, start=start, calls=self._calls
                )
                start(self._hold())
                if self._microphone is not None:
                    start(self._hear(self._microphone))
                if self._lines is not None:
                    start(self._read_lines(self._lines))
                await self.conversation.over.wait()
                for task in tuple(tasks):
                    task.cancel()
        except BaseExceptionGroup as errors:
            # One failure ends the talk; the others followed from it.
            raise _first(errors) from None

    # The connection.

    async def _hold(self) -> None:
        """Keep a connection open until the conversation is over."""
        failures = 0
        while True:
            opened_s = asyncio.get_running_loop().time()
            self._screen.status("connecting" if failures == 0 else "reconnecting")
            retry_after_s: float | None = None
            try:
                async with open_connection(
                    self._settings,
                    self._endpoint,
                    conversation_id=self.conversation.thread_id,
                    on_sent=self._on_sent,
                ) as connection:
                    await self._serve(connection)
                    continue
            except ConnectError as error:
                trouble = error.trouble
                if not trouble.may_pass or not (
                    self._was_ready or trouble.retry_after_s is not None
                ):
                    raise ConversationError(trouble.text) from None
                text, retry_after_s = trouble.text, trouble.retry_after_s
            except Lost as lost:
                if self._ended_by_service(lost):
                    return
                text = self._explain(lost)
            finally:
                self._was_ready |= self.conversation.ready.is_set()
                self._link = None
                self.conversation.disconnect()
            if asyncio.get_running_loop().time() - opened_s > STEADY_S:
                failures = 0
            failures += 1
            if failures >= ATTEMPTS_MAX:
                raise ConversationError(f"{text} {failures} attempts failed; start again later.")
            self.conversation.summary.reconnects += self._was_ready
            # Full jitter: many clients of a service that restarts must not come back together.
            pause_s = min(BACKOFF_MAX_S, BACKOFF_S * 2 ** (failures - 1)) * (0.5 + self._jitter())
            pause_s = max(pause_s, retry_after_s or 0.0)
            self._screen.notice(f"{text} Reconnecting in {pause_s:.1f} s.")
            self._screen.status(f"reconnecting in {pause_s:.1f} s")
            await asyncio.sleep(pause_s)

    async def _serve(self, connection: Connection) -> None:
        """Until the session should be renewed. Raises Lost and ConversationError."""
        self._link = connection
        self.conversation.connect(
            connection,
            self._settings.describe_session(
                model=self._settings.model,
                hardware=self._settings.uses_hardware,
                tools=self._calls.describe_tools(),
            ),
        )
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
            self.conversation.handle(await connection.receive())

    async def _watch_session(self) -> None:
        """Wait until the session should be renewed. Raises ConversationError if none begins."""
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                await self.conversation.ready.wait()
        except TimeoutError:
            raise ConversationError(
                "The service took the connection, but begins no session: check --endpoint, and "
                "try again."
            ) from None
        self._screen.status("listening")
        expires_at_s = self.conversation.expires_at_s
        if expires_at_s is None:
            await asyncio.Event().wait()
            return
        left_s = expires_at_s - self._wall_clock()
        await asyncio.sleep(max(0.0, left_s - min(RENEW_LEAD_S, left_s / 2)))
        left_s = expires_at_s - self._wall_clock()
        self._screen.notice(
            f"The service ends this session in {_duration(left_s)}; the client reconnects in "
            "the next pause."
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, left_s - RENEW_FORCED_S)):
                await self._wait_quiet()
        self._screen.status("renewing the session")

    def _ended_by_service(self, lost: Lost) -> bool:
        """Whether the service ended the conversation as one ends a call."""
        if lost.code != NORMAL_CLOSURE or not self.conversation.ready.is_set():
            return False
        expires_at_s = self.conversation.expires_at_s
        if expires_at_s is not None and self._wall_clock() > expires_at_s - RENEW_FORCED_S:
            return False
        self._screen.notice("The service ended the conversation.")
        self.conversation.over.set()
        return True

    def _explain(self, lost: Lost) -> str:
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

    def _on_sent(self, event: Any) -> None:
        if event["type"] == "input_audio_buffer.append":
            event = {"type": event["type"], "audio": f"<{len(event['audio'])} characters>"}
        self._screen.event("sent", event)

    # The person.

    async def _hear(self, microphone: Microphone) -> None:
        """Send what the microphone hears, and end after the last answer if it ends."""
        finishing: asyncio.Task[None] | None = None
        if self._settings.inputs:
            await self.conversation.ready.wait()
            if self._settings.greet or self._settings.greeting:
                finishing = asyncio.create_task(self._go_on(microphone, 0))
        try:
            answers = self.conversation.answers
            while (block := await microphone.read()) is not None:
                await self._send_audio(block.pcm)
                if not block.input_ended:
                    continue
                if self._settings.is_manual:
                    self.conversation.commit()
                if finishing is not None:
                    await finishing
                finishing = asyncio.create_task(self._go_on(microphone, answers))
                answers = self.conversation.answers
            if self._settings.inputs:
                await self._wait_quiet()
            self.conversation.over.set()
        finally:
            if finishing is not None:
                finishing.cancel()
                await asyncio.gather(finishing, return_exceptions=True)

    async def _send_audio(self, pcm: bytes) -> None:
        muted = self.is_muted or not self._is_talking
        self._levels.measure(pcm, self._settings.sent_rate_hz, muted=muted)
        if not self._is_talking:
            return
        if self.is_muted:
            # Silence rather than nothing: turn detection counts time in audio.
            pcm = bytes(len(pcm))
        format = self._settings.input_format
        audio = pcm if format == "pcm16" else g711.encode(pcm, format)
        while True:
            await self.conversation.ready.wait()
            link = self._link
            if link is None:
                await asyncio.sleep(BLOCK_MS / 1000)
                continue
            with contextlib.suppress(Lost):
                await link.send_audio(audio)
                self.conversation.note_sent(len(pcm) / 2 / self._settings.sent_rate_hz * 1000)
                return
            await asyncio.sleep(BLOCK_MS / 1000)

    async def _go_on(self, microphone: Any, answers: int) -> None:
        """When an input is answered, let the microphone go on with the next or end."""
        await self._wait_answer(answers)
        microphone.continue_()

    async def _wait_answer(self, answers: int) -> None:
        """Wait until there are more answers than ``answers`` and nobody speaks any more."""
        conversation = self.conversation
        while conversation.answers <= answers or conversation.busy:
            conversation.stirred.clear()
            try:
                async with asyncio.timeout(self._settings.answer_timeout_s):
                    if self._loudspeaker.queued_ms:
                        await self._loudspeaker.drained()
                        await asyncio.sleep(0)
                        if not conversation.busy and conversation.answers > answers:
                            break
                    else:
                        await conversation.stirred.wait()
            except TimeoutError:
                if conversation.ready.is_set():
                    self._screen.error(
                        f"There was no answer within {self._settings.answer_timeout_s:g} s: "
                        "check that the input has speech in it, and raise --answer-timeout-s "
                        "for a slow agent."
                    )
                    self._exit_code = NO_ANSWER
                    return
        await self._wait_quiet()

    async def _wait_quiet(self) -> None:
        """Wait until nobody speaks, nothing is played, and nothing happens for a while."""
        conversation = self.conversation
        while True:
            conversation.stirred.clear()
            if self._loudspeaker.queued_ms:
                await self._loudspeaker.drained()
            try:
                async with asyncio.timeout(None if conversation.busy else SETTLE_S):
                    await conversation.stirred.wait()
            except TimeoutError:
                return

    async def _read_lines(self, lines: AsyncIterator[str]) -> None:
        await self.conversation.ready.wait()
        if self._lines_wait and (self._settings.greet or self._settings.greeting):
            await self._wait_answer(0)
        commands = Commands(self, self.conversation, self._calls, self._screen)
        async for line in lines:
            answers = self.conversation.answers
            commands.run(line)
            if self._lines_wait and self.conversation.busy:
                await self._wait_answer(answers)
        if self._lines_wait:
            self.conversation.over.set()

    def press(self) -> None:
        """Push-to-talk: begin to speak, or end the turn."""
        if not self._settings.push_to_talk:
            return
        if self._is_talking:
            self._is_talking = False
            self.conversation.commit()
            self._screen.status("thinking")
        else:
            self.conversation.interrupt()
            self._is_talking = True
            self._screen.status("recording; Enter sends it")


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _duration(seconds: float) -> str:
    return f"{round(seconds / 60)} min" if seconds >= 90 else f"{max(0, round(seconds))} s"
