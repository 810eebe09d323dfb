"""The contract kit on Microsoft's own samples of the Bridge and of Responses, as they stand in its
source packages: what their host does is kept, what it leaves to the application is told so.
"""

import json
from pathlib import Path

import pytest

from tests.clients.environments import sources
from tests.official.test_contract_runs import Verdicts, judge_agent
from voicelive_agent.contract.clauses.catalogue import CLAUSES
from voicelive_agent.contract.servers import start_process

pytestmark = pytest.mark.slow

_OPTIONS = ("--agent-concurrency=8", "--agent-timeout-seconds=20")


def judge_sample(directory: Path, package: str, sample: str, protocol: str) -> Verdicts:
    (unpacked,) = sources(f"{package}-sdist").iterdir()
    program = unpacked / "samples" / sample
    with start_process([str(program)], directory, {"AGENTSERVER_STATE_ROOT": str(directory)}) as it:
        return judge_agent(
            directory, f"--agent-url={it.url}", f"--agent-protocol={protocol}", *_OPTIONS
        )


def clauses(protocol: str) -> set[str]:
    """What is documented and can be judged of a server that runs on."""
    return {
        name
        for name, clause in CLAUSES.items()
        if clause.protocol == protocol
        and clause.level == "documented"
        and "SIGTERM" not in clause.title
    }


def test_the_voice_sample_leaves_the_order_of_a_session_to_others(tmp_path: Path) -> None:
    """Its host calls a callback for each message, whatever came before."""
    package, sample = "azure-ai-agentserver-invocations", "basic_voice_agent/basic_voice_agent.py"
    found = judge_sample(tmp_path, package, sample, "bridge")
    assert found.exit_status == 1, found.output
    broken = {"BR-16", "BR-17", "BR-18"}
    assert found.named("broken") == broken, found.output
    assert found.named("kept") >= clauses("bridge") - broken, found.by_clause
    assert found.output.count("Microsoft's host leaves this to the application") >= len(broken)
    assert set(found.by_clause) >= set(CLAUSES)


def test_the_history_sample_leaves_isolation_to_its_store(tmp_path: Path) -> None:
    package, sample = "azure-ai-agentserver-responses", "sample_05_conversation_history.py"
    found = judge_sample(tmp_path, package, sample, "responses")
    assert found.named("broken") == {"RS-21"}, found.output
    assert found.named("kept") >= clauses("responses") - {"RS-21"}, found.by_clause
    assert "leaves this to the application: isolation to its store" in found.output


@pytest.mark.parametrize("protocol", ["bridge", "responses"])
def test_our_own_server_keeps_every_clause_of(protocol: str, tmp_path: Path) -> None:
    found = judge_agent(tmp_path, f"--agent-protocol={protocol}")
    assert found.exit_status == 0, found.output
    kept = {name for name, clause in CLAUSES.items() if clause.protocol == protocol}
    assert found.named("kept") == kept, json.dumps(found.by_clause)
