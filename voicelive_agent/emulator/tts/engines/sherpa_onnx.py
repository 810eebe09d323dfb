"""sherpa-onnx: neural voices on the CPU, from a folder with a VITS (Piper) or Kokoro model."""

import importlib.util
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.tts import TtsError
from voicelive_agent.emulator.tts.engines import espeak
from voicelive_agent.emulator.tts.local import LocalTextToSpeech, locate_model
from voicelive_agent.emulator.tts.voices import EngineVoice
from voicelive_agent.emulator.tts.worker import Emit
from voicelive_agent.wire.voice_live.voices import Gender

INSTALL_HINT = spell_commands("pip install 'voicelive-agent[sherpa-onnx]'")
_THREADS = 2
# Speakers by number; the letters say accent and gender.
_KOKORO_V0 = (
    "af", "af_bella", "af_nicole", "af_sarah", "af_sky", "am_adam", "am_michael",
    "bf_emma", "bf_isabella", "bm_george", "bm_lewis",
)  # fmt: skip
_KOKORO_V1 = (
    "af_alloy", "af_aoede", "af_bella", "af_heart", "af_jessica", "af_kore", "af_nicole",
    "af_nova", "af_river", "af_sarah", "af_sky", "am_adam", "am_echo", "am_eric", "am_fenrir",
    "am_liam", "am_michael", "am_onyx", "am_puck", "am_santa", "bf_alice", "bf_emma",
    "bf_isabella", "bf_lily", "bm_daniel", "bm_fable", "bm_george", "bm_lewis",
)  # fmt: skip
_MOST_SPEAKERS = 8


def open_tts(
    what: str = "", *, models_dir: Path | None = None, processes: int = 2
) -> LocalTextToSpeech:
    """``what`` is a model's name or folder. Raises TtsError, which says what to do."""
    if importlib.util.find_spec("sherpa_onnx") is None:
        raise TtsError(f"sherpa-onnx is not installed: {INSTALL_HINT}")
    folder = locate_model("sherpa-onnx", what, models_dir)
    return LocalTextToSpeech(
        "sherpa-onnx",
        list_voices,
        module=__name__,
        options={"folder": str(folder)},
        processes=processes,
        # Its sentences end with a pause of their own.
        adds_pauses=False,
    )


def list_voices(about: Mapping[str, Any]) -> list[EngineVoice]:
    if about["kind"] == "kokoro" and about["speakers"] >= len(_KOKORO_V0):
        names = _KOKORO_V0 if about["speakers"] == len(_KOKORO_V0) else _KOKORO_V1
        return [
            EngineVoice(name, *read_kokoro_name(name), {"speaker": number})
            for number, name in enumerate(names)
        ]
    return [
        EngineVoice(f"speaker-{number}", about["language"], None, {"speaker": number})
        for number in range(min(about["speakers"], _MOST_SPEAKERS))
    ]


def read_kokoro_name(name: str) -> tuple[str, Gender | None]:
    """Language and gender of a Kokoro voice: "bm_lewis" is a British man."""
    languages = {
        "a": "en-US", "b": "en-GB", "e": "es-ES", "f": "fr-FR", "h": "hi-IN", "i": "it-IT",
        "j": "ja-JP", "p": "pt-BR", "z": "zh-CN",
    }  # fmt: skip
    genders: dict[str, Gender] = {"f": "female", "m": "male"}
    return languages.get(name[:1], "en-US"), genders.get(name[1:2])


class SherpaSynthesizer:
    """One loaded model.

    From version 2 on, the library spells words by the model's lexicon alone. A model without one
    (Piper's) has its words spelt by espeak-ng here, where that is installed.
    """

    def __init__(self, folder: Path) -> None:
        import sherpa_onnx

        self._kind, models, has_lexicon = _configure(sherpa_onnx, folder)
        config = sherpa_onnx.OfflineTtsConfig(model=models, max_num_sentences=1)
        self._tts = sherpa_onnx.OfflineTts(config)
        self._language = _guess_language(folder)
        self.sample_rate_hz = self._tts.sample_rate
        self._new_generation = sherpa_onnx.GenerationConfig
        self._espeak: espeak.EspeakSynthesizer | None = None
        if not has_lexicon and hasattr(sherpa_onnx.GenerationConfig, "phoneme_codepoints"):
            self._espeak = espeak.open_synthesizer()

    def describe(self) -> Mapping[str, Any]:
        return {
            "kind": self._kind,
            "speakers": max(self._tts.num_speakers, 1),
            "language": self._language,
        }

    def speak(self, text: str, settings: Mapping[str, Any], emit: Emit) -> None:
        if not any(char.isalnum() for char in text):
            return

        def pass_on(samples: Any, progress: float) -> int:
            return 1 if emit(write_pcm16(samples)) else 0

        generation = self._new_generation()
        generation.sid = settings["speaker"]
        generation.speed = min(max(settings["rate"], 0.3), 3.0)
        if self._espeak is not None:
            phonemes = self._espeak.phonemize(text, self._language.lower())
            # Models know accents and the letters below them as characters of their own.
            generation.phoneme_codepoints = [list(map(ord, unicodedata.normalize("NFD", phonemes)))]
        self._tts.generate(text, generation, pass_on)


def write_pcm16(samples: Any) -> bytes:
    """Floats from -1 to 1 as PCM16."""
    import numpy as np

    scaled = np.clip(np.asarray(samples, dtype=np.float32) * 32767, -32768, 32767)
    return bytes(scaled.astype("<i2").tobytes())


def _configure(sherpa_onnx: Any, folder: Path) -> tuple[str, Any, bool]:
    """The kind of model, its configuration, and whether it has a lexicon."""
    tokens, data = folder / "tokens.txt", folder / "espeak-ng-data"
    files = sorted(folder.glob("*.onnx"))
    if not files or not tokens.exists():
        raise FileNotFoundError(f"{folder} holds no model: it needs *.onnx and tokens.txt")
    # An int8 model is as good and quicker.
    model = next((path for path in files if "int8" in path.name), files[0])
    shared = {"model": str(model), "tokens": str(tokens)}
    if data.is_dir():
        shared["data_dir"] = str(data)  # read by versions before 2
    # Of the English accents of a Kokoro model, one can be had at a time.
    lexicons = [
        path for path in sorted(folder.glob("lexicon*.txt")) if path.name != "lexicon-gb-en.txt"
    ]
    if lexicons:
        shared["lexicon"] = ",".join(map(str, lexicons))
    if (voices := folder / "voices.bin").exists():
        kokoro = sherpa_onnx.OfflineTtsKokoroModelConfig(voices=str(voices), **shared)
        models = sherpa_onnx.OfflineTtsModelConfig(kokoro=kokoro, num_threads=_THREADS)
        return "kokoro", models, bool(lexicons)
    vits = sherpa_onnx.OfflineTtsVitsModelConfig(**shared)
    models = sherpa_onnx.OfflineTtsModelConfig(vits=vits, num_threads=_THREADS)
    return "vits", models, bool(lexicons)


def _guess_language(folder: Path) -> str:
    """From a file name such as ``en_US-libritts_r-medium.onnx``."""
    for path in folder.glob("*.onnx"):
        language, _, region = path.name.split("-")[0].partition("_")
        if len(language) == 2 and len(region) == 2:
            return f"{language}-{region.upper()}"
    return "en-US"


def open_synthesizer(folder: str) -> SherpaSynthesizer:
    return SherpaSynthesizer(Path(folder))
