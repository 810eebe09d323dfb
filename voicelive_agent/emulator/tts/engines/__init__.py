"""Text-to-speech engines by name: ``NAME`` or ``NAME:WHAT``, WHAT being a model or a URL."""

import importlib.util
from pathlib import Path
from typing import Any

from voicelive_agent.emulator.tts import TextToSpeech, TtsError

ENGINES = {
    "espeak": "espeak-ng, in a hundred languages; GPL-3.0-or-later, in a process of its own",
    "flite": "Flite, English; where the system has libflite",
    "sherpa-onnx": "sherpa-onnx with the model WHAT",
    "piper": "Piper with the voice WHAT; GPL-3.0-or-later, in a process of its own",
    "kokoro": "Kokoro; GPL-3.0-or-later parts, in a process of its own",
    "openai": "an OpenAI-compatible /audio/speech endpoint at the URL WHAT",
}


def open_tts(
    name: str = "auto",
    *,
    models_dir: Path | None = None,
    processes: int = 2,
    key: str | None = None,
    model: str | None = None,
) -> TextToSpeech:
    """The engine ``name``; ``auto`` is espeak where it is installed, else flite.

    ``models_dir`` is where fetched models are; ``key`` and ``model`` are an endpoint's. Raises
    TtsError, which says what to install.
    """
    engine, _, what = name.partition(":")
    if engine == "auto":
        engine = _choose()
    match engine:
        case "espeak":
            from voicelive_agent.emulator.tts.engines import espeak

            if espeak.find_library() is None:
                raise TtsError(f"espeak-ng is not installed: {espeak.INSTALL_HINT}")
            return espeak.open_tts(processes=processes)
        case "flite":
            from voicelive_agent.emulator.tts.engines import flite

            if flite.find_library() is None:
                raise TtsError(f"flite is not installed: {flite.INSTALL_HINT}")
            return flite.open_tts(processes=processes)
        case "openai":
            from voicelive_agent.emulator.tts.engines.openai_audio import OpenAITextToSpeech

            return OpenAITextToSpeech(what, key=key, model=model)
        case "sherpa-onnx" | "piper" | "kokoro":
            return _open_with_model(engine, what, models_dir, processes)
    raise TtsError(
        f"there is no speech engine {engine!r}: choose auto, {', '.join(ENGINES)} (--tts)"
    )


def _choose() -> str:
    from voicelive_agent.emulator.tts.engines import espeak, flite

    # The system's library is there for other programs' sake as well; the extra was asked for.
    if importlib.util.find_spec("espeakng_loader") is not None:
        return "espeak"
    if flite.find_library() is not None:
        return "flite"
    if espeak.find_library() is not None:
        return "espeak"
    raise TtsError(
        f"there is no speech engine to speak with: {espeak.INSTALL_HINT}; or, under a permissive "
        f"licence and English alone, {flite.INSTALL_HINT}"
    )


def _open_with_model(
    engine: str, what: str, models_dir: Path | None, processes: int
) -> TextToSpeech:
    from voicelive_agent.emulator.tts.engines import kokoro, piper, sherpa_onnx

    openers: dict[str, Any] = {
        "sherpa-onnx": sherpa_onnx.open_tts,
        "piper": piper.open_tts,
        "kokoro": kokoro.open_tts,
    }
    tts: TextToSpeech = openers[engine](what, models_dir=models_dir, processes=processes)
    return tts
