"""Models of better ears and voices: what there is, fetching it, and where it is kept."""

from voicelive_agent.emulator.models.command import main
from voicelive_agent.emulator.models.store import ModelError, ModelStore, find_model

__all__ = ["ModelError", "ModelStore", "find_model", "main"]
