"""Records which clauses an agent keeps, and tells which one it breaks."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from voicelive_agent.contract.clauses.catalogue import CLAUSES
from voicelive_agent.contract.clauses.clause import Clause


@dataclass
class Judge:
    """Records which clauses one test found kept or broken; raises at the first broken one.

    A strict clause that an agent of others breaks is advice: the test then ends as an expected
    failure, unless ``strict`` is set. Of a ``deployed`` agent, clauses that only its container
    can keep are not judged.
    """

    strict: bool
    deployed: bool = False
    findings: list[tuple[str, object]] = field(default_factory=list)
    """(kept, broken or advice; clause id), in the order in which they were found."""
    told: set[str] = field(default_factory=set)
    """Clauses whose breach was told in full; the same set serves all tests of a run."""

    def __call__(
        self, ok: bool, clause_id: str, wanted: str, *seen: object, harmless: bool = False
    ) -> None:
        """Record that a clause was kept, or fail with the clause, ``wanted`` and ``seen``.

        What is ``harmless`` is advice, whatever the clause's level.
        """
        __tracebackhide__ = True
        clause = CLAUSES[clause_id]
        if self.deployed and clause.reach == "container":
            return
        if ok:
            self.findings.append(("kept", clause_id))
            return
        message = self._tell(clause, wanted, "\n".join(map(str, seen)))
        if (harmless or clause.level == "strict") and not self.strict:
            self.findings.append(("advice", clause_id))
            pytest.xfail(f"advice: {message}")
        self.findings.append(("broken", clause_id))
        pytest.fail(message, pytrace=False)

    def _tell(self, clause: Clause, wanted: str, seen: str) -> str:
        # One fault can break a clause in a hundred tests; the first says it all.
        if clause.id in self.told:
            seen = seen.partition("\n")[0]
        self.told.add(clause.id)
        seen = seen.replace("\n", "\n        ")
        left = (
            f"  Microsoft's host leaves this to the application: {clause.left}.\n"
            if clause.left
            else ""
        )
        return (
            f"{clause.id} is broken: {clause.title}.\n"
            f"  source: {clause.source} ({clause.level})\n"
            f"{left}"
            f"  wanted: {wanted}\n"
            f"  seen: {seen}"
        )

    def require(self, *clause_ids: str) -> None:
        """Skip the test where one of these clauses can't be judged from here."""
        if self.deployed and any(CLAUSES[name].reach == "container" for name in clause_ids):
            pytest.skip("not judged: the platform stands between these tests and the container")


def summarise(records: Iterable[tuple[str, object]]) -> dict[str, str]:
    """From (verdict, clause id) pairs: broken, advice, kept or not judged, for each clause."""
    found: dict[str, set[str]] = {"broken": set(), "advice": set(), "kept": set()}
    for verdict, clause_id in records:
        if verdict in found:
            found[verdict].add(str(clause_id))
    return {
        clause_id: next((name for name, ids in found.items() if clause_id in ids), "not judged")
        for clause_id in CLAUSES
    }
