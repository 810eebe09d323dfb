"""Budget of partial text: who is alone has all that a session takes, and many share it."""

import pytest

from voicelive_agent.emulator.stt.moonshine import utterance
from voicelive_agent.emulator.stt.moonshine.budget import SHARE, PartialBudget


class _Machine:
    """Its clock, and a budget on so many processors."""

    def __init__(self, processors: int) -> None:
        self.now_s = 100.0
        self.budget = PartialBudget(lambda: self.now_s, lambda: processors)

    def spend_for(self, seconds: float, wishes_per_s: int, cost_s: float) -> float:
        """CPU time that goes into partial text, where it is wished for at even distances."""
        spent_s = 0.0
        for _ in range(round(seconds * wishes_per_s)):
            self.now_s += 1 / wishes_per_s
            if not self.budget.is_spent:
                self.budget.spend(cost_s)
                spent_s += cost_s
        return spent_s


@pytest.mark.parametrize("processors", [1, 2, 16])
@pytest.mark.parametrize("cost_s", [0.01, 0.05, 0.4])
def test_many_who_speak_at_once_take_the_share_together(processors: int, cost_s: float) -> None:
    """Thirteen callers on one core spent an eighth of it on text that nobody answers."""
    machine = _Machine(processors)
    spent_s = machine.spend_for(200, 1000, cost_s)
    expected_s = SHARE * processors * 200
    assert spent_s == pytest.approx(expected_s, rel=0.1)


@pytest.mark.parametrize("cost_s", [0.02, 0.05, 0.3])
def test_one_who_speaks_alone_never_waits(cost_s: float) -> None:
    machine = _Machine(1)
    for _ in range(100):
        assert not machine.budget.is_spent
        machine.budget.spend(cost_s)
        machine.now_s += cost_s / utterance.SHARE


def test_nothing_is_heard_in_part_while_every_processor_is_at_work() -> None:
    budget = _Machine(2).budget
    budget.begin()
    assert not budget.is_spent
    budget.begin()
    assert budget.is_spent
    budget.end()
    assert not budget.is_spent


def test_time_that_nobody_used_is_not_saved_up() -> None:
    machine = _Machine(1)
    machine.now_s += 3600
    machine.budget.spend(0.05)
    assert machine.budget.is_spent
