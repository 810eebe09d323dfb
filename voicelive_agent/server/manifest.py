"""``voicelive-agent manifest``: what azure.yaml has to say of the wires that are served.

azd deploys what the file declares: the protocols, and the metadata by which Voice Live chooses how
to reach an agent. ``bridgeProtocolVersion`` moves it from Invocations to the Bridge, so it stands
there with the Bridge alone.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from voicelive_agent.command_name import spell_commands
from voicelive_agent.server.settings import Settings, WireName, load_settings
from voicelive_agent.settings_sources import SettingsError, variable_of

DESCRIPTION = """\
Print what azure.yaml has to say of the wires that are served, for the agent's service there.

  voicelive-agent manifest
      for those that VOICELIVE_WIRES names here
  voicelive-agent manifest --wires bridge,responses
      for these
"""

# Container protocols (azure-ai-projects 2.10, AgentEndpointProtocol) and their versions. The Bridge
# has the name that newer services ask for, and the one that azd's extensions check until now.
PROTOCOLS: Mapping[WireName, Mapping[str, str]] = {
    "invocations": {"invocations": "2.0.0"},
    "bridge": {"voice_conversation_engine": "1.0.0", "invocations_ws": "1.0.0"},
    "responses": {"responses": "2.0.0"},
}
_DEFAULT_WIRES: tuple[WireName, ...] = ("invocations",)


def describe_service(wires: Sequence[WireName]) -> dict[str, Any]:
    """The parts of a service in azure.yaml that belong to these wires.

    All values are strings: azd drops a boolean or a number in metadata without a word.
    """
    metadata = {"voiceLiveCompatible": "true"}
    if "bridge" in wires:
        metadata["bridgeProtocolVersion"] = "1.0"
    service: dict[str, Any] = {
        "metadata": metadata,
        "protocols": [
            {"protocol": protocol, "version": version}
            for wire in wires
            for protocol, version in PROTOCOLS[wire].items()
        ],
    }
    if tuple(wires) != _DEFAULT_WIRES:
        service["env"] = {variable_of(Settings, "wires"): ",".join(wires)}
    return service


def write_service(service: Mapping[str, Any]) -> str:
    """Those parts as YAML."""
    lines = ["metadata:"]
    lines += [f'  {name}: "{value}"' for name, value in service["metadata"].items()]
    lines.append("protocols:")
    for record in service["protocols"]:
        lines += [f"  - protocol: {record['protocol']}", f"    version: {record['version']}"]
    if "env" in service:
        lines.append("env:")
        lines += [f"  {name}: {value}" for name, value in service["env"].items()]
    return "\n".join(lines)


def main(arguments: Sequence[str] = ()) -> None:
    """Print them."""
    parser = argparse.ArgumentParser(
        prog="voicelive-agent manifest",
        description=spell_commands(DESCRIPTION),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--wires", help="invocations, bridge, responses; separated by commas")
    parser.add_argument("--env-file", type=Path, metavar="FILE", help="read this instead of .env")
    options = parser.parse_args(arguments)
    try:
        settings = load_settings({"wires": options.wires}, options.env_file)
    except SettingsError as error:
        parser.exit(2, f"{error}\n")
    described = describe_service(tuple(dict.fromkeys(settings.wires)))
    sys.stdout.write(write_service(described) + "\n")
