"""docs/howto/judge-any-agent.md says what the contract tests do."""

import pytest

from tests.contract.clauses import CLAUSES, write_table
from tests.contract.conftest import pytest_addoption
from tests.contract.servers import ROOT

DOCUMENT = (ROOT / "docs/howto/judge-any-agent.md").read_text()


def test_clauses_are_listed_as_they_are() -> None:
    assert DOCUMENT.endswith(f"## The clauses\n\n{write_table()}\n"), (
        "replace the table by the output of: python -m tests.contract.clauses"
    )


def test_clause_ids_are_unique() -> None:
    assert write_table().count("\n") == len(CLAUSES) + 1


def test_options_are_explained() -> None:
    parser = pytest.Parser(_ispytest=True)
    pytest_addoption(parser)
    group = parser.getgroup("agent")
    for option in group.options:
        for name in option.names():
            assert f"| `{name}" in DOCUMENT, name
