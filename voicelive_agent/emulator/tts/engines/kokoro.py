"""Kokoro through kokoro-onnx: natural voices on the CPU.

It loads espeak-ng (GPL-3.0-or-later), so it is an extra, and it is imported in a process of its
own (``emulator.tts.worker``) and nowhere else.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.tts import TtsError
from voicelive_agent.emulator.tts.engines import espeak
from voicelive_agent.emulator.tts.engines.sherpa_onnx import read_kokoro_name, write_pcm16
from voicelive_agent.emulator.tts.local import LocalTextToSpeech, locate_model
from voicelive_agent.emulator.tts.voices import EngineVoice
from voicelive_agent.emulator.tts.worker import Emit

INSTALL_HINT = spell_commands("pip install 'voicelive-agent[kokoro]' (parts are GPL-3.0-or-later)")
_DEFAULT_VOICE = "af_heart"
# What espeak-ng calls the languages of its voices.
_LANGUAGES = {
    "en-US": "en-us", "en-GB": "en", "es-ES": "es", "fr-FR": "fr", "hi-IN": "hi",
    "it-IT": "it", "ja-JP": "ja", "pt-BR": "pt-br", "zh-CN": "cmn",
}  # fmt: skip


def open_tts(
    what: str = "", *, models_dir: Path | None = None, processes: int = 1
) -> LocalTextToSpeech:
    """``what`` is a model's name or folder. Raises TtsError, which says what to do."""
    if importlib.util.find_spec("kokoro_onnx") is None:
        raise TtsError(f"Kokoro is not installed: {INSTALL_HINT}")
    folder = locate_model("kokoro", what, models_dir)
    models, voices = sorted(folder.glob("*.onnx")), sorted(folder.glob("voices*.bin"))
    if not models or not voices:
        raise TtsError(f"{folder} holds no Kokoro model: it needs *.onnx and voices*.bin")
    return LocalTextToSpeech(
        "kokoro",
        list_voices,
        module=__name__,
        options={"model": str(models[0]), "voices": str(voices[0])},
        processes=processes,
    )


def list_voices(about: Mapping[str, Any]) -> list[EngineVoice]:
    names = sorted(about["voices"], key=lambda name: (name != _DEFAULT_VOICE, name))
    return [
        EngineVoice(
            name, *read_kokoro_name(name), {"voice": name, "language": _LANGUAGES[language]}
        )
        for name in names
        if (language := read_kokoro_name(name)[0]) in _LANGUAGES
    ]


class KokoroSynthesizer:
    """One loaded model."""

    sample_rate_hz = 24_000

    def __init__(self, model: str, voices: str) -> None:
        from kokoro_onnx import Kokoro

        self._kokoro = Kokoro(model, voices)
        # Its own phonemiser has words of one text in the next, and marks of languages in both.
        self._espeak = espeak.open_synthesizer()

    def describe(self) -> Mapping[str, Any]:
        return {"voices": self._kokoro.get_voices()}

    def speak(self, text: str, settings: Mapping[str, Any], emit: Emit) -> None:
        if not any(char.isalnum() for char in text):
            return
        speed = min(max(settings["rate"], 0.5), 2.0)
        phonemes = self._espeak.phonemize(text, settings["language"])
        samples, _ = self._kokoro.create(
            phonemes, settings["voice"], speed=speed, lang=settings["language"], is_phonemes=True
        )
        emit(write_pcm16(samples))


def open_synthesizer(model: str, voices: str) -> KokoroSynthesizer:
    return KokoroSynthesizer(model, voices)
