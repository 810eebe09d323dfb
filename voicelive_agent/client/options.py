"""The command line: one option for each setting, and what only a command line has."""

import argparse
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr

from voicelive_agent.client.settings import Settings, option_of

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
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    groups: dict[str, Any] = {}
    titles = {"where": "whom to talk to", "answer": "answers", "turns": "taking turns"}
    order = ["where", "sound", "answer", "tools", "voice", "turns", "hearing"]
    fields = Settings.model_fields.items()
    groups_of = {name: _group_of(info) for name, info in fields}
    for group in dict.fromkeys(order + list(groups_of.values())):
        groups[group] = parser.add_argument_group(titles.get(group, group))
    for name, info in fields:
        flags = ["-o"] if name == "output" else []
        groups[groups_of[name]].add_argument(
            *flags, option_of(name), dest=name, help=info.description, **_shape(info.annotation)
        )
    return parser


def _group_of(info: Any) -> str:
    return str(info.json_schema_extra["group"])


def _shape(annotation: Any) -> dict[str, Any]:
    """How argparse reads a value: text, for pydantic to judge, but for switches and lists."""
    kinds = get_args(annotation) if _is_union(annotation) else (annotation,)
    kind = next(kind for kind in kinds if kind is not type(None))
    if kind is bool:
        return {"action": argparse.BooleanOptionalAction, "default": None}
    shape: dict[str, Any] = {"default": None}
    if get_origin(kind) is tuple:
        shape["action"] = "append"
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        choices = [str(choice) for choice in get_args(kind)]
        shape["metavar"] = "{" + ",".join(choices) + "}"
    else:
        shape["metavar"] = {int: "N", float: "X", SecretStr: "KEY", dict: "JSON", Path: "PATH"}.get(
            get_origin(kind) or kind, "TEXT"
        )
    if kind is not str and get_origin(kind) is Literal and isinstance(get_args(kind)[0], int):
        shape["type"] = int
    return shape


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) is Union or type(annotation).__name__ == "UnionType"
