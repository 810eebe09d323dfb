"""The pytest fixture ``voice_live`` and the option ``--voice-live``.

A module of its own that imports next to nothing, as pytest loads it in every run.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from voicelive_agent.testing import VoiceLive


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("voicelive-agent").addoption(
        "--voice-live",
        choices=("text", "voice"),
        default="text",
        help="how the fixture voice_live talks to agents: text (default, quick) or voice",
    )


@pytest.fixture
def voice_live(request: pytest.FixtureRequest) -> "Callable[..., VoiceLive]":
    """``async with voice_live(reply) as voice:``, by text or by voice as ``--voice-live`` says."""
    from voicelive_agent.testing import VoiceLive

    def make(agent: Any, **options: Any) -> VoiceLive:
        return VoiceLive(agent, **{"by": request.config.getoption("--voice-live"), **options})

    return make
