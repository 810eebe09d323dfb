"""Text-to-speech engines by name: ``NAME`` or ``NAME:WHAT``, WHAT being a model or a URL."""

from pathlib import Path
from typing import Any

from voicelive_agent.emulator.tts import TextToSpeech, TtsError

ENGINES = {
    "hibari": "hibari, American English: natural, in the package",
    "espeak": "espeak-ng, in a hundred languages; GPL-3.0-or-later, in a process of its own",
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
    """The engine ``name``; ``auto`` is hibari, and espeak, where it is installed, for the rest.

    ``models_dir`` is where fetched models are; ``key`` and ``model`` are an endpoint's. Raises
    TtsError, which says what to install.
    """
    engine, _, what = name.partition(":")
    match engine:
        case "auto":
            return _open_installed(processes)
        case "hibari":
            from voicelive_agent.emulator.tts.engines.hibari import engine as hibari

            if not hibari.is_installed():
                raise TtsError(f"hibari is not installed: {hibari.INSTALL_HINT}")
            return hibari.open_tts()
        case "espeak":
            from voicelive_agent.emulator.tts.engines import espeak

            if espeak.find_library() is None:
                raise TtsError(f"espeak-ng is not installed: {espeak.INSTALL_HINT}")
            return espeak.open_tts(processes=processes)
        case "openai":
            from voicelive_agent.emulator.tts.engines.openai_audio import OpenAITextToSpeech

            return OpenAITextToSpeech(what, key=key, model=model)
        case "sherpa-onnx" | "piper" | "kokoro":
            return _open_with_model(engine, what, models_dir, processes)
    raise TtsError(
        f"there is no speech engine {engine!r}: choose auto, {', '.join(ENGINES)} (--tts)"
    )


def _open_installed(processes: int) -> TextToSpeech:
    from voicelive_agent.emulator.tts.by_language import TextToSpeechByLanguage
    from voicelive_agent.emulator.tts.engines import espeak
    from voicelive_agent.emulator.tts.engines.hibari import engine as hibari

    has_espeak = espeak.find_library() is not None
    if not hibari.is_installed():
        if has_espeak:
            return espeak.open_tts(processes=processes)
        raise TtsError(
            f"there is no speech engine to speak with: {hibari.INSTALL_HINT}; or, in other "
            f"languages, {espeak.INSTALL_HINT}"
        )
    if not has_espeak:
        return hibari.open_tts()
    return TextToSpeechByLanguage([hibari.open_tts(), espeak.open_tts(processes=1)])


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
