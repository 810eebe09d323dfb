"""Speech-to-text engines by name: ``NAME`` or ``NAME:WHAT``, WHAT being a model or a URL."""

import contextlib
from pathlib import Path

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.stt import SpeechToText, SttError

ENGINES = {
    "moonshine": "English with case and punctuation, the model brought by `models fetch`",
    "sherpa-onnx": "sherpa-onnx with the model WHAT; text while one speaks, with a streaming model",
    "faster-whisper": "Whisper with the model WHAT; whole utterances, many languages",
    "openai": "an OpenAI-compatible /audio/transcriptions endpoint at the URL WHAT",
    "none": "nothing is understood; clients send text",
}
_NOT_UNDERSTOOD = spell_commands(
    "Speech is not understood here, text is: start the emulator with another --stt than none."
)
_MISSING = "Until then nobody understands speech here; text is answered."


def open_stt(
    name: str = "auto",
    *,
    models_dir: Path | None = None,
    key: str | None = None,
    model: str | None = None,
) -> SpeechToText:
    """An engine that is not started yet; ``auto`` is what is installed, Moonshine for English.

    ``models_dir`` is where fetched models are; ``key`` and ``model`` are an endpoint's. Raises
    SttError, which says what to install or fetch.
    """
    engine, _, what = name.partition(":")
    match engine:
        case "auto":
            return _open_installed(models_dir)
        case "none":
            from voicelive_agent.emulator.stt.engines.none import NoSpeechToText

            return NoSpeechToText(_NOT_UNDERSTOOD)
        case "moonshine":
            from voicelive_agent.emulator.stt.moonshine.engine import Moonshine

            return Moonshine(what, models_dir=models_dir)
        case "sherpa-onnx":
            from voicelive_agent.emulator.stt.engines.sherpa_onnx import SherpaOnnx

            return SherpaOnnx(what, models_dir=models_dir)
        case "faster-whisper":
            from voicelive_agent.emulator.stt.engines.faster_whisper import FasterWhisper

            return FasterWhisper(what, models_dir=models_dir)
        case "openai":
            from voicelive_agent.emulator.stt.engines.openai_audio import OpenAISpeechToText

            return OpenAISpeechToText(what, key=key, model=model)
    raise SttError(
        f"there is no speech-to-text engine {engine!r}: choose auto, {', '.join(ENGINES)} (--stt)"
    )


def _open_installed(models_dir: Path | None) -> SpeechToText:
    """Moonshine, and Whisper for other languages where it is here; without Moonshine, another."""
    from voicelive_agent.emulator.stt.by_language import SpeechToTextByLanguage
    from voicelive_agent.emulator.stt.engines.faster_whisper import FasterWhisper
    from voicelive_agent.emulator.stt.engines.none import NoSpeechToText
    from voicelive_agent.emulator.stt.engines.sherpa_onnx import SherpaOnnx
    from voicelive_agent.emulator.stt.moonshine.engine import Moonshine

    try:
        moonshine = Moonshine(models_dir=models_dir)
    except SttError as error:
        for opener in (SherpaOnnx, FasterWhisper):
            with contextlib.suppress(SttError):
                other = opener(models_dir=models_dir)
                other.advice = f"{error}. Until then {other.name} hears."
                return other
        return NoSpeechToText(f"{error}. {_MISSING}")
    with contextlib.suppress(SttError):
        whisper = FasterWhisper(models_dir=models_dir)
        moonshine.for_other_languages = whisper.name
        return SpeechToTextByLanguage([moonshine, whisper])
    return moonshine
