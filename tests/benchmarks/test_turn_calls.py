"""The budget of a turn: so many calls of functions, and no more."""

import re
import subprocess
import sys

import pytest

from benchmarks.turn_calls import BUDGETS, WIRES
from tests.server.processes import ROOT

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.skipif(PYTHON not in BUDGETS, reason="no budget was measured with this Python")
def test_a_turn_keeps_to_its_budget() -> None:
    """Each of many small changes made a turn a little dearer, and none of them showed: seconds
    differ by more than that from one run to the next. Calls in virtual time differ by one in a
    thousand.

    A turn and its agent's part knew each other, and so did its outbox and a reader: 80 objects of
    each turn were left to the garbage collector, which took 7 % of a turn's CPU.
    """
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.turn_calls"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    counted = {wire: int(calls) for wire, calls in re.findall(r"(\w+): (\d+) calls", told)}
    assert counted.keys() == WIRES.keys()
    assert re.findall(r"(\d+) objects left", told) == ["0"] * len(WIRES)
    for wire, calls in counted.items():
        budget = BUDGETS[PYTHON][wire]
        assert calls <= 1.1 * budget, (
            f"{wire}: a turn makes {calls} calls, and its budget is {budget}: find what is new with"
            " `python -m benchmarks.turn_calls --functions 40`, or raise the budget and say why"
        )
        assert calls >= 0.9 * budget, f"{wire}: a turn is cheaper now: make its budget {calls}"
