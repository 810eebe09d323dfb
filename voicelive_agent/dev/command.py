"""``voicelive-agent dev``: an agent and a local Voice Live, with reload."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import AnyHttpUrl

from voicelive_agent.command_name import spell_command, spell_commands
from voicelive_agent.emulator import command as emulate
from voicelive_agent.emulator.settings import ANY_AGENT, Settings
from voicelive_agent.listening import ListenError, bind
from voicelive_agent.settings_sources import add_options

DESCRIPTION = """\
Serve an agent and a local Voice Live in front of it. When the agent's files change (Python, texts,
YAML, .env in this directory), the next turn meets the new code, and the conversation goes on; where
the new code can't be used, you are told why, and the code before it goes on answering.

  voicelive-agent dev
      app/agent.py of this directory (app.agent:reply)
  voicelive-agent dev my_agent:reply
      the function reply in my_agent.py
  voicelive-agent dev --record recordings
      sound and events of each session, for `voicelive-agent replay`

Then, in another terminal: voicelive-agent talk, or voicelive-agent say "hello". Ctrl-C ends both.
"""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="voicelive-agent dev",
        usage="voicelive-agent dev [MODULE:ATTRIBUTE] [options]",
        description=spell_commands(DESCRIPTION),
        epilog=spell_commands(emulate.EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "module",
        nargs="?",
        metavar="MODULE:ATTRIBUTE",
        help="who answers, or model [VOICELIVE_AGENT, default app.agent:reply]",
    )
    parser.add_argument(
        "--no-reload",
        action="store_true",
        help="leave changed files alone, and end where the agent server ends",
    )
    parser.add_argument("--env-file", type=Path, metavar="FILE", help="read this instead of .env")
    add_options(parser, Settings)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    parser = build_parser()
    options = vars(parser.parse_args(sys.argv[1:] if arguments is None else arguments))
    module, no_reload = options.pop("module"), options.pop("no_reload")
    env_file: Path | None = options["env_file"]
    settings = _with_agent(parser, emulate.read_settings(parser, options))
    try:
        listener = bind("127.0.0.1", settings.agent_port, names="--agent-port or PORT")
    except ListenError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        from voicelive_agent.dev.agent_server import AgentServerError
        from voicelive_agent.dev.news import News
        from voicelive_agent.dev.reload import ReloadingAgent
    except ModuleNotFoundError as error:
        sys.stderr.write(
            spell_commands(f"{error.name} is missing: pip install 'voicelive-agent[emulator]'\n")
        )
        return 1
    served = [*([module] if module else ()), *(["--env-file", str(env_file)] if env_file else ())]
    agent = ReloadingAgent(listener, served, News(), None if no_reload else Path.cwd())
    try:
        return emulate.run(settings, beside=agent.running)
    except AgentServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _with_agent(parser: argparse.ArgumentParser, settings: Settings) -> Settings:
    """The settings with the agent that is started here as the one of any name."""
    if "agents" not in settings.model_fields_set:
        return settings
    if ANY_AGENT in settings.agents:
        parser.exit(
            2,
            "--agent (VOICELIVE_EMULATOR_AGENTS): dev starts the agent of any name itself, at"
            f" PORT: give others as NAME=URL, or run {spell_command('emulate')}\n",
        )
    url = AnyHttpUrl(f"http://127.0.0.1:{settings.agent_port}")
    return settings.model_copy(update={"agents": {**settings.agents, ANY_AGENT: url}})
