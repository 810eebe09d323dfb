"""The contract kit's pages: its clauses in the reference, its options in the howto."""

from pathlib import Path

import pytest

from voicelive_agent.contract.clauses.catalogue import CLAUSES, write_table
from voicelive_agent.contract.command import _build_parser
from voicelive_agent.contract.plugin import pytest_addoption

ROOT = Path(__file__).parents[2]
HOWTO = (ROOT / "docs/howto/judge-any-agent.md").read_text()
REFERENCE = (ROOT / "docs/reference/contract.md").read_text()


def test_clauses_are_listed_as_they_are() -> None:
    assert REFERENCE.endswith(f"## The clauses\n\n{write_table()}\n"), (
        "replace the table by the output of: python -m voicelive_agent.contract.clauses.catalogue"
    )


def test_clause_ids_are_unique() -> None:
    assert write_table().count("\n") == len(CLAUSES) + 1


def test_options_are_explained() -> None:
    for action in _build_parser()._actions:
        for name in action.option_strings:
            assert name in ("-h", "--help") or f"| `{name}" in HOWTO, name


def test_each_option_is_one_of_the_plugin() -> None:
    parser = pytest.Parser(_ispytest=True)
    pytest_addoption(parser)
    plugin = {name for option in parser.getgroup("agent").options for name in option.names()}
    own = {
        f"--agent-{name}" for name in vars(_build_parser().parse_args(["x"])) if name != "target"
    }
    assert plugin - {"--agent", "--agent-url"} == {name.replace("_", "-") for name in own}
