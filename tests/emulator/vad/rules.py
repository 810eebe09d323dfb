"""Rules of turn detection from what a session's ``turn_detection`` says."""

from collections.abc import Mapping
from typing import Any

from voicelive_agent.emulator.vad.turn_detector import TurnRules
from voicelive_agent.wire.voice_live.turn_detection import parse_turn_detection


def read_rules(turn_detection: Mapping[str, Any]) -> TurnRules:
    return TurnRules.of(parse_turn_detection(turn_detection))
