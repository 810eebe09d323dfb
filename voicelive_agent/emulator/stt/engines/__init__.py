"""Speech-to-text engines by name: ``NAME`` or ``NAME:WHAT``, WHAT being a model or a URL."""

from pathlib import Path

from voicelive_agent.emulator.stt import SpeechToText, SttError

ENGINES = {
    "moonshine": "English with case and punctuation, the model brought by `models fetch`",
    "pocketsphinx": "English, without download; demo grade",
    "pocketsphinx-accurate": "the same with a second pass: a tenth of a second slower",
    "sherpa-onnx": "sherpa-onnx with the model WHAT; text while one speaks, with a streaming model",
    "faster-whisper": "Whisper with the model WHAT; whole utterances, many languages",
    "openai": "an OpenAI-compatible /audio/transcriptions endpoint at the URL WHAT",
}


def open_stt(
    name: str = "auto",
    *,
    models_dir: Path | None = None,
    processes: int | None = None,
    key: str | None = None,
    model: str | None = None,
) -> SpeechToText:
    """An engine that is not started yet; ``auto`` is Moonshine where its model is, else another.

    ``models_dir`` is where fetched models are; ``processes`` as in ``PocketSphinx``; ``key``
    and ``model`` are an endpoint's. Raises SttError, which says what to install or fetch.
    """
    engine, _, what = name.partition(":")
    match engine:
        case "auto":
            from voicelive_agent.emulator.stt.moonshine.engine import Moonshine

            try:
                return Moonshine(models_dir=models_dir)
            except SttError as error:
                fallback = open_stt("pocketsphinx", processes=processes)
                fallback.advice = f"{error} Until then pocketsphinx hears, demo grade."
                return fallback
        case "moonshine":
            from voicelive_agent.emulator.stt.moonshine.engine import Moonshine

            return Moonshine(what, models_dir=models_dir)
        case "pocketsphinx" | "pocketsphinx-accurate":
            from voicelive_agent.emulator.stt.pocketsphinx.engine import PocketSphinx

            return PocketSphinx(accurate=engine == "pocketsphinx-accurate", processes=processes)
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
