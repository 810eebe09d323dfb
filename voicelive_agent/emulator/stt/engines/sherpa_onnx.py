"""sherpa-onnx: neural speech to text on the CPU, from a folder with a model.

A streaming transducer (a Zipformer, say) has its text while one speaks. Others hear whole
utterances: transducers of icefall or NeMo (Parakeet), NeMo CTC, SenseVoice, Moonshine, Whisper.
"""

import importlib.util
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ, SttError, Transcript, TranscriptWord
from voicelive_agent.emulator.stt.engines.sentencepiece import write_vocabulary
from voicelive_agent.emulator.stt.phrases import list_readings, split_words
from voicelive_agent.emulator.stt.recognition import (
    BufferedRecognizer,
    CollectedRecognition,
    Recognition,
    Threads,
    locate_model,
)

INSTALL_HINT = spell_commands("pip install 'voicelive-agent[sherpa-onnx]'")
PHRASE_SCORE = 2.0
"""What each token of a phrase adds to the likelihood (logarithmic) of hearing it."""
_TAIL_MS = 600
"""A streaming model needs that much silence to hear the last word."""
_CHUNK_MS = 500


class SherpaOnnx:
    """``SpeechToText`` on a folder with ``tokens.txt`` and the parts of a model as ``*.onnx``."""

    name = "sherpa-onnx"
    advice: str | None = None

    def __init__(self, what: str = "", *, models_dir: Path | None = None) -> None:
        """``what`` is a model's name or folder. Raises SttError, which says what to do."""
        if importlib.util.find_spec("sherpa_onnx") is None:
            raise SttError(f"sherpa-onnx is not installed: {INSTALL_HINT}")
        self.model = SherpaModel(locate_model(self.name, what, models_dir))
        self._threads = Threads(self.name)

    async def start(self) -> None:
        try:
            await self._threads.run(self.model.load)
        except Exception as error:
            raise SttError(
                f"sherpa-onnx can't load {self.model.folder}: {error}. Fetch it anew: "
                "voicelive-agent models remove NAME, then fetch NAME."
            ) from error

    async def stop(self) -> None:
        await self._threads.stop()
        self.model.unload()

    def open_recognizer(self) -> "SherpaRecognizer":
        return SherpaRecognizer(self.model, self._threads)


class SherpaRecognizer(BufferedRecognizer):
    def __init__(self, model: "SherpaModel", threads: Threads) -> None:
        super().__init__()
        self._model = model
        self._threads = threads

    def _prepare(self) -> Callable[[], Awaitable[Recognition]]:
        model, threads, language, phrases = self._model, self._threads, self.language, self.phrases

        async def open_recognition() -> Recognition:
            if model.is_streaming:
                stream = await threads.run(model.open_stream, phrases)
                return _StreamedRecognition(model, threads, stream, language)
            return CollectedRecognition(
                lambda pcm: threads.run(model.transcribe, pcm, language, phrases)
            )

        return open_recognition


class _StreamedRecognition:
    def __init__(self, model: "SherpaModel", threads: Threads, stream: Any, language: str) -> None:
        self._model = model
        self._threads = threads
        self._stream = stream
        self._language = language

    async def take(self, pcm: bytes) -> str:
        return await self._threads.run(self._model.feed, self._stream, pcm)

    async def end(self) -> Transcript:
        return await self._threads.run(self._model.finish, self._stream, self._language)

    async def abandon(self) -> None:
        self._stream = None


