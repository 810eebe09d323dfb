"""Piper: neural voices on the CPU.

Its licence is GPL-3.0-or-later, so it is an extra, and it is imported in a process of its own
(``emulator.tts.worker``) and nowhere else.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.tts import TtsError
from voicelive_agent.emulator.tts.local import LocalTextToSpeech, locate_model
from voicelive_agent.emulator.tts.voices import EngineVoice, guess_gender
from voicelive_agent.emulator.tts.worker import Emit

INSTALL_HINT = spell_commands("pip install 'voicelive-agent[piper]' (GPL-3.0-or-later)")
_MOST_SPEAKERS = 8


def open_tts(
    what: str = "", *, models_dir: Path | None = None, processes: int = 2
) -> LocalTextToSpeech:
    """``what`` is a model's name, its folder or its ``.onnx`` file. Raises TtsError."""
    if importlib.util.find_spec("piper") is None:
        raise TtsError(f"Piper is not installed: {INSTALL_HINT}")
    path = locate_model("piper", what, models_dir)
    files = [path] if path.is_file() else sorted(path.glob("*.onnx"))
    if not files:
        raise TtsError(f"{path} holds no Piper voice: it needs an .onnx file")
    return LocalTextToSpeech(
        "piper",
        list_voices,
        module=__name__,
        options={"model": str(files[0])},
        processes=processes,
    )


def list_voices(about: Mapping[str, Any]) -> list[EngineVoice]:
    """A voice for each speaker; a single one is named as the file: ``en_US-amy-medium``."""
    name, language, speakers = about["name"], about["language"], about["speakers"]
    if not speakers:
        gender = guess_gender(name.split("-")[1] if "-" in name else name)
        return [EngineVoice(name, language, gender)]
    return [
        EngineVoice(f"{name}/{speaker}", language, guess_gender(speaker), {"speaker": number})
        for speaker, number in list(speakers.items())[:_MOST_SPEAKERS]
    ]


class PiperSynthesizer:
    """One loaded voice."""

    def __init__(self, model: Path) -> None:
        from piper import PiperVoice

        self._voice = PiperVoice.load(str(model))
        self._name = model.stem
        self.sample_rate_hz = self._voice.config.sample_rate

    def describe(self) -> Mapping[str, Any]:
        language, _, region = self._name.split("-")[0].partition("_")
        return {
            "name": self._name,
            "language": f"{language}-{region}" if region else language,
            "speakers": dict(self._voice.config.speaker_id_map),
        }

    def speak(self, text: str, settings: Mapping[str, Any], emit: Emit) -> None:
        from piper import SynthesisConfig

        rate = min(max(settings["rate"], 0.3), 3.0)
        config = SynthesisConfig(
            speaker_id=settings.get("speaker"),
            length_scale=self._voice.config.length_scale / rate,
        )
        # Phonemes between double brackets would be obeyed; text is read out.
        for chunk in self._voice.synthesize(text.replace("[[", "[ ["), config):
            if not emit(chunk.audio_int16_bytes):
                return


def open_synthesizer(model: str) -> PiperSynthesizer:
    return PiperSynthesizer(Path(model))
