"""Models for speech to text and text to speech: which there are, fetched and kept where."""

from voicelive_agent.emulator.models.command import main
from voicelive_agent.emulator.models.store import ModelError, ModelStore, find_model

__all__ = ["ModelError", "ModelStore", "find_model", "main"]
