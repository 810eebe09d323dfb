"""``voicelive-agent emulate``: start the service. ``voicelive-agent models …``: manage models."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from voicelive_agent.emulator.settings import Settings, load_settings
from voicelive_agent.emulator.stt.engines import ENGINES as EARS
from voicelive_agent.emulator.tts.engines import ENGINES as VOICES


def _list_engines(engines: Mapping[str, str]) -> str:
    return "\n".join(f"  {name:24}{what}" for name, what in engines.items())


_EPILOG = f"""\
Ears, for --stt (auto: the first); WHAT is written behind them, as in sherpa-onnx:WHAT:
{_list_engines(EARS)}

Voices, for --tts (auto: espeak or flite, whichever is installed):
{_list_engines(VOICES)}

Each option is an environment variable too: --api-key is VOICELIVE_EMULATOR_API_KEY, --agent is
VOICELIVE_EMULATOR_AGENTS (several: separated by commas), --agent-protocol is
VOICELIVE_EMULATOR_AGENT_PROTOCOLS.

  voicelive-agent models         list, fetch and remove models of better ears and voices
  voicelive-agent replay FILE    play a recorded session against a server again
"""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="voicelive-agent emulate",
        description="A local Voice Live: the unmodified azure-ai-voicelive SDK talks to it, and "
        "it hears, asks your agent, and speaks, offline.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = parser.add_argument_group("where it listens")
    where.add_argument("--host", help="default 127.0.0.1: this machine alone")
    where.add_argument("--port", type=int, help="default 8090; 0 picks a free one")
    where.add_argument("--api-key", metavar="KEY", help="let in this key or token alone")

    who = parser.add_argument_group("who answers")
    who.add_argument(
        "--agent",
        dest="agents",
        action="append",
        metavar="NAME=URL",
        help="the agent that clients call NAME; repeatable; without NAME= for any other name; "
        "default: any name on this machine at $PORT, or 8088",
    )
    who.add_argument(
        "--agent-protocol",
        dest="agent_protocols",
        action="append",
        metavar="[NAME=]PROTOCOL",
        help="invocations (default) or responses, for one agent or for all",
    )
    who.add_argument(
        "--agent-timeout",
        type=float,
        metavar="S",
        help="how long an agent or model may be silent; default 60 seconds",
    )
    who.add_argument(
        "--start-agent",
        action="store_true",
        default=None,
        help="start the agent server (voicelive-agent serve) too, and end together with it",
    )
    who.add_argument("--model-url", metavar="URL", help="OpenAI-compatible endpoint for model=…")
    who.add_argument(
        "--model-name", metavar="NAME", help="ask for this model, whatever model= says"
    )
    who.add_argument("--model-key", metavar="KEY", help="its API key")
    who.add_argument(
        "--model-script", type=Path, metavar="FILE", help="offline answers for model=…"
    )

    speech = parser.add_argument_group("hearing and speaking")
    speech.add_argument("--stt", metavar="ENGINE", help="speech to text; see below")
    speech.add_argument("--tts", metavar="ENGINE", help="text to speech; see below")
    speech.add_argument("--end-of-turn", metavar="MODEL", help="none (default) or smart-turn")
    speech.add_argument(
        "--phrases", type=Path, metavar="FILE", help="words to listen for, one phrase a line"
    )
    speech.add_argument("--models-dir", type=Path, metavar="DIR", help="where models are kept")

    what = parser.add_argument_group("what it keeps and says")
    what.add_argument(
        "--record", type=Path, metavar="DIR", help="keep sound and events of each session"
    )
    what.add_argument("--session-minutes", type=float, metavar="N", help="limit; default 60")
    what.add_argument("--max-sessions", type=int, metavar="N", help="at once; default 256")
    what.add_argument("--log-level", choices=["debug", "info", "warning", "error"])
    return parser


def describe_errors(error: ValidationError) -> str:
    """One line for each setting that can't be used, with its option."""
    lines = []
    for one in error.errors(include_url=False, include_input=False):
        name = str(one["loc"][0]) if one["loc"] else ""
        option = {"agents": "--agent", "agent_protocols": "--agent-protocol"}.get(
            name, f"--{name.replace('_', '-')}"
        )
        reason = one["msg"].removeprefix("Value error, ")
        lines.append(f"{option}: {reason}" if name else reason)
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] == "models":
        from voicelive_agent.emulator.models import main as manage_models

        return int(manage_models(arguments[1:]) or 0)
    parser = build_parser()
    options: dict[str, Any] = vars(parser.parse_args(arguments))
    try:
        settings = load_settings(**options)
        settings.read_phrases()
    except ValidationError as error:
        parser.error(describe_errors(error))
    except ValueError as error:
        parser.error(str(error))
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # It logs each request's URL at info.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return run(settings)


def run(settings: Settings) -> int:
    """Serve until stopped; the exit code."""
    try:
        from voicelive_agent.emulator.agent_server import AgentServerError
        from voicelive_agent.emulator.engines import EngineError
        from voicelive_agent.emulator.service import ServiceError, serve
        from voicelive_agent.emulator.welcome import render_welcome
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"{error.name} is missing: pip install 'voicelive-agent[emulator,espeak]', or leave "
            "out espeak (GPL-3.0-or-later) where the system has libflite\n"
        )
        return 1

    def say_ready(url: str, engines: Any) -> None:
        sys.stdout.write(render_welcome(url, settings, engines))
        sys.stdout.flush()

    try:
        return asyncio.run(serve(settings, say_ready))
    except (ServiceError, AgentServerError, EngineError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
