"""``voicelive-agent check``: a scripted conversation as an end-to-end check.

The person's side is spoken by a speech engine and sent as a microphone would send it, so what is
checked is the whole: hearing, taking turns, the agent, speaking, barge-in. See
``client.check.scenario`` for what a scenario may say.
"""

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from voicelive_agent.client.check.run import Outcome, ScenarioRun
from voicelive_agent.client.check.scenario import Scenario, ScenarioError, read_scenario
from voicelive_agent.client.check.voice import CallerVoice, add_voice_option, open_voice
from voicelive_agent.client.connection import ConnectError, find_endpoint, warn_of_plain_text
from voicelive_agent.client.core.latency import Summary
from voicelive_agent.client.options import build_parser
from voicelive_agent.client.settings import Settings, load_settings
from voicelive_agent.client.sound.devices import DeviceError
from voicelive_agent.client.troubles import ConversationError, quiet_logs
from voicelive_agent.client.ui.json_lines import describe
from voicelive_agent.client.ui.shown_text import escape_json, show_lines, show_text
from voicelive_agent.client.ui.terminal import Terminal, draw_summary
from voicelive_agent.settings_sources import SettingsError

FAILED, USAGE = 1, 2
DESCRIPTION = """\
Run a scripted conversation against an agent, deployed or local, and say what failed.

  voicelive-agent check my.yaml
      your scenario, with the agent of a running emulator
  voicelive-agent check my.yaml --endpoint https://RESOURCE.services.ai.azure.com \\
      --agent-name AGENT --project-name PROJECT
      the same with a deployed agent
"""
EPILOG = """\
All options of `voicelive-agent talk` say whom to talk to and how; --output keeps what the agent
said.
Exit codes: 0 all steps passed, 1 some failed, 2 a wrong scenario or option.
"""


def main(
    arguments: Sequence[str] | None = None,
    *,
    profile: Path | None = None,
    scenarios: Sequence[Path] = (),
) -> int:
    """The exit code; ``profile`` and ``scenarios`` are those where no others are given."""
    quiet_logs()
    parser = _build_parser()
    parser.set_defaults(profile=profile)
    options = vars(parser.parse_args(arguments))
    paths, verbose, voice = (
        [Path(path) for path in options.pop("scenarios")] or scenarios,
        options.pop("verbose"),
        options.pop("caller_voice"),
    )
    if not paths:
        parser.error("which scenario? Name a YAML file, such as client/checks/weather.yaml")
    try:
        checks = [
            (scenario, load_settings(_merge(scenario, options)))
            for scenario in map(read_scenario, paths)
        ]
    except (ScenarioError, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(_check_all(checks, voice, verbose))
    return FAILED


async def _check_all(
    checks: Sequence[tuple[Scenario, Settings]], voice: str | None, verbose: bool
) -> int:
    codes = [
        await _check(scenario, settings, voice or scenario.caller_voice, verbose)
        for scenario, settings in checks
    ]
    return max(codes)


def _merge(scenario: Scenario, options: dict[str, Any]) -> dict[str, Any]:
    """Options go before the settings of the scenario."""
    unknown = scenario.settings.keys() - options.keys()
    if unknown:
        raise ScenarioError(f"settings: unknown {', '.join(sorted(unknown))}")
    given = {name: value for name, value in options.items() if value is not None}
    return {**scenario.settings, **given}


async def _check(scenario: Scenario, settings: Settings, voice: str | None, verbose: bool) -> int:
    terminal = Terminal(sys.stderr) if verbose else None
    try:
        endpoint, is_found = await find_endpoint(settings)
        if is_found:
            sys.stderr.write(f"No --endpoint is given: talking to the emulator at {endpoint}.\n")
        if not verbose and (warning := warn_of_plain_text(settings, endpoint)):
            sys.stderr.write(f"{warning}\n")
        async with _open_caller(scenario, settings, voice) as speak:
            run = ScenarioRun(scenario, settings, endpoint, speak, shown_on=terminal)
            outcomes = await run.run()
    except (ConnectError, ConversationError, DeviceError, ScenarioError) as error:
        sys.stderr.write(f"{show_lines(str(error))}\n")
        return FAILED
    finally:
        if terminal:
            terminal.close()
    if settings.json_lines:
        _write_json(scenario, outcomes, run.summary)
    else:
        _draw(scenario, outcomes, run.summary)
    if run.trouble:
        sys.stderr.write(f"{show_lines(run.trouble)}\n")
    return FAILED if any(outcome.failures for outcome in outcomes) else 0


def _open_caller(
    scenario: Scenario, settings: Settings, voice: str | None
) -> AbstractAsyncContextManager[CallerVoice]:
    """A voice takes seconds to load, and packages that who only types may not have."""
    if scenario.is_spoken:
        return open_voice(voice, settings.sent_rate_hz)
    return contextlib.nullcontext(_say_nothing)


async def _say_nothing(text: str) -> bytes:
    return b""


def _build_parser() -> argparse.ArgumentParser:
    parser = build_parser(
        prog="voicelive-agent check",
        usage="voicelive-agent check SCENARIO.yaml… [options]",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.add_argument(
        "scenarios", metavar="SCENARIO", nargs="*", help="YAML, such as client/checks/weather.yaml"
    )
    add_voice_option(parser)
    parser.add_argument(
        "--verbose", action="store_true", help="show the conversation while it goes on"
    )
    return parser


def _write_json(scenario: Scenario, outcomes: list[Outcome], summary: Summary) -> None:
    for outcome in outcomes:
        line = {"kind": "step", **asdict(outcome), "passed": not outcome.failures}
        sys.stdout.write(escape_json(json.dumps(line, ensure_ascii=False)) + "\n")
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
        if outcome.attempts > 1:
            said.append(f"\nsaid {outcome.attempts} times", style="dim")
        if outcome.heard and not passed:
            said.append(f"\nunderstood: {show_text(outcome.heard)}", style="dim")
        answer = Text(show_text(outcome.answer))
        if outcome.interrupted:
            answer.append(f"{' ' if answer.plain else ''}(interrupted)", style="dim")
        for failure in outcome.failures:
            answer.append(f"{chr(10) if answer.plain else ''}{show_text(failure)}", style="red")
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
