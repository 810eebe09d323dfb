"""``python -m client check``: a scripted conversation as an end-to-end check.

The person's side is spoken by a speech engine and sent as a microphone would send it, so what is
checked is the whole: hearing, taking turns, the agent, speaking, barge-in. See
``client.scenario`` for what a scenario may say.
"""

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from client.caller_voice import CallerVoice, open_voice
from client.connection import ConnectError, find_endpoint
from client.devices import DeviceError, Loudspeaker, Microphone
from client.expectations import missing
from client.files import FileLoudspeaker, SilentLoudspeaker, SilentMicrophone
from client.json_lines import describe
from client.observer import Observer
from client.options import build_parser
from client.recording import RecordedLoudspeaker, RecordedMicrophone, RecordedScreen, Recording
from client.scenario import Action, Scenario, ScenarioError, Step, read_scenario
from client.screen import Screen, Summary
from client.settings import Settings, SettingsError, load_settings
from client.sound_files import read_wav
from client.talk import Talk
from client.terminal import Terminal
from client.terminal import describe as draw_summary
from client.troubles import ConversationError

DEMO = Path(__file__).parent / "scenarios" / "demo.yaml"
READY_WITHIN_S = 60.0
QUIET_S = 0.6
"""An answer is over when nothing more of it came for so long."""

FAILED, USAGE = 1, 2
DESCRIPTION = """\
Run a scripted conversation against an agent, deployed or local, and say what failed.

  python -m client check
      the scenario of the demo agent, with a running emulator
  python -m client check my.yaml --endpoint https://RESOURCE.services.ai.azure.com \\
      --agent-name AGENT --project-name PROJECT
      your own scenario with a deployed agent
"""
EPILOG = """\
All options of `python -m client` say whom to talk to and how; --output keeps what the agent said.
Exit codes: 0 all steps passed, 1 some failed, 2 a wrong scenario or option.
"""


@dataclass(slots=True)
class Outcome:
    """How a step went; it passed if ``failures`` is empty."""

    step: str
    line: int
    heard: str = ""
    """What the service understood of the person's side."""
    answer: str = ""
    met_after_ms: int | None = None
    first_sound_ms: float | None = None
    failures: list[str] = field(default_factory=list)


