"""What speech says, by the default speech to text: for tests of what makes sound or carries it."""

from functools import cache

from voicelive_agent.emulator.models.catalogue import MOONSHINE, find_entry
from voicelive_agent.emulator.models.store import ModelStore, find_directory
from voicelive_agent.emulator.stt.moonshine.hearing import hear
from voicelive_agent.emulator.stt.moonshine.model import MoonshineModel
from voicelive_agent.emulator.stt.phrases import split_words


@cache
def _load_model() -> MoonshineModel:
    model = find_entry(MOONSHINE)
    assert model is not None
    return MoonshineModel(ModelStore(find_directory()).fetch(model))


def understand(pcm: bytes) -> str:
    """The words in PCM16 mono at 16 kHz: lower case, numbers as words, no punctuation."""
    return " ".join(split_words(hear(_load_model(), pcm).text))
