"""``voicelive-agent contract``: judge an agent by its wire, this project's or anyone's."""

import argparse
import importlib.util
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

from voicelive_agent.command_name import spell_commands

FAILED, USAGE = 1, 2
_NEEDED = ("pytest", "pytest_asyncio", "hypothesis")
_HERE = Path(__file__).parent
_DESCRIPTION = """\
Judge an agent by its wire: what Foundry asks of a hosted agent's container, and what Voice Live
needs from it over Invocations, the Bridge or Responses. Reads bytes, so any server can be judged.

  voicelive-agent contract http://localhost:8088
      a server that runs
  voicelive-agent contract ws://localhost:8088
      one that Voice Live reaches over the Bridge
  voicelive-agent contract http://localhost:8088 --protocol responses
      one of the Responses protocol
  voicelive-agent contract my_agent:reply --text "what are your opening hours"
      your agent on this project's server
  voicelive-agent contract "$PROJECT_ENDPOINT/agents/AGENT/endpoint/protocols" \\
      --query api-version=v1 --header 'Authorization: Bearer $AGENT_TOKEN' --concurrency 5
      a deployed agent; $NAME is read from the environment
"""
_EPILOG = """\
Ends with one line for each clause. Exit codes: 0 all documented clauses are kept, 1 some are
broken, 2 wrong options or nobody answers. Further options, after --, are pytest's.
"""


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    own = list(itertools.takewhile(lambda one: one != "--", arguments))
    further = arguments[len(own) + 1 :]
    options = _build_parser().parse_args(own)
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(
            spell_commands(f"{missing[0]} is missing: pip install 'voicelive-agent[contract]'\n")
        )
        return FAILED
    if "://" not in options.target and not _is_an_agent(options.target):
        return USAGE
    import pytest

    code = pytest.main([*_pytest_options(options), *further])
    return USAGE if code == pytest.ExitCode.USAGE_ERROR else int(code)


def _is_an_agent(target: str) -> bool:
    """Whether it names an agent of this directory; says why where it does not."""
    from voicelive_agent.frameworks.loading import load_agent
    from voicelive_agent.frameworks.naming import AgentLoadError

    try:
        load_agent(target)
    except AgentLoadError as error:
        sys.stderr.write(f"{error}\n")
        return False
    return True


def _pytest_options(options: argparse.Namespace) -> list[str]:
    target = "--agent-url" if "://" in options.target else "--agent"
    given = [f"{target}={options.target}"]
    for name, value in vars(options).items():
        option = f"--agent-{name.replace('_', '-')}"
        if name == "target" or value is None or value is False:
            continue
        values = value if isinstance(value, list) else [value]
        given += [option if one is True else f"{option}={one}" for one in values]
    # Of its own: no configuration of the directory that it is called in, no cache left there.
    own = [
        f"--config-file={_HERE / 'configuration.toml'}",
        f"--rootdir={_HERE}",
        "-p",
        "no:cacheprovider",
        # It comes with LangChain, and takes a second to import.
        "-p",
        "no:langsmith_plugin",
        # The plugin of an installed library is registered by the package that runs this.
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    ]
    return [str(_HERE / "tests"), *own, "-p", "voicelive_agent.contract.plugin", "-q", *given]


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="voicelive-agent contract",
        description=spell_commands(_DESCRIPTION),
        epilog=spell_commands(_EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("target", metavar="URL|MODULE:NAME", help="the agent that is judged")
    add = parser.add_argument
    add(
        "--protocol",
        choices=["invocations", "bridge", "responses"],
        help="default invocations, and bridge for ws://",
    )
    add("--header", action="append", metavar="'NAME: VALUE'", help="sent with each request")
    add("--query", action="append", metavar="NAME=VALUE", help="likewise, in the query")
    add("--text", metavar="TEXT", help="what a caller of this agent would say")
    add("--slow-text", metavar="TEXT", help="something whose answer takes it a while")
    add("--pid", metavar="PID", help="its process: how it ends is judged, last, and ends it")
    add("--keepalive-seconds", metavar="N", help="its SSE_KEEPALIVE_INTERVAL: it is judged")
    add("--concurrency", metavar="N", help="how many turns at once; default 50")
    add("--timeout-seconds", metavar="N", help="how long one answer may take; default 30")
    add("--strict", action="store_true", help="what only this project promises fails too")
    add("--report", metavar="FILE", help="write the verdicts as JSON")
    return parser
