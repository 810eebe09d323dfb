"""The command line ``voicelive-agent``: one command for each thing that people do."""

import sys
from collections.abc import Sequence

_COMMANDS = {
    "serve": ("voicelive_agent.server.serve", "serve an agent"),
    "emulate": ("voicelive_agent.emulator.command", "run a local Voice Live"),
    "talk": ("voicelive_agent.client.command", "talk to an agent"),
    "say": ("voicelive_agent.client.say", "speak one text to an agent, and hear its answer"),
    "check": ("voicelive_agent.client.check.command", "hold a scripted conversation as a check"),
    "models": ("voicelive_agent.emulator.models.command", "list, fetch and remove speech models"),
    "replay": ("voicelive_agent.emulator.watch.replay", "play a recorded session again"),
    "conversations": ("voicelive_agent.server.conversations.__main__", "stored conversations"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    import importlib

    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] not in _COMMANDS:
        lines = "\n".join(f"  {name:16}{what}" for name, (_, what) in _COMMANDS.items())
        sys.stderr.write(f"usage: voicelive-agent COMMAND [options]\n\n{lines}\n")
        return 2
    module = importlib.import_module(_COMMANDS[arguments[0]][0])
    return int(module.main(list(arguments[1:])) or 0)