def main(argv: Sequence[str]) -> int:
    """The exit code."""
    parser = _build_parser()
    options = vars(parser.parse_args(argv))
    options.pop("list_devices")
    path, verbose, voice = (
        options.pop("scenario"),
        options.pop("verbose"),
        options.pop("caller_voice"),
    )
    profile = options.pop("profile")
    try:
        scenario = read_scenario(Path(path) if path else DEMO)
        settings = load_settings(
            _merge(scenario, options), profile=Path(profile) if profile else None
        )
    except (ScenarioError, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(_check(scenario, settings, voice or scenario.caller_voice, verbose))
    return FAILED


def _merge(scenario: Scenario, options: dict[str, Any]) -> dict[str, Any]:
    """Options go before the settings of the scenario."""
    unknown = scenario.settings.keys() - options.keys()
    if unknown:
        raise ScenarioError(f"settings: unknown {', '.join(sorted(unknown))}")
    given = {name: value for name, value in options.items() if value is not None}
    return {**scenario.settings, **given}


async def _check(scenario: Scenario, settings: Settings, voice: str | None, verbose: bool) -> int:
    observer = Observer(Terminal(sys.stderr) if verbose else None)
    try:
        endpoint, is_found = await find_endpoint(settings)
        if is_found:
            sys.stderr.write(f"No --endpoint is given: talking to the emulator at {endpoint}.\n")
        async with open_voice(voice, settings.sent_rate_hz) as speak:
            check = Check(scenario, settings, endpoint, speak, observer)
            outcomes = await check.run()
    except (ConnectError, ConversationError, DeviceError, ScenarioError) as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    finally:
        observer.close()
    if settings.json_lines:
        _write_json(scenario, outcomes, check.summary)
    else:
        _draw(scenario, outcomes, check.summary)
    return FAILED if any(outcome.failures for outcome in outcomes) else 0


class Check:
    """One run of a scenario; ``run`` it once."""

    def __init__(
        self,
        scenario: Scenario,
        settings: Settings,
        endpoint: str,
        speak: CallerVoice,
        observer: Observer,
    ) -> None:
        self.summary = Summary()
        self._scenario = scenario
        self._settings = settings
        self._speak = speak
        self._observer = observer
        self._microphone = SilentMicrophone()
        self._loudspeaker: Loudspeaker = (
            FileLoudspeaker(settings.output) if settings.output else SilentLoudspeaker()
        )
        microphone: Microphone = self._microphone
        screen: Screen = observer
        self._recording: Recording | None = None
        if settings.record:
            self._recording = Recording(
                settings.record,
                microphone_hz=settings.sent_rate_hz,
                loudspeaker_hz=settings.received_rate_hz,
                on_notice=observer.notice,
            )
            microphone = RecordedMicrophone(microphone, self._recording)
            self._loudspeaker = RecordedLoudspeaker(self._loudspeaker, self._recording)
            screen = RecordedScreen(observer, self._recording)
        self._talk = Talk(settings, endpoint, screen, self._loudspeaker, microphone)
        self._talking: asyncio.Task[int]

    async def run(self) -> list[Outcome]:
        """Raises ConversationError and DeviceError where no conversation begins."""
        speech = {
            action: await self._prepare(action)
            for action in {id(action): action for action in _spoken(self._scenario)}.values()
        }
        self._talking = asyncio.create_task(self._talk.run())
        try:
            await self._begin()
            outcomes = [await self._run_step(step, speech) for step in self._scenario.steps]
        finally:
            self._talk.end()
            try:
                await self._talking
            finally:
                self.summary = self._talk.summary
                if self._recording:
                    self._recording.close()
        return outcomes

    async def _begin(self) -> None:
        async with asyncio.timeout(READY_WITHIN_S):
            # The conversation is there as soon as the devices are open.
            while not hasattr(self._talk, "conversation") and not self._talking.done():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            if not self._talking.done():
                await self._wait_or_end(self._talk.conversation.ready)
        if self._talking.done():
            await self._talking
            raise ConversationError("The conversation was over before it began.")

    async def _wait_or_end(self, event: asyncio.Event) -> None:
        waiting = asyncio.create_task(event.wait())
        try:
            await asyncio.wait({waiting, self._talking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()

    async def _prepare(self, action: Action) -> bytes:
        if action.kind == "say":
            return await self._speak(action.what)
        return await asyncio.to_thread(read_wav, action.what, self._settings.sent_rate_hz)

    async def _run_step(self, step: Step, speech: dict[Action, bytes]) -> Outcome:
        outcome = Outcome(step.title, step.line)
        if self._talking.done():
            outcome.failures.append("the conversation was over before this step")
            return outcome
        if step.action.kind:
            self._observer.look_away()
        answers = self._talk.conversation.answers
        failure = await self._act(step.action, speech)
        if failure is None and step.interruption:
            failure = await self._interrupt(step, speech)
        if failure:
            outcome.failures.append(failure)
            return outcome
        if step.action.kind != "wait_ms" or step.patterns or step.words or step.events:
            await self._expect(step, outcome, answers)
        outcome.heard, outcome.answer = self._observer.said("you"), self._observer.said("agent")
        outcome.failures += self._observer.errors
        if not step.action.kind:
            self._observer.look_away()
        return outcome

    async def _act(self, action: Action, speech: dict[Action, bytes]) -> str | None:
        """Do it, to the end of what is said; why it can't be done, if so."""
        conversation = self._talk.conversation
        match action.kind:
            case "say" | "play":
                self._microphone.say(speech[action])
                await self._microphone.said()
                if self._settings.is_manual:
                    conversation.commit()
            case "type":
                conversation.say(action.what)
            case "click":
                chosen = action.what
                if not isinstance(chosen, dict):
                    chosen = self._observer.find_button(chosen)
                if chosen is None:
                    return f"there is no button {action.what!r} to click"
                conversation.click(chosen)
            case "wait_ms":
                await asyncio.sleep(action.what / 1000)
        return None

    async def _interrupt(self, step: Step, speech: dict[Action, bytes]) -> str | None:
        interruption = step.interruption
        assert interruption is not None  # noqa: S101 - the caller has looked
        if not await self._until(lambda: self._loudspeaker.queued_ms > 0, step.within_ms):
            return f"there was no answer to interrupt within {step.within_ms} ms"
        await asyncio.sleep(interruption.after_ms / 1000)
        if not self._loudspeaker.queued_ms:
            return f"the answer was over before {interruption.after_ms} ms of it were played"
        self._observer.look_away()
        if interruption.action is None:
            self._talk.conversation.interrupt()
        elif failure := await self._act(interruption.action, speech):
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
            return missing(step, self._observer.said("agent"), self._observer.events)

        expects = bool(step.patterns or step.words or step.events)
        await self._until(
            lambda: not lacks() and (expects or silenced or self._is_answered(answers)),
            step.within_ms,
        )
        elapsed_ms = round((loop.time() - start_s) * 1000)
        outcome.failures += [f"{lack} within {step.within_ms} ms" for lack in lacks()]
        if not expects and not silenced and not self._is_answered(answers):
            outcome.failures.append(f"there was no answer within {step.within_ms} ms")
        if not outcome.failures:
            outcome.met_after_ms = elapsed_ms
            await self._until(lambda: not self._is_busy(), step.within_ms + 60_000)
            await self._settle()
        self._judge_latency(step, outcome)

    def _judge_latency(self, step: Step, outcome: Outcome) -> None:
        turns = self._observer.turns
        conversation = getattr(self._talk, "conversation", None)
        open_turn = conversation.turns.open if conversation else None
        times = turns[-1] if turns else open_turn.times if open_turn else None
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
            self._talk.conversation.answers > answers and not self._is_busy()
        )

    def _is_busy(self) -> bool:
        return not self._talking.done() and self._talk.conversation.busy

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

    async def _until(self, is_true: Any, within_ms: int) -> bool:
        """Whether it becomes true in time; looked at now and then, as not all of it tells."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + within_ms / 1000
        while not is_true():
            if loop.time() >= until_s or (self._talking.done() and not is_true()):
                return bool(is_true())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    self._observer.changed.clear()
                    await self._observer.changed.wait()
        return True


def _spoken(scenario: Scenario) -> list[Action]:
    actions = [step.action for step in scenario.steps]
    actions += [
        step.interruption.action
        for step in scenario.steps
        if step.interruption and step.interruption.action
    ]
    return [action for action in actions if action.kind in ("say", "play")]


def _build_parser() -> argparse.ArgumentParser:
    parser = build_parser()
    parser.prog = "python -m client check"
    parser.usage = "python -m client check [SCENARIO.yaml] [options]"
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument(
        "scenario", nargs="?", metavar="SCENARIO", help="YAML; default: that of the demo agent"
    )
    parser.add_argument(
        "--caller-voice",
        metavar="ENGINE[:VOICE]",
        help="speaks for the person: flite, espeak-ng, or an engine of the emulator",
    )
    parser.add_argument(
        "--verbose", action="store_true", help="show the conversation while it goes on"
    )
    return parser


def _write_json(scenario: Scenario, outcomes: list[Outcome], summary: Summary) -> None:
    for outcome in outcomes:
        line = {"kind": "step", **asdict(outcome), "passed": not outcome.failures}
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    passed = not any(outcome.failures for outcome in outcomes)
    end = {"kind": "summary", "scenario": scenario.name, "passed": passed, **describe(summary)}
    sys.stdout.write(json.dumps(end, ensure_ascii=False) + "\n")


def _draw(scenario: Scenario, outcomes: list[Outcome], summary: Summary) -> None:
    console = Console(highlight=False)
    table = Table(title=scenario.name, title_justify="left", show_lines=True)
    table.add_column("")
    for name in ("step", "answer"):
        table.add_column(name, overflow="fold", ratio=1)
    table.add_column("first sound", justify="right")
    for outcome in outcomes:
        passed = not outcome.failures
        said = Text(outcome.step)
        if outcome.heard and not passed:
            said.append(f"\nunderstood: {outcome.heard}", style="dim")
        answer = Text(outcome.answer)
        for failure in outcome.failures:
            answer.append(f"{chr(10) if answer.plain else ''}{failure}", style="red")
        sound_ms = outcome.first_sound_ms
        table.add_row(
            Text("✓", "green") if passed else Text("✗", "bold red"),
            said,
            answer,
            f"{sound_ms:.0f} ms" if sound_ms is not None else "",
        )
    console.print(table)
    console.print(draw_summary(summary))
    failed = sum(bool(outcome.failures) for outcome in outcomes)
    console.print(
        Text(f"{failed} of {len(outcomes)} steps failed", "bold red")
        if failed
        else Text(f"All {len(outcomes)} steps passed", "bold green")
    )
