"""Options, the agent that is judged, and the summary by clause."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from voicelive_agent.contract.bridge_calls import Caller
from voicelive_agent.contract.clauses.catalogue import CLAUSES
from voicelive_agent.contract.clauses.clause import Protocol
from voicelive_agent.contract.ending import SCRIPTED
from voicelive_agent.contract.judge import Judge, summarise
from voicelive_agent.contract.requests import Wire
from voicelive_agent.contract.responses_turns import Asker
from voicelive_agent.contract.servers import serve
from voicelive_agent.contract.target import Target, read_target

SLOW_TEXT = "think 1"
_TESTS = Path(__file__).parent / "tests"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup(
        "agent", "contract tests: which agent is judged (docs/howto/judge-any-agent.md)"
    )
    group.addoption("--agent-url", metavar="URL", help="judge the agent server at this address")
    group.addoption(
        "--agent", metavar="MODULE:NAME", help="judge this agent on this project's server"
    )
    group.addoption(
        "--agent-protocol",
        choices=["invocations", "bridge", "responses"],
        help="the protocol that is judged: invocations, or bridge for an address of ws://",
    )
    group.addoption(
        "--agent-header",
        action="append",
        metavar="'NAME: VALUE'",
        help="send this header; $NAME in the value is read from the environment (repeatable)",
    )
    group.addoption(
        "--agent-query",
        action="append",
        metavar="NAME=VALUE",
        help="send this query parameter, api-version=v1 for a deployed agent (repeatable)",
    )
    group.addoption("--agent-text", metavar="TEXT", help="what a caller of this agent would say")
    group.addoption(
        "--agent-slow-text", metavar="TEXT", help="something whose answer takes it a while"
    )
    group.addoption(
        "--agent-pid",
        type=int,
        metavar="PID",
        help="its process: the drain clauses are judged, last, and end it",
    )
    group.addoption(
        "--agent-keepalive-seconds",
        type=float,
        metavar="SECONDS",
        help="its SSE_KEEPALIVE_INTERVAL: the keep-alive clause is judged",
    )
    group.addoption("--agent-concurrency", type=int, default=50, metavar="N", help="turns at once")
    group.addoption("--agent-timeout-seconds", type=float, default=30.0, metavar="SECONDS")
    group.addoption(
        "--agent-strict",
        action="store_true",
        help="what only this project promises fails too, where it would be advice",
    )
    group.addoption("--agent-report", metavar="FILE", help="write the verdicts as JSON")


def pytest_configure(config: pytest.Config) -> None:
    url = config.getoption("--agent-url", None)
    if url and config.getoption("--agent", None):
        raise pytest.UsageError("give --agent-url or --agent, not both")
    if config.getoption("--agent-pid", None) and config.getoption("numprocesses", None):
        raise pytest.UsageError("--agent-pid ends the agent, so it needs a run without -n")
    read_target(config, url or "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out other protocols than the one that is judged; last is what ends the process."""
    judged = find_protocol(config)
    other = [item for item in items if judged is not None and _protocol_of(item) != judged]
    if other:
        config.hook.pytest_deselected(items=other)
        items[:] = [item for item in items if item not in other]
    if config.getoption("--agent-pid", None) is not None:
        items.sort(key=lambda item: "test_drain" in item.nodeid)


def find_protocol(config: pytest.Config) -> Protocol | None:
    """Which one is judged; None where the kit judges this project's server by all of them."""
    asked: Protocol | None = config.getoption("--agent-protocol", None)
    url = config.getoption("--agent-url", None)
    if asked is None and url:
        return "bridge" if url.startswith(("ws://", "wss://")) else "invocations"
    if asked is None and config.getoption("--agent", None):
        return "invocations"
    return asked


def _protocol_of(item: pytest.Item) -> Protocol | None:
    folder = item.path.parent
    if folder == _TESTS:
        return "invocations"
    if folder.parent != _TESTS:
        # A test of somebody else, in the same run.
        return None
    return "bridge" if folder.name == "bridge" else "responses"


