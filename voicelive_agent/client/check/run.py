"""Runs a scenario: does what each step says, and judges what the agent makes of it.

What is said is misunderstood now and then, by people and by services. Where the transcript is
not word for word what was said, and the answer not what was expected, it is said again, as a
person would.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from voicelive_agent.client.check.expectations import is_expected, is_word_for_word, missing
from voicelive_agent.client.check.observer import Observer
from voicelive_agent.client.check.scenario import Action, Scenario, Step
from voicelive_agent.client.check.voice import CallerVoice
from voicelive_agent.client.core.latency import Summary
from voicelive_agent.client.core.screen import Screen, Screens
from voicelive_agent.client.recording import open_recording
from voicelive_agent.client.settings import Settings
from voicelive_agent.client.sound.audio_files import read_sound
from voicelive_agent.client.sound.devices import Loudspeaker, Microphone
from voicelive_agent.client.sound.file_devices import (
    FileLoudspeaker,
    SilentLoudspeaker,
    SilentMicrophone,
)
from voicelive_agent.client.talk import Talk
from voicelive_agent.client.troubles import ConversationError

READY_WITHIN_S = 60.0
QUIET_S = 0.6
"""An answer is over when nothing more of it came for so long."""
LOOK_EVERY_S = 0.02
PLAYED_WITHIN_S = 60.0
"""An answer that met what was expected may still be spoken for so long."""


@dataclass(slots=True)
class Outcome:
    """How a step went; it passed if ``failures`` is empty."""

    step: str
    line: int
    heard: str = ""
    """What the service understood of the person's side."""
    answer: str = ""
    attempts: int = 1
    """How often it was said."""
    met_after_ms: int | None = None
    first_sound_ms: float | None = None
    interrupted: bool = False
    """Whether the agent was cut short in it."""
    failures: list[str] = field(default_factory=list)


