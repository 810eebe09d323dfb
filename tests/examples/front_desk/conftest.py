"""A caller of the demo agent."""

import pytest

from tests.examples.front_desk.caller import Caller


@pytest.fixture
def caller() -> Caller:
    return Caller()
