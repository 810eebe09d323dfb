"""The command line ``voicelive-agent``: one command for each thing that people do."""

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from voicelive_agent import __version__
from voicelive_agent.command_name import spell_commands


class Command(NamedTuple):
    """A command: where its ``main`` is, imported with it alone, and what it does."""

    module: str
    what: str


COMMANDS = {
    "dev": Command(
        "voicelive_agent.dev.command", "serve an agent and a local Voice Live, and reload"
    ),
    "talk": Command("voicelive_agent.client.command", "talk to an agent: local or deployed"),
    "say": Command("voicelive_agent.client.say", "speak one text to an agent and hear its answer"),
    "check": Command(
        "voicelive_agent.client.check.command", "hold a scripted conversation as a check"
    ),
    "serve": Command("voicelive_agent.server.serve", "serve an agent alone, as it is deployed"),
    "manifest": Command(
        "voicelive_agent.server.manifest", "print what azure.yaml says of the wires that are served"
    ),
    "emulate": Command("voicelive_agent.emulator.command", "run a local Voice Live alone"),
    "contract": Command(
        "voicelive_agent.contract.command", "judge any voice agent by its protocol"
    ),
    "replay": Command("voicelive_agent.emulator.watch.replay", "play a recorded session again"),
    "models": Command(
        "voicelive_agent.emulator.models.command", "list, fetch and remove speech models"
    ),
    "conversations": Command(
        "voicelive_agent.server.conversations.__main__", "list, export and purge what is stored"
    ),
}

_HELP = """\
usage: voicelive-agent COMMAND [options]

One Python function as a voice agent for Microsoft Foundry: heard, tested and served here.

{commands}

  voicelive-agent dev my_agent:reply
      the function reply in my_agent.py, to be talked to; a change of the file is heard next turn
  voicelive-agent talk
      in another terminal: with your microphone, or --text-only
  voicelive-agent say "what is the weather in Seattle"
      or without one

voicelive-agent COMMAND --help tells the rest. Settings: .env.example. Documentation: docs/index.md.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code."""
    try:
        return _run(arguments)
    finally:
        _lose_what_is_unwritten()


def _run(arguments: Sequence[str] | None) -> int:
    given = sys.argv[1:] if arguments is None else list(arguments)
    name, *rest = given or [""]
    if name in ("--version", "-V"):
        sys.stdout.write(f"voicelive-agent {__version__}\n")
        return 0
    if name in ("--help", "-h", "help"):
        sys.stdout.write(_help())
        return 0
    if name not in COMMANDS:
        return _refuse(name)
    try:
        module = importlib.import_module(COMMANDS[name].module)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("voicelive_agent."):
            raise
        sys.stderr.write(f"{name} is not part of this installation, which is for serving agents\n")
        return 1
    _tell_unknown_names(name, rest)
    return int(module.main(rest) or 0)


def _lose_what_is_unwritten() -> None:
    """Output that is closed or full: Python would try again at its end, and exit with 120."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        if stream is None:
            continue
        try:
            stream.flush()
        except (OSError, ValueError):
            # The number of a stream that is closed is free, and may be what this is given.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)


def _tell_unknown_names(name: str, arguments: Sequence[str]) -> None:
    # Here, not above: the help of all commands imports none of it.
    from voicelive_agent.settings_sources import print_unknown_names

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--env-file", type=Path)
    # `dev` serves quietly what it has told about itself.
    if name == "serve" and "--quiet" in arguments:
        return
    with contextlib.suppress(argparse.ArgumentError):
        print_unknown_names(parser.parse_known_args(arguments)[0].env_file)


def _help() -> str:
    lines = (f"  {name:16}{command.what}" for name, command in COMMANDS.items())
    return spell_commands(_HELP.format(commands="\n".join(lines)))


def _refuse(name: str) -> int:
    import difflib

    close = difflib.get_close_matches(name, COMMANDS, n=1)
    meant = f" Did you mean {close[0]}?" if close else ""
    told = f"voicelive-agent has no command {name!r}.{meant}\n\n" if name else ""
    sys.stderr.write(told + _help())
    return 2
