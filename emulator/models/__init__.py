"""Models of better ears and voices: what there is, fetching it, and where it is kept."""

from emulator.models.command import main
from emulator.models.store import ModelError, ModelStore, find_model

__all__ = ["ModelError", "ModelStore", "find_model", "main"]
