"""Diagnostics: why something failed, where in the author's code, and what to do about it."""

from voicelive_agent.diagnostics.diagnosis import Diagnosis, diagnose
from voicelive_agent.diagnostics.disclosure import from_elsewhere, is_local
from voicelive_agent.diagnostics.explained import ExplainedError, WrongOutputError, wrong_output
from voicelive_agent.diagnostics.places import (
    Place,
    find_definition,
    find_place_of,
    find_places,
    find_waiting,
)

__all__ = [
    "Diagnosis",
    "ExplainedError",
    "Place",
    "WrongOutputError",
    "diagnose",
    "find_definition",
    "find_place_of",
    "find_places",
    "find_waiting",
    "from_elsewhere",
    "is_local",
    "wrong_output",
]
