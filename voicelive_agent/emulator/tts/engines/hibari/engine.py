"""The hibari engine: its voices, each clause spoken in a process of its own.

The package carries one voice, an American woman's, which is all that is ever opened: others would
be downloaded. A change of pitch leaves the vowels alone, and other vocal tracts are other people:
a second woman, and a man.
"""

import importlib.util

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.tts.local import LocalTextToSpeech
from voicelive_agent.emulator.tts.voices import EngineVoice

INSTALL_HINT = spell_commands("pip install 'voicelive-agent[emulator]'")

VOICES = (
    EngineVoice("heart", "en-US", "female", {"tone": 1.0, "formants": 1.0}),
    EngineVoice("heart-bright", "en-US", "female", {"tone": 1.16, "formants": 1.1}, 1.06),
    EngineVoice("heart-deep", "en-US", "male", {"tone": 0.56, "formants": 0.86}, 0.97),
)


def is_installed() -> bool:
    return all(importlib.util.find_spec(name) for name in ("hibari", "onnxruntime"))


def open_tts(*, processes: int = 1) -> LocalTextToSpeech:
    return LocalTextToSpeech(
        "hibari",
        lambda about: VOICES,
        module="voicelive_agent.emulator.tts.engines.hibari.synthesizer",
        processes=processes,
        pitch_range=(0.5, 2.0),
        adds_pauses=True,
    )