@pytest.fixture(scope="session")
def target(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """The agent that is judged: one by its address, or one on this project's own server."""
    with _open_target(pytestconfig, tmp_path_factory, "invocations") as target:
        yield target


@pytest.fixture(scope="session")
def bridge_target(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """Likewise, over the Bridge."""
    with _open_target(pytestconfig, tmp_path_factory, "bridge") as target:
        yield target


@pytest.fixture(scope="session")
def responses_target(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """Likewise, by the Responses protocol."""
    with _open_target(pytestconfig, tmp_path_factory, "responses") as target:
        yield target


@contextmanager
def _open_target(
    config: pytest.Config, directories: pytest.TempPathFactory, protocol: Protocol
) -> Iterator[Target]:
    url = config.getoption("--agent-url", None)
    if url:
        target = read_target(config, url)
        _require_answer(target)
        yield target
        return
    name = config.getoption("--agent", None) or SCRIPTED
    settings = {} if protocol == "invocations" else {"wires": (protocol,)}
    with serve_own(name, directories.mktemp("own"), **settings) as url:
        target = read_target(config, url)
        if name == SCRIPTED:
            target = replace(target, scripted=True, slow_text=SLOW_TEXT)
        yield replace(target, strict=True)


def _require_answer(target: Target) -> None:
    """End the run where nobody answers: that is no breach of any clause."""
    try:
        httpx.get(target.url, timeout=target.timeout_seconds, trust_env=False)
    except httpx.HTTPError as error:
        pytest.exit(
            f"no agent answers at {target.url}: {type(error).__name__}: {error}",
            pytest.ExitCode.USAGE_ERROR,
        )


def serve_own(name: str, directory: Path, **settings: Any) -> AbstractContextManager[str]:
    """This project's server with the named agent, in a thread; gives its address.

    It tells no caller why a turn failed, as in production, unless ``settings`` say otherwise.
    """
    from voicelive_agent.server.app import create_app
    from voicelive_agent.server.settings import Settings

    store = f"sqlite:///{directory}/conversations.db"
    own = {"conversations": store, "log_level": "WARNING", "show_errors": False}
    return serve(create_app(settings=Settings(agent=name, **{**own, **settings})))


@pytest.fixture
def scripted(target: Target) -> None:
    """For tests that tell the agent what to do: only ``agents.scripted`` obeys."""
    if not target.scripted:
        pytest.skip("not judged: this agent does not do what the tests would tell it")


@pytest.fixture(scope="session")
def told() -> set[str]:
    """Clauses whose breach was told in full already."""
    return set()


@pytest.fixture
def judge(target: Target, told: set[str], request: pytest.FixtureRequest) -> Judge:
    """Judges clauses; what it finds goes into the test's report."""
    return Judge(target.strict, target.deployed, request.node.user_properties, told)


@pytest.fixture
def caller(bridge_target: Target, told: set[str], request: pytest.FixtureRequest) -> Caller:
    return Caller(
        bridge_target,
        Judge(bridge_target.strict, bridge_target.deployed, request.node.user_properties, told),
    )


@pytest.fixture
async def asker(
    responses_target: Target, told: set[str], request: pytest.FixtureRequest
) -> AsyncIterator[Asker]:
    judge = Judge(
        responses_target.strict, responses_target.deployed, request.node.user_properties, told
    )
    async with Asker(responses_target, judge) as asker:
        yield asker


@pytest.fixture
async def wire(target: Target) -> AsyncIterator[Wire]:
    async with Wire(target) as wire:
        yield wire


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """One line for each clause of an agent that was named on the command line."""
    verdicts = summarise(
        pair
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "teardown"
        for pair in report.user_properties
    )
    report = config.getoption("--agent-report", None)
    if report:
        Path(report).write_text(json.dumps(verdicts, indent=1) + "\n")
    if config.getoption("--agent-url", None) or config.getoption("--agent", None):
        terminalreporter.section("the contract, clause by clause")
        judged = find_protocol(config)
        for clause_id, verdict in verdicts.items():
            clause = CLAUSES[clause_id]
            if judged is not None and clause.protocol != judged:
                continue
            terminalreporter.line(
                f"{verdict:10} {clause_id:9} {clause.title}",
                red=verdict == "broken",
                yellow=verdict == "advice",
            )
