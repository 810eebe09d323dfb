"""Whole runs of the contract tests, as a user starts them, on agents of others and on our own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from voicelive_agent.contract.clauses.catalogue import CLAUSES
from voicelive_agent.contract.servers import ServerProcess, serve
from voicelive_agent.server.app import create_app
from voicelive_agent.server.settings import Settings

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

TOKEN = "token-that-nobody-may-see"
DOCUMENTED = {
    name
    for name, clause in CLAUSES.items()
    if (clause.level, clause.protocol) == ("documented", "invocations")
}


@dataclass
class Verdicts:
    """What one run found."""

    exit_status: int
    output: str
    by_clause: dict[str, str]

    def named(self, verdict: str) -> set[str]:
        return {name for name, found in self.by_clause.items() if found == verdict}


def judge_agent(directory: Path, *arguments: str, files: str = "") -> Verdicts:
    report = directory / "report.json"
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", f"voicelive_agent/contract/tests/{files}"),
            *("-p", "no:cacheprovider", f"--agent-report={report}", *arguments),
        ],
        cwd=ROOT,
        env={**os.environ, "HOME": str(directory), "AGENT_TOKEN": TOKEN, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=115,
        check=False,
    )
    verdicts = json.loads(report.read_text()) if report.exists() else {}
    return Verdicts(run.returncode, run.stdout + run.stderr, verdicts)


def test_good_agent_on_the_official_host_keeps_every_documented_clause(
    good_agent: ServerProcess, tmp_path: Path
) -> None:
    found = judge_agent(
        tmp_path,
        f"--agent-url={good_agent.url}",
        "--agent-slow-text=think",
        "--agent-keepalive-seconds=1",
        f"--agent-pid={good_agent.pid}",
    )
    assert found.exit_status == 0, found.output
    assert found.named("broken") == set()
    assert found.named("kept") >= DOCUMENTED, found.by_clause
    assert good_agent.wait(1) == 0


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        pytest.param("say-other-text", {"SSE-9"}, marks=pytest.mark.nightly),
        pytest.param("name-events", {"SSE-4"}, marks=pytest.mark.nightly),
        ("share-history", {"TURN-5", "TURN-6"}),
        ("fail-on-greeting", {"IN-2"}),
    ],
)
def test_only_the_clause_that_is_broken_is_named(
    broken_agent: ServerProcess, tmp_path: Path, fault: str, broken: set[str]
) -> None:
    found = judge_agent(
        tmp_path,
        f"--agent-url={broken_agent.url}/invocations",
        f"--agent-query=fault={fault}",
        "--agent-concurrency=8",
    )
    assert found.exit_status == 1, found.output
    assert found.named("broken") == broken, found.output
    for name in broken:
        assert f"{name} is broken: {CLAUSES[name].title}" in found.output


def test_own_server_keeps_every_clause(tmp_path: Path) -> None:
    """Also that no clause stands in the list that no test judges."""
    found = judge_agent(tmp_path)
    assert found.exit_status == 0, found.output
    assert found.named("kept") == set(CLAUSES), found.by_clause


def test_the_applications_agent_keeps_every_documented_clause(tmp_path: Path) -> None:
    found = judge_agent(tmp_path, "--agent=app.agent:reply", "--agent-text=what is the weather")
    assert found.exit_status == 0, found.output
    needs_a_process = {"KEEP-1"} | {name for name in CLAUSES if name.startswith("DRAIN")}
    assert found.named("kept") >= DOCUMENTED - needs_a_process, found.by_clause


def test_deployed_agent_is_judged_through_the_platform(tmp_path: Path) -> None:
    """Behind the platform's path, which starts a sandbox for each session and needs a token."""
    store = f"sqlite:///{tmp_path}/conversations.db"
    container = create_app(
        settings=Settings(agent="app.agent:reply", conversations=store, log_level="WARNING")
    )
    prefix = "/api/projects/p/agents/a/endpoint/protocols"
    sessions: set[str] = set()

    async def platform(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            token = request.headers.get("authorization")
            version = request.query_params.get("api-version")
            if not scope["path"].startswith(f"{prefix}/invocations"):
                await PlainTextResponse("no such agent", 404)(scope, receive, send)
                return
            if (token, version) != (f"Bearer {TOKEN}", "v1"):
                await PlainTextResponse("who are you?", 401)(scope, receive, send)
                return
            sessions.add(request.query_params.get("agent_session_id") or f"new-{len(sessions)}")
            scope = {**scope, "path": scope["path"].removeprefix(prefix)}
        await container(scope, receive, send)

    with serve(platform) as url:
        found = judge_agent(
            tmp_path,
            f"--agent-url={url}{prefix}/invocations",
            "--agent-query=api-version=v1",
            "--agent-header=Authorization: Bearer $AGENT_TOKEN",
            "--agent-concurrency=5",
        )
    assert found.exit_status == 0, found.output
    assert found.named("broken") == found.named("advice") == set()
    for name, clause in CLAUSES.items():
        if clause.reach == "container" and clause.protocol == "invocations":
            assert found.by_clause[name] == "not judged", name
    assert found.named("kept") >= {"SSE-1", "SSE-9", "IN-1", "IN-2", "IN-4", "TURN-5"}
    assert len(sessions) < 40
    assert TOKEN not in found.output


def test_what_only_this_project_promises_is_advice_to_others(
    broken_agent: ServerProcess, tmp_path: Path
) -> None:
    """The official host itself differs from what this project promises."""
    arguments = (f"--agent-url={broken_agent.url}", "-k", "path or docs or openapi")
    lenient = judge_agent(tmp_path, *arguments)
    assert lenient.exit_status == 0, lenient.output
    assert lenient.named("advice") == {"ID-8", "ERR-3", "DOC-2"}
    assert "advice: ERR-3 is broken" in lenient.output
    strict = judge_agent(tmp_path, *arguments, "--agent-strict")
    assert strict.exit_status == 1
    assert strict.named("broken") == lenient.named("advice")


def test_secrets_are_read_from_the_environment_and_not_shown(
    broken_agent: ServerProcess, tmp_path: Path
) -> None:
    found = judge_agent(
        tmp_path,
        f"--agent-url={broken_agent.url}",
        "--agent-header=Authorization: Bearer $AGENT_TOKEN",
        "--agent-query=fault=check-token",
        "--agent-query=key=$AGENT_TOKEN",
        "--showlocals",
        "--verbose",
        files="test_stream.py",
    )
    # The agent answers only those who have the token, and leaves them in mid-stream.
    assert found.exit_status == 1
    assert found.named("broken") == {"SSE-12"}, found.output
    assert TOKEN not in found.output


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--agent-header=Authorization: Bearer $NOT_THERE", "has no variable 'NOT_THERE'"),
        ("--agent-header=Authorization", "--agent-header needs a name, ':' and a value"),
        ("--agent-query=api-version", "--agent-query needs a name, '=' and a value"),
        ("--agent-query=price=5$", "write $NAME for a variable, or $$ for a dollar sign"),
        ("--agent=app.agent:reply", "give --agent-url or --agent, not both"),
    ],
)
def test_wrong_options_are_explained(tmp_path: Path, argument: str, message: str) -> None:
    found = judge_agent(tmp_path, "--agent-url=http://127.0.0.1:1", argument)
    assert found.exit_status == 4, found.output
    assert message in found.output


def test_agent_that_is_not_there_is_told_plainly(tmp_path: Path) -> None:
    found = judge_agent(tmp_path, "--agent-url=http://127.0.0.1:1")
    assert found.exit_status == 4, found.output
    assert "no agent answers at http://127.0.0.1:1" in found.output
