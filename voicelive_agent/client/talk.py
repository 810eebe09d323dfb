"""Holds a conversation from the first connection to the last sound.

Devices, keyboard, connection and conversation meet here, each in a task of its own::

    microphone ──▶ Talk ──▶ Reconnection ◀──▶ Conversation ──▶ loudspeaker, screen
    keyboard ──▶ TypedCommands ──────────────────▲
"""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from voicelive_agent.client.connection import Lost
from voicelive_agent.client.core.conversation import Conversation
from voicelive_agent.client.core.latency import Summary
from voicelive_agent.client.core.screen import Failure, Notice, Screen, Status
from voicelive_agent.client.core.tool_calls.functions import Functions
from voicelive_agent.client.core.wait_for_quiet import Quiet
from voicelive_agent.client.reconnection import Reconnection
from voicelive_agent.client.settings import Settings
from voicelive_agent.client.sound.devices import BLOCK_MS, Loudspeaker, Microphone
from voicelive_agent.client.ui.microphone_level import Levels
from voicelive_agent.client.ui.typed_commands import TypedCommands
from voicelive_agent.wire.audio import g711

NO_ANSWER = 3
SHOW_EVERY_S = 0.1
PRESS_TO_TALK = "press Enter to talk"
RECORDING = "recording; Enter sends it"


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
        functions: Functions | None = None,
        lines: AsyncIterator[str] | None = None,
        lines_wait: bool = False,
        jitter: Callable[[], float] = random.random,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """``functions`` are the tools of a model.

        ``lines`` are what the person types; with ``lines_wait`` each waits for the answer to
        the one before, and the conversation ends with the last."""
        self._settings = settings
        self._screen = screen
        self._loudspeaker = loudspeaker
        self._microphone = microphone
        self._lines = lines
        self._lines_wait = lines_wait
        self._is_scripted = lines_wait or bool(settings.input)
        self._exit_code = 0
        self._seconds = 0.0
        self._is_talking = not settings.push_to_talk
        self.is_muted = False
        self._levels = Levels(screen, warns=settings.uses_hardware)
        self._tasks: set[asyncio.Task[None]] = set()
        self._group = asyncio.TaskGroup()
        self.conversation = Conversation(
            settings, screen, loudspeaker, start=self._start, functions=functions
        )
        if settings.push_to_talk:
            self.conversation.idle_status = PRESS_TO_TALK
        self._quiet = Quiet(self.conversation, loudspeaker, settings.answer_timeout_s)
        self._reconnection = Reconnection(
            settings,
            endpoint,
            screen,
            self.conversation,
            self._quiet,
            jitter=jitter,
            wall_clock=wall_clock,
        )

    async def run(self) -> int:
        """Talk until it is over; the exit code. Raises ConversationError and DeviceError."""
        started_s = asyncio.get_running_loop().time()
        await self._loudspeaker.open(
            self._settings.received_rate_hz,
            on_first_sound=self.conversation.on_first_sound,
            on_status=self._notice,
        )
        try:
            if self._microphone is not None:
                await self._microphone.open(self._settings.sent_rate_hz, on_status=self._notice)
            await self._run_tasks()
        finally:
            if self._microphone is not None:
                await self._microphone.close()
            await self._loudspeaker.close()
            self._seconds = round(asyncio.get_running_loop().time() - started_s, 3)
        if self._is_scripted and self.conversation.failures:
            # What failed was told when it did.
            return self._exit_code or NO_ANSWER
        return self._exit_code

    @property
    def summary(self) -> Summary:
        """What the conversation came to, once it is over."""
        return Summary(
            turns=tuple(self.conversation.turns),
            seconds=self._seconds,
            reconnects=self._reconnection.reconnects,
            dropped_input_ms=self._microphone.dropped_ms if self._microphone else 0,
        )

    @property
    def was_ready(self) -> bool:
        """Whether there ever was a session."""
        return self._reconnection.was_ready or self.conversation.ready.is_set()

    def end(self) -> None:
        """End the conversation in order."""
        self.conversation.over.set()

    def end_on_signals(self) -> None:
        """Let Ctrl-C end the conversation in order; a second one ends it at once."""
        loop = asyncio.get_running_loop()

        def end(number: int) -> None:
            loop.remove_signal_handler(number)
            self.end()

        # Windows has no handlers on the loop; there Ctrl-C cancels ``run``, which ends it as well.
        with contextlib.suppress(NotImplementedError):
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, end, number)

    def press(self) -> None:
        """Push-to-talk: begin to speak, or end the turn."""
        if not self._settings.push_to_talk:
            return
        self._is_talking = not self._is_talking
        if self._is_talking:
            self.conversation.idle_status = RECORDING
            self.conversation.interrupt()
        else:
            self.conversation.idle_status = PRESS_TO_TALK
            self.conversation.commit()
            self._screen.show(Status("thinking"))

    async def _run_tasks(self) -> None:
        try:
            async with self._group:
                self._start(self._reconnection.run())
                if self._microphone is not None:
                    self._start(self._hear(self._microphone))
                if self._lines is not None:
                    self._start(self._read_lines(self._lines))
                self._start(self._show_speech())
                await self.conversation.over.wait()
                for task in tuple(self._tasks):
                    task.cancel()
        except BaseExceptionGroup as errors:
            # One failure ends the talk; the others followed from it.
            raise _first(errors) from None

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _show_speech(self) -> None:
        while True:
            await asyncio.sleep(SHOW_EVERY_S)
            self.conversation.show_speech()

    def _notice(self, text: str) -> None:
        self._screen.show(Notice(text))

    # What the person says.

    async def _hear(self, microphone: Microphone) -> None:
        """Send what the microphone hears, and end after the last answer if it ends."""
        finishing: asyncio.Task[None] | None = None
        try:
            if self._settings.input:
                await self.conversation.ready.wait()
                if self._settings.is_greeted:
                    finishing = asyncio.create_task(self._go_on(microphone, 0))
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
            if self._settings.input:
                await self._quiet.wait()
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
            connection = self._reconnection.connection
            if connection is not None:
                with contextlib.suppress(Lost):
                    await connection.send_audio(audio)
                    self.conversation.note_sent(pcm)
                    return
            await asyncio.sleep(BLOCK_MS / 1000)

    async def _go_on(self, microphone: Microphone, answers: int) -> None:
        """When an input is answered, let the microphone go on with the next or end."""
        await self._wait_answer(answers)
        microphone.go_on()

    async def _read_lines(self, lines: AsyncIterator[str]) -> None:
        await self.conversation.ready.wait()
        if self._lines_wait and self._settings.is_greeted:
            await self._wait_answer(0)
        commands = TypedCommands(self, self.conversation, self._screen)
        async for line in lines:
            answers = self.conversation.answers
            commands.run(line)
            if self._lines_wait and self.conversation.busy:
                await self._wait_answer(answers, until=self._is_asked)
        if not self._lines_wait:
            return
        if self._is_asked():
            self._screen.show(
                Failure(
                    "Nobody is there to allow it: type y or n as the next line, or give "
                    "--mcp-approval never."
                )
            )
            self._exit_code = NO_ANSWER
        self.conversation.over.set()

    def _is_asked(self) -> bool:
        """Whether the person must answer before the agent can."""
        return self.conversation.approval is not None

    async def _wait_answer(
        self, answers: int, *, until: Callable[[], bool] = lambda: False
    ) -> None:
        """Wait until there are more answers than ``answers`` and nobody speaks any more."""
        if not await self._quiet.wait_answer(answers, until=until):
            self._screen.show(
                Failure(
                    f"There was no answer within {self._settings.answer_timeout_s:g} s: check that "
                    "the input has speech in it, and raise --answer-timeout-s for a slow agent."
                )
            )
            self._exit_code = NO_ANSWER


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