class ScenarioRun:
    """One run of a scenario; ``run`` it once."""

    def __init__(
        self,
        scenario: Scenario,
        settings: Settings,
        endpoint: str,
        speak: CallerVoice,
        *,
        shown_on: Screen | None = None,
    ) -> None:
        """``speak`` gives the person's speech; ``shown_on`` shows the conversation as it goes."""
        self._scenario = scenario
        self._settings = settings
        self._speak = speak
        self._observer = Observer()
        self._speech: dict[Action, bytes] = {}
        self._agent_has_failed = False
        self.trouble = ""
        self._microphone = SilentMicrophone()
        self._loudspeaker: Loudspeaker = (
            FileLoudspeaker(settings.output) if settings.output else SilentLoudspeaker()
        )
        microphone: Microphone = self._microphone
        screen: Screen = Screens(self._observer, shown_on) if shown_on else self._observer
        self._recording = open_recording(settings, screen)
        if self._recording:
            microphone = self._recording.hearing(microphone)
            self._loudspeaker = self._recording.playing(self._loudspeaker)
            screen = Screens(screen, self._recording)
        self._talk = Talk(settings, endpoint, screen, self._loudspeaker, microphone)
        self._conversation = self._talk.conversation
        self._talking: asyncio.Task[int]

    @property
    def summary(self) -> Summary:
        return self._talk.summary

    async def run(self) -> list[Outcome]:
        """Raises ConversationError and DeviceError where no conversation begins.

        Where one ends too early, the steps behind it have failed, and ``trouble`` says why.
        """
        for step in self._scenario.steps:
            await self._prepare(step.action)
            if step.interruption and step.interruption.action:
                await self._prepare(step.interruption.action)
        self._talking = asyncio.create_task(self._talk.run())
        try:
            await self._begin()
            outcomes = [await self._run_step(step) for step in self._scenario.steps]
        finally:
            self._talk.end()
            with contextlib.suppress(ConversationError):
                await self._talking
            if self._recording:
                self._recording.close()
        outcomes[-1].failures += [error.text for error in self._observer.take_errors()]
        if error := self._talking.exception():
            self.trouble = str(error)
        return outcomes

    async def _prepare(self, action: Action) -> None:
        if action.kind == "say" and action not in self._speech:
            self._speech[action] = await self._speak(action.what)
        elif action.kind == "play" and action not in self._speech:
            rate_hz = self._settings.sent_rate_hz
            self._speech[action] = await asyncio.to_thread(read_sound, action.what, rate_hz)

    async def _begin(self) -> None:
        ready = asyncio.create_task(self._conversation.ready.wait())
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await asyncio.wait({ready, self._talking}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise ConversationError(
                f"There is no session after {READY_WITHIN_S:.0f} s: check --endpoint."
            ) from None
        finally:
            ready.cancel()
        if self._talking.done():
            await self._talking
            raise ConversationError("The conversation was over before it began.")

    async def _run_step(self, step: Step) -> Outcome:
        outcome = Outcome(step.title, step.line)
        if self._talking.done():
            outcome.failures.append("the conversation was over before this step")
            return outcome
        await self._try(step, step.action, outcome)
        while outcome.failures and self._may_say_again(step, outcome):
            outcome.failures.clear()
            outcome.attempts += 1
            await self._try(step, step.last_action, outcome)
        return outcome

    async def _try(self, step: Step, action: Action, outcome: Outcome) -> None:
        """Do ``action``, the step's or its last one again, and judge what comes of it."""
        if action.kind:
            self._observer.look_away()
        answers = self._conversation.answers
        failure = await self._act(action)
        if failure is None and step.interruption and action is step.action:
            failure = await self._interrupt(step)
        if failure:
            outcome.failures.append(failure)
        elif action.kind != "wait_ms" or step.expects:
            await self._expect(step, outcome, answers)
        outcome.heard, outcome.answer = self._observer.said("you"), self._observer.said("agent")
        outcome.interrupted |= self._observer.was_cut
        errors = [one for one in self._observer.take_errors() if not is_expected(step, one)]
        outcome.failures += [error.text for error in errors]
        self._agent_has_failed = any(error.code for error in errors)
        if not action.kind:
            self._observer.look_away()

    def _may_say_again(self, step: Step, outcome: Outcome) -> bool:
        """Whether it was misunderstood, and may be said once more."""
        said = step.last_action
        # An agent that fails at what it understood has failed, whatever was said.
        if self._agent_has_failed:
            return False
        if said.kind != "say" or outcome.attempts >= step.attempts or self._talking.done():
            return False
        return not is_word_for_word(said.what, self._observer.said("you"))

    async def _act(self, action: Action) -> str | None:
        """Do it, to the end of what is said; why it can't be done, if so."""
        match action.kind:
            case "say" | "play":
                self._microphone.say(self._speech[action])
                await self._microphone.said()
                if self._settings.is_manual:
                    self._conversation.commit()
            case "type":
                self._conversation.say(action.what)
            case "click":
                if isinstance(action.what, dict):
                    self._conversation.click(action.what)
                elif not self._conversation.choose(self._observer.find_button(action.what)):
                    return f"there is no button {action.what!r} to click"
            case "wait_ms":
                await asyncio.sleep(action.what / 1000)
        return None

    async def _interrupt(self, step: Step) -> str | None:
        interruption = step.interruption
        assert interruption is not None  # noqa: S101 - the caller has looked
        if not await self._until(lambda: self._loudspeaker.queued_ms > 0, step.within_ms):
            return f"there was no answer to interrupt within {step.within_ms} ms"
        await asyncio.sleep(interruption.after_ms / 1000)
        if not self._loudspeaker.queued_ms:
            return f"the answer was over before {interruption.after_ms} ms of it were played"
        self._observer.look_away()
        if interruption.action is None:
            self._conversation.interrupt()
        elif failure := await self._act(interruption.action):
            return failure
        if not await self._until(lambda: self._observer.was_cut, step.within_ms):
            return "the agent was not interrupted: it spoke on"
        return None

    async def _expect(self, step: Step, outcome: Outcome, answers: int) -> None:
        """Wait for what is expected and the end of the answer, no longer than the step says."""
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        silenced = step.interruption is not None and step.interruption.action is None

        def lacks() -> list[str]:
            return missing(
                step, self._observer.said("agent"), self._observer.events, self._observer.errors
            )

        def is_met() -> bool:
            return not lacks() and (step.expects or silenced or self._is_answered(answers))

        def is_hopeless() -> bool:
            return self._is_answered(answers) and (
                self._conversation.has_failed or self._may_say_again(step, outcome)
            )

        await self._until(lambda: is_met() or is_hopeless(), step.within_ms)
        elapsed_ms = round((loop.time() - start_s) * 1000)
        outcome.failures += [f"{lack} within {step.within_ms} ms" for lack in lacks()]
        if self._talking.done() and self._conversation.answers <= answers and not silenced:
            outcome.failures.append("the conversation was over before there was an answer")
        elif not step.expects and not silenced and not self._is_answered(answers):
            outcome.failures.append(f"there was no answer within {step.within_ms} ms")
        if not outcome.failures:
            outcome.met_after_ms = elapsed_ms
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PLAYED_WITHIN_S):
                    await self._settle()
        else:
            # What is still being said is no part of the next step.
            await self._until(lambda: not self._is_busy(), step.within_ms)
        self._judge_latency(step, outcome)

    def _judge_latency(self, step: Step, outcome: Outcome) -> None:
        turns = self._observer.turns
        times = turns[-1] if turns else self._conversation.open_turn
        outcome.first_sound_ms = times.first_sound_ms if times else None
        limit_ms = step.first_sound_ms
        if limit_ms is None:
            return
        if outcome.first_sound_ms is None:
            outcome.failures.append("no sound of the answer was heard")
        elif outcome.first_sound_ms > limit_ms:
            outcome.failures.append(
                f"the first sound came after {outcome.first_sound_ms:.0f} ms, expected {limit_ms}"
            )

    def _is_answered(self, answers: int) -> bool:
        return self._talking.done() or (
            self._conversation.answers > answers and not self._is_busy()
        )

    def _is_busy(self) -> bool:
        return not self._talking.done() and self._conversation.busy

    async def _settle(self) -> None:
        """Until nothing more is said: an answer may come in several responses."""
        while not self._talking.done():
            self._observer.changed.clear()
            await self._loudspeaker.drained()
            try:
                async with asyncio.timeout(QUIET_S):
                    await self._observer.changed.wait()
            except TimeoutError:
                if not self._is_busy():
                    return

    async def _until(self, is_true: Callable[[], bool], within_ms: int) -> bool:
        """Whether it becomes true in time; looked at now and then, as not all of it tells."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + within_ms / 1000
        while not is_true():
            if loop.time() >= until_s or self._talking.done():
                return is_true()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    self._observer.changed.clear()
                    await self._observer.changed.wait()
        return True
