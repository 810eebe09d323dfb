"""``voicelive-agent say``: speak one text to an agent, and tell, play or keep what it answers."""

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from voicelive_agent.client.check.scenario import ScenarioError
from voicelive_agent.client.check.voice import add_voice_option, open_voice
from voicelive_agent.client.connection import ConnectError, expect_listener, find_endpoint
from voicelive_agent.client.core.screen import Failure, Notice, Screen, Screens
from voicelive_agent.client.options import build_parser
from voicelive_agent.client.recording import open_recording
from voicelive_agent.client.settings import Settings, load_settings
from voicelive_agent.client.sound.devices import DeviceError, Loudspeaker
from voicelive_agent.client.sound.file_devices import (
    FileLoudspeaker,
    FileMicrophone,
    SilentLoudspeaker,
)
from voicelive_agent.client.talk import Talk
from voicelive_agent.client.troubles import ConversationError, quiet_logs
from voicelive_agent.client.ui.json_lines import JsonLines
from voicelive_agent.client.ui.terminal import Terminal
from voicelive_agent.settings_sources import SettingsError

FAILED, USAGE = 1, 2
DESCRIPTION = """\
Speak one text to an agent, with a synthetic voice, and hear what it answers.

  voicelive-agent say "when are you open"
      to the agent behind a running emulator; prints what it heard and what it says
  voicelive-agent say "when are you open" -o answer.wav
      keeps the answer as a WAV file, without playing it
  voicelive-agent say "when are you open" --text
      typed instead of spoken: the same turn without speech recognition
  voicelive-agent say "when are you open" --endpoint https://RESOURCE.services.ai.azure.com \\
      --agent-name AGENT --project-name PROJECT
      to a deployed agent; sign in with `az login` first
"""
EPILOG = """\
The answer is played where this machine has a loudspeaker and PyAudio is installed
(pip install 'voicelive-agent[microphone]'). No greeting is asked for, unless with --greet.
The other options are those of `voicelive-agent talk`; --json prints one event a line.

Exit codes: 0 answered, 1 no answer in time or the agent failed, 2 wrong options.
"""


def main(arguments: Sequence[str] | None = None, *, profile: Path | None = None) -> int:
    """The exit code; ``profile`` is the one to use where no other is given."""
    quiet_logs()
    parser = _build_parser()
    parser.set_defaults(profile=profile)
    options = vars(parser.parse_args(arguments))
    text, is_typed, voice = (options.pop(name) for name in ("said", "typed", "caller_voice"))
    is_typed = is_typed or bool(options["text_only"])
    try:
        settings = _load_settings(options, text, is_typed=is_typed)
    except SettingsError as error:
        parser.exit(USAGE, f"{error}\n")
    screen = JsonLines() if settings.json_lines else Terminal()
    try:
        return asyncio.run(_say(text, settings, screen, voice=voice, is_typed=is_typed))
    except KeyboardInterrupt:
        return FAILED
    except (ConversationError, ConnectError, DeviceError, ScenarioError) as error:
        screen.show(Failure(str(error)))
        return FAILED
    finally:
        screen.close()


def _build_parser() -> argparse.ArgumentParser:
    parser = build_parser(
        prog="voicelive-agent say",
        usage="voicelive-agent say TEXT [options]",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.add_argument("said", metavar="TEXT", help="what to say")
    parser.add_argument(
        "--text", dest="typed", action="store_true", help="send it typed, not spoken"
    )
    parser.add_argument("-o", dest="output", metavar="FILE", help="the same as --output")
    add_voice_option(parser)
    return parser


def _load_settings(options: dict[str, Any], text: str, *, is_typed: bool) -> Settings:
    """Raises SettingsError."""
    if options["input"]:
        raise SettingsError("--input: say speaks its TEXT; voicelive-agent talk takes files")
    if not text.strip():
        raise SettingsError("TEXT: is empty; what shall be said?")
    given = {name: value for name, value in options.items() if value is not None}
    if is_typed:
        # There is no microphone whose noise and echo would be taken out.
        given = {"noise_reduction": "none", "echo_cancellation": False, **given}
    else:
        # The text's speech is an input as a file's would be.
        given["input"] = [text]
    settings = load_settings(given)
    if given.keys() & {"greet", "greeting"}:
        return settings
    return settings.model_copy(update={"greet": False, "greeting": None})


async def _say(
    text: str,
    settings: Settings,
    screen: Terminal | JsonLines,
    *,
    voice: str | None,
    is_typed: bool,
) -> int:
    endpoint, is_found = await find_endpoint(settings)
    if is_found:
        screen.show(Notice(f"No --endpoint is given: talking to the emulator at {endpoint}."))
    spoken = b""
    if not is_typed:
        await expect_listener(settings, endpoint)
        async with open_voice(voice, settings.sent_rate_hz) as speak:
            spoken = await speak(text)
    loudspeaker = open_loudspeaker(settings)
    microphone = None if is_typed else FileMicrophone([spoken], hold=settings.is_greeted)
    shown_on: Screen = screen
    with contextlib.ExitStack() as stack:
        if recording := open_recording(settings, screen):
            stack.callback(recording.close)
            shown_on = Screens(shown_on, recording)
            loudspeaker = recording.playing(loudspeaker)
        talk = Talk(
            settings,
            endpoint,
            shown_on,
            loudspeaker,
            recording.hearing(microphone) if recording and microphone else microphone,
            lines=_one(text) if is_typed else None,
            lines_wait=is_typed,
        )
        talk.end_on_signals()
        failed = await talk.run() != 0
    return FAILED if failed or not talk.conversation.answers else 0


def open_loudspeaker(settings: Settings) -> Loudspeaker:
    """A file, or this machine's loudspeaker; where it has none, nobody listens, and fast."""
    if settings.output:
        return FileLoudspeaker(settings.output, fast=True)
    try:
        from voicelive_agent.client.sound.hardware_devices import HardwareLoudspeaker
        from voicelive_agent.client.sound.portaudio import find_device, list_devices

        find_device(list_devices(), "loudspeaker", settings.loudspeaker)
    except DeviceError:
        if settings.loudspeaker:
            raise
        return SilentLoudspeaker(fast=True)
    return HardwareLoudspeaker(settings.loudspeaker)


async def _one(text: str) -> AsyncIterator[str]:
    yield text
