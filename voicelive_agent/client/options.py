"""Command-line options of the client, made from its settings."""

import argparse

from voicelive_agent.client.settings import WHERE, Settings
from voicelive_agent.command_name import spell_commands
from voicelive_agent.settings_sources import add_options

DESCRIPTION = """\
Talk to a voice agent: a deployed one through Voice Live, or a local one through the emulator.

  voicelive-agent talk
      the agent behind a running emulator (voicelive-agent dev)
  voicelive-agent talk --endpoint https://RESOURCE.services.ai.azure.com \\
      --agent-name AGENT --project-name PROJECT
      a deployed agent; sign in with `az login` first
  voicelive-agent talk --endpoint https://RESOURCE.services.ai.azure.com --model gpt-realtime \\
      --instructions "Be brief." --voice alloy --tools my_tools.py
      a model, with Python functions as its tools
  voicelive-agent talk --input question.wav --output answer.wav --json
      a file speaks and a file listens: no sound hardware needed
  voicelive-agent talk --text-only
      type and read

`voicelive-agent say` speaks one text and tells the answer; `voicelive-agent check` holds a scripted
conversation as an end-to-end check.
"""

EPILOG = """\
While you talk, /help lists what you can type; Ctrl-C ends.

Each option can be set as environment variable, too: --voice-rate is VOICELIVE_VOICE_RATE or
AZURE_VOICELIVE_VOICE_RATE, also in a file .env; or in a profile (--profile FILE, TOML):
voice-rate = "1.2". The command line comes first, then the environment and .env, then the profile.
Lists stand in a variable with ; between their parts, and in a profile as a TOML array.

Exit codes: 0 ended as it should, 1 failed, 2 wrong options, 3 no answer to an input.
"""


GROUPS = (WHERE, "sound", "answers", "tools", "voice", "taking turns", "hearing")


def build_parser(
    *,
    prog: str = "voicelive-agent talk",
    usage: str = "voicelive-agent talk [options]",
    description: str = DESCRIPTION,
    epilog: str = EPILOG,
) -> argparse.ArgumentParser:
    """A parser with an option for each setting, whose values are text for ``load_settings``."""
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=usage,
        description=spell_commands(description),
        epilog=spell_commands(epilog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_options(parser, Settings, first=GROUPS)
    return parser