class SherpaModel:
    """A model of one of the known layouts. Its methods block, and let go of the GIL."""

    def __init__(self, folder: Path) -> None:
        """Raises SttError where the folder's files are no model."""
        self.folder = folder
        self._parts = {
            role: path
            for role in ("encoder", "decoder", "joiner", "preprocess", "encode", "uncached_decode",
                         "cached_decode", "model")
            if (path := _find_part(folder, role)) is not None
        }  # fmt: skip
        self._tokens = folder / "tokens.txt"
        if not self._tokens.is_file():
            self._tokens = next(iter(sorted(folder.glob("*tokens.txt"))), self._tokens)
        if not self._parts or not self._tokens.is_file():
            raise SttError(
                f"{folder} holds no model: it needs tokens.txt and *.onnx. "
                "voicelive-agent models lists models to fetch."
            )
        names = f"{folder.name} {self._parts.get('encoder', folder).name}"
        self.is_streaming = "joiner" in self._parts and ("streaming" in names or "chunk" in names)
        self._is_upper = False
        self._has_hotwords = False
        self._recogniser: Any = None

    def load(self) -> None:
        """Load and warm up."""
        tokens = self._tokens.read_text(encoding="utf-8").splitlines()
        letters = "".join(line.split()[0] for line in tokens if line.split() and "<" not in line)
        # Models of read speech know capitals alone.
        self._is_upper = letters.upper() == letters
        self._recogniser = self._open(tokens)
        if self.is_streaming:
            stream = self.open_stream(())
            self.feed(stream, bytes(32 * _TAIL_MS))
        else:
            self.transcribe(bytes(32 * _TAIL_MS), "en", ())

    def unload(self) -> None:
        self._recogniser = None

    def open_stream(self, phrases: tuple[str, ...]) -> Any:
        """A stream that listens for the phrases where the model can."""
        said = [" ".join(split_words(reading)) for reading in list_readings(phrases)]
        if not said or not self._has_hotwords:
            return self._recogniser.create_stream()
        hotwords = "/".join(said)
        return self._recogniser.create_stream(hotwords.upper() if self._is_upper else hotwords)

    def feed(self, stream: Any, pcm: bytes) -> str:
        """Add audio to a streaming model's stream; the text so far."""
        for start in range(0, len(pcm), 32 * _CHUNK_MS):
            stream.accept_waveform(SAMPLE_RATE_HZ, _to_floats(pcm[start : start + 32 * _CHUNK_MS]))
            self._decode_ready(stream)
        return self._write(self._recogniser.get_result(stream))

    def finish(self, stream: Any, language: str) -> Transcript:
        stream.accept_waveform(SAMPLE_RATE_HZ, _to_floats(bytes(32 * _TAIL_MS)))
        stream.input_finished()
        self._decode_ready(stream)
        return self._read(self._recogniser.get_result_all(stream), language)

    def transcribe(self, pcm: bytes, language: str, phrases: tuple[str, ...]) -> Transcript:
        """The transcript of a whole utterance."""
        if not pcm:
            return Transcript("", language=language, source=SherpaOnnx.name)
        stream = self.open_stream(phrases)
        stream.accept_waveform(SAMPLE_RATE_HZ, _to_floats(pcm))
        self._recogniser.decode_stream(stream)
        return self._read(stream.result, language)

    def _decode_ready(self, stream: Any) -> None:
        while self._recogniser.is_ready(stream):
            self._recogniser.decode_stream(stream)

    def _open(self, tokens: list[str]) -> Any:
        import sherpa_onnx

        offline = sherpa_onnx.OfflineRecognizer
        parts = {role: str(path) for role, path in self._parts.items()}
        shared = {"tokens": str(self._tokens), "num_threads": 2}
        if "joiner" in parts:
            transducer = {role: parts[role] for role in ("encoder", "decoder", "joiner")} | shared
            if not self.is_streaming and not _begins_with_blank(tokens):
                return offline.from_transducer(model_type="nemo_transducer", **transducer)
            engine = sherpa_onnx.OnlineRecognizer if self.is_streaming else offline
            return self._open_with_hotwords(engine.from_transducer, transducer)
        if "uncached_decode" in parts:
            return offline.from_moonshine(
                preprocessor=parts["preprocess"],
                encoder=parts["encode"],
                uncached_decoder=parts["uncached_decode"],
                cached_decoder=parts["cached_decode"],
                **shared,
            )
        if "encoder" in parts and "decoder" in parts:
            return offline.from_whisper(
                encoder=parts["encoder"], decoder=parts["decoder"], language="", **shared
            )
        if "sense" in self.folder.name.lower():
            return offline.from_sense_voice(model=parts["model"], use_itn=True, **shared)
        return offline.from_nemo_ctc(model=parts["model"], **shared)

    def _open_with_hotwords(self, opener: Callable[..., Any], options: dict[str, Any]) -> Any:
        """With phrases as hot words, where the model carries what spells them in its tokens."""
        vocabulary, pieces = self.folder / "bpe.vocab", self.folder / "bpe.model"
        self._has_hotwords = vocabulary.is_file() or pieces.is_file()
        if not self._has_hotwords:
            return opener(**options)
        with tempfile.TemporaryDirectory() as work:
            if not vocabulary.is_file():
                vocabulary = Path(work) / "bpe.vocab"
                write_vocabulary(pieces, vocabulary)
            return opener(
                **options,
                decoding_method="modified_beam_search",
                modeling_unit="bpe",
                bpe_vocab=str(vocabulary),
                hotwords_score=PHRASE_SCORE,
            )

    def _read(self, result: Any, language: str) -> Transcript:
        words = _join_tokens(list(result.tokens), list(result.timestamps))
        return Transcript(
            self._write(result.text.strip()),
            tuple(
                TranscriptWord(self._write(text), offset_ms, duration_ms)
                for text, offset_ms, duration_ms in words
            ),
            language=language,
            source=SherpaOnnx.name,
        )

    def _write(self, text: str) -> str:
        return text.lower() if self._is_upper else text


def _find_part(folder: Path, role: str) -> Path | None:
    """A part's file; the int8 one where there are several, as good and quicker."""
    files = [
        path
        for path in sorted(folder.glob("*.onnx"))
        if path.name.startswith(role) or f"-{role}" in path.name
        if role != "encode" or "encoder" not in path.name
    ]
    return next((path for path in files if "int8" in path.name), next(iter(files), None))


def _begins_with_blank(tokens: list[str]) -> bool:
    """Models of icefall have the blank as their first token, those of NeMo as the last."""
    return bool(tokens) and tokens[0].startswith("<blk>")


def _join_tokens(tokens: list[str], starts_s: list[float]) -> list[tuple[str, int, int]]:
    """Words with offset and duration in ms; a word begins with a space, or where text is new."""
    words: list[tuple[str, int, int]] = []
    for token, start_s in zip(tokens, starts_s, strict=False):
        offset_ms = round(start_s * 1000)
        text = token.replace("▁", " ")
        if text.startswith(" ") or not words:
            words.append((text.strip(), offset_ms, 0))
        else:
            before, begin_ms, _ = words[-1]
            words[-1] = (before + text.strip(), begin_ms, offset_ms - begin_ms)
    return [word for word in words if word[0]]


def _to_floats(pcm: bytes) -> Any:
    import numpy as np

    return np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
