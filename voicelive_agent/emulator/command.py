"""``voicelive-agent emulate``: start a local Voice Live."""

import argparse
import asyncio
import gc
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.settings import Settings, load_settings
from voicelive_agent.emulator.stt.engines import ENGINES as STT_ENGINES
from voicelive_agent.emulator.tts.engines import ENGINES as TTS_ENGINES
from voicelive_agent.settings_sources import SettingsError, add_options

DESCRIPTION = """\
A local Voice Live: the unmodified azure-ai-voicelive SDK talks to it, and it hears, asks your
agent, and speaks, offline. Your agent has to run already, here or anywhere; `voicelive-agent dev`
starts both.

  voicelive-agent emulate
      the agent is the one of this machine (voicelive-agent serve)
  voicelive-agent emulate --agent desk=http://127.0.0.1:9000 --agent lamp=http://127.0.0.1:9001
      two agents, which clients choose by agent_name
  voicelive-agent emulate --record recordings
      sound and events of each session, for `voicelive-agent replay`

Then, in another terminal: voicelive-agent talk
"""


def _list_engines(engines: Mapping[str, str]) -> str:
    return "\n".join(f"  {name:24}{what}" for name, what in engines.items())


EPILOG = f"""\
Speech to text, for --stt (auto: moonshine, and faster-whisper for other languages
where it is installed); WHAT follows it, as in sherpa-onnx:WHAT:
{_list_engines(STT_ENGINES)}

Text to speech, for --tts (auto: hibari, and espeak for other languages where it is installed):
{_list_engines(TTS_ENGINES)}

`voicelive-agent models` lists, fetches and removes the models of both. Each option can be set as
the variable in brackets, in the environment or in .env, or as a key of [emulator] in
voicelive.toml, such as session-minutes = 5.
"""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="voicelive-agent emulate",
        usage="voicelive-agent emulate [options]",
        description=spell_commands(DESCRIPTION),
        epilog=spell_commands(EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--env-file", type=Path, metavar="FILE", help="read this instead of .env")
    add_options(parser, Settings)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    parser = build_parser()
    options = vars(parser.parse_args(sys.argv[1:] if arguments is None else arguments))
    return run(read_settings(parser, options))


def read_settings(parser: argparse.ArgumentParser, options: Mapping[str, Any]) -> Settings:
    """The settings; ends the program where one of them can't be used."""
    try:
        settings = load_settings(**options)
        settings.read_phrases()
    except (SettingsError, ValueError) as error:
        parser.exit(2, f"{error}\n")
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # It logs each request's URL at info.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # It counts changes; dev says which.
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    return settings


def run(
    settings: Settings,
    *,
    beside: Callable[[Any], AbstractAsyncContextManager[Any]] = nullcontext,
) -> int:
    """Serve until stopped, and keep ``beside`` open as long, made of the feed; the exit code."""
    try:
        from voicelive_agent.emulator.engines import EngineError
        from voicelive_agent.emulator.service import ServiceError, serve
        from voicelive_agent.emulator.tls import TlsError, find_certificate
        from voicelive_agent.emulator.welcome import render_welcome
        from voicelive_agent.listening import ListenError
    except ModuleNotFoundError as error:
        missing = (
            f"{error.name} is missing: pip install 'voicelive-agent[emulator]', and espeak "
            "(GPL-3.0-or-later) beside it for other languages than English\n"
        )
        sys.stderr.write(spell_commands(missing))
        return 1

    def say_ready(url: str, engines: Any) -> None:
        # What is loaded stays: to look through it for garbage holds all sessions for 0.1 s.
        gc.collect()
        gc.freeze()
        certificate = find_certificate(settings)
        trust = list(certificate.describe_trust()) if certificate else []
        welcome = render_welcome(url, settings, engines, trust)
        sys.stdout.write(spell_commands(welcome))
        sys.stdout.flush()

    try:
        return asyncio.run(serve(settings, say_ready, beside))
    except (ServiceError, TlsError, ListenError, EngineError) as error:
        sys.stderr.write(spell_commands(f"{error}\n"))
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
