"""``voicelive-agent talk``: talk to an agent. ``voicelive-agent check``: check one."""

import asyncio
import contextlib
import functools
import io
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from voicelive_agent.command_name import spell_commands

try:
    from voicelive_agent.client.connection import ConnectError, find_endpoint
    from voicelive_agent.client.core.screen import Failure, Notice, Screen, Screens
    from voicelive_agent.client.core.tool_calls.functions import (
        Functions,
        ToolsError,
        load_functions,
    )
    from voicelive_agent.client.options import build_parser
    from voicelive_agent.client.recording import open_recording
    from voicelive_agent.client.settings import Settings, load_settings
    from voicelive_agent.client.sound.devices import DeviceError, Loudspeaker, Microphone
    from voicelive_agent.client.talk import Talk
    from voicelive_agent.client.troubles import ConversationError, quiet_logs
    from voicelive_agent.client.ui.json_lines import JsonLines
    from voicelive_agent.client.ui.keyboard import is_terminal, prompt_lines, read_lines
    from voicelive_agent.client.ui.terminal import Terminal
    from voicelive_agent.settings_sources import SettingsError
except ModuleNotFoundError as error:
    sys.exit(spell_commands(f"{error.name} is missing: pip install 'voicelive-agent[client]'"))

USAGE = 2


def main(arguments: Sequence[str] | None = None, *, profile: Path | None = None) -> int:
    """The exit code, as the epilog of ``--help`` says.

    ``profile`` is the one to use where no other is given.
    """
    parser = build_parser()
    parser.set_defaults(profile=profile)
    parser.add_argument(
        "--list-devices", action="store_true", help="microphones and loudspeakers, then exit"
    )
    options = vars(parser.parse_args(arguments))
    quiet_logs()
    if options.pop("list_devices"):
        return _list_devices()
    try:
        settings = load_settings(options)
        functions = load_functions(settings.tools) if settings.tools else None
    except (SettingsError, ToolsError) as error:
        parser.exit(USAGE, f"{error}\n")
    screen = _open_screen(settings)
    try:
        return asyncio.run(_talk(settings, screen, functions))
    except KeyboardInterrupt:
        return 0
    except (ConversationError, ConnectError, DeviceError) as error:
        screen.show(Failure(str(error)))
        return 1
    finally:
        screen.close()


async def _talk(
    settings: Settings, screen: Terminal | JsonLines, functions: Functions | None
) -> int:
    endpoint, is_found = await find_endpoint(settings)
    if is_found:
        screen.show(Notice(f"No --endpoint is given: talking to the emulator at {endpoint}."))
    loudspeaker, microphone = _open_devices(settings)
    lines, waits = _typed_lines(settings, screen)
    shown_on: Screen = screen
    with contextlib.ExitStack() as stack:
        if recording := open_recording(settings, screen):
            stack.callback(recording.close)
            shown_on = Screens(screen, recording)
            loudspeaker = recording.playing(loudspeaker)
            microphone = recording.hearing(microphone) if microphone else None
        talk = Talk(
            settings,
            endpoint,
            shown_on,
            loudspeaker,
            microphone,
            functions=functions,
            lines=lines,
            lines_wait=waits,
        )
        talk.end_on_signals()
        try:
            return await talk.run()
        finally:
            if talk.was_ready:
                shown_on.show(talk.summary)


def _typed_lines(
    settings: Settings, screen: Terminal | JsonLines
) -> tuple[AsyncIterator[str] | None, bool]:
    """What is typed, and whether each line waits for the answer to the one before."""
    if "-" in settings.input:
        return None, False
    if sys.stdin is None:
        return read_lines(io.StringIO()), settings.text_only
    if _is_prompted(settings):
        toolbar = screen.toolbar if isinstance(screen, Terminal) else None
        return prompt_lines(toolbar), False
    # Next to a microphone or a file the end of the lines ends nothing.
    return read_lines(sys.stdin), settings.text_only


def _open_screen(settings: Settings) -> Terminal | JsonLines:
    if settings.json_lines:
        return JsonLines()
    return Terminal(prompted=_is_prompted(settings))


def _is_prompted(settings: Settings) -> bool:
    """Whether a prompt stands at the bottom of the screen."""
    return is_terminal() and not settings.json_lines and "-" not in settings.input


def _open_devices(settings: Settings) -> tuple[Loudspeaker, Microphone | None]:
    """Hardware is imported only where it is used."""
    from voicelive_agent.client.sound.file_devices import (
        FileLoudspeaker,
        FileMicrophone,
        SilentLoudspeaker,
    )

    microphone: Microphone | None = None
    if settings.input:
        microphone = FileMicrophone(
            settings.input,
            fast=settings.fast,
            hold=settings.is_greeted,
        )
    elif settings.uses_hardware:
        from voicelive_agent.client.sound.hardware_devices import HardwareMicrophone

        microphone = HardwareMicrophone(settings.microphone)
    if settings.output:
        return FileLoudspeaker(settings.output, fast=settings.fast), microphone
    if settings.uses_hardware or settings.loudspeaker:
        from voicelive_agent.client.sound.hardware_devices import HardwareLoudspeaker

        return HardwareLoudspeaker(settings.loudspeaker), microphone
    return SilentLoudspeaker(), microphone


def _list_devices() -> int:
    from voicelive_agent.client.sound import hardware_devices

    try:
        found = hardware_devices.list_devices()
    except DeviceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{device}\n" for device in found))
    return 0


def run_with_profile(profile: Path, arguments: Sequence[str] | None = None) -> int:
    """``python -m client [talk | check | say] …`` of a folder with a profile of its own.

    ``check`` without a scenario runs all of the folder's ``checks``.
    """
    from voicelive_agent.client import say
    from voicelive_agent.client.check import command as check
    from voicelive_agent.settings_sources import print_unknown_names

    print_unknown_names()
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    scenarios = sorted(profile.parent.glob("checks/*.yaml"))
    commands: dict[str, Callable[..., int]] = {
        "talk": main,
        "check": functools.partial(check.main, scenarios=scenarios),
        "say": say.main,
    }
    command = commands.get(arguments[0]) if arguments else None
    default = profile if profile.exists() else None
    if command is None:
        return main(arguments, profile=default)
    return command(arguments[1:], profile=default)
