"""sherpa-onnx: what its folder must hold, and the glue around a recogniser that the test plays.

No package carries a model, so the library itself is only imported here.
"""

import importlib.util
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from voicelive_agent.emulator.stt import SttError
from voicelive_agent.emulator.stt.engines import open_stt
from voicelive_agent.emulator.stt.engines.sherpa_onnx import SherpaModel, SherpaOnnx
from voicelive_agent.emulator.stt.recognition import Threads

TOKENS = ["<blk> 0", "▁HELLO 1", "▁WOR 2", "LD 3"]


class Stream:
    def __init__(self, hotwords: str | None) -> None:
        self.hotwords = hotwords
        self.samples = 0
        self.decoded = 0
        self.is_finished = False
        self.result = SimpleNamespace(text="", tokens=[], timestamps=[])

    def accept_waveform(self, rate_hz: int, samples: Any) -> None:
        assert rate_hz == 16_000
        assert samples.dtype == "float32"
        self.samples += len(samples)

    def input_finished(self) -> None:
        self.is_finished = True


class SphinxDecoder:
    """Hears one token for each half second."""

    def __init__(self, kind: str, options: dict[str, Any]) -> None:
        self.kind = kind
        self.options = options
        self.streams: list[Stream] = []

    def create_stream(self, hotwords: str | None = None) -> Stream:
        self.streams.append(Stream(hotwords))
        return self.streams[-1]

    def is_ready(self, stream: Stream) -> bool:
        return stream.decoded < stream.samples // 8000

    def decode_stream(self, stream: Stream) -> None:
        is_streamed = self.kind.startswith("Online")
        stream.decoded = stream.decoded + 1 if is_streamed else stream.samples // 8000
        tokens = [" HELLO", " WOR", "LD"][: stream.decoded]
        stream.result = SimpleNamespace(
            text="".join(tokens), tokens=tokens, timestamps=[0.5 * n for n in range(len(tokens))]
        )

    def get_result(self, stream: Stream) -> str:
        return str(stream.result.text).strip()

    def get_result_all(self, stream: Stream) -> Any:
        return stream.result


class Library:
    """``sherpa_onnx`` as far as it is used."""

    __spec__ = object()

    def __init__(self) -> None:
        self.opened: list[SphinxDecoder] = []

    def _opener(self, kind: str) -> Any:
        def open_recogniser(**options: Any) -> SphinxDecoder:
            self.opened.append(SphinxDecoder(kind, options))
            return self.opened[-1]

        return open_recogniser

    def __getattr__(self, name: str) -> Any:
        if name in ("OnlineRecognizer", "OfflineRecognizer"):
            kinds = ("transducer", "moonshine", "whisper", "sense_voice", "nemo_ctc")
            return SimpleNamespace(
                **{f"from_{kind}": self._opener(f"{name} {kind}") for kind in kinds}
            )
        raise AttributeError(name)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    fake = Library()
    monkeypatch.setitem(sys.modules, "sherpa_onnx", fake)
    return fake


def lay_out(folder: Path, *names: str, tokens: list[str] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"onnx")
    text = "\n".join(TOKENS if tokens is None else tokens)
    (folder / "tokens.txt").write_text(text, encoding="utf-8")
    return folder


STREAMING = ("encoder-epoch-99-chunk-16.int8.onnx", "decoder-epoch-99.onnx", "joiner-epoch-99.onnx")
OFFLINE = ("encoder.int8.onnx", "decoder.int8.onnx", "joiner.int8.onnx")


@pytest.mark.parametrize(
    ("folder", "names", "tokens", "kind"),
    [
        ("zipformer-en", STREAMING, TOKENS, "OnlineRecognizer transducer"),
        ("zipformer-offline", OFFLINE, TOKENS, "OfflineRecognizer transducer"),
        ("parakeet-en", OFFLINE, ["a 0", "<blk> 1"], "OfflineRecognizer transducer"),
        (
            "whisper",
            ("tiny-encoder.onnx", "tiny-decoder.onnx"),
            TOKENS,
            "OfflineRecognizer whisper",
        ),
        (
            "moonshine",
            ("preprocess.onnx", "encode.onnx", "uncached_decode.onnx", "cached_decode.onnx"),
            TOKENS,
            "OfflineRecognizer moonshine",
        ),
        ("sense-voice", ("model.int8.onnx",), TOKENS, "OfflineRecognizer sense_voice"),
        ("nemo", ("model.onnx",), TOKENS, "OfflineRecognizer nemo_ctc"),
    ],
)
def test_layouts(
    library: Library,
    tmp_path: Path,
    folder: str,
    names: tuple[str, ...],
    tokens: list[str],
    kind: str,
) -> None:
    model = SherpaModel(lay_out(tmp_path / folder, *names, tokens=tokens))
    model.load()
    (opened,) = library.opened
    assert opened.kind == kind
    for path in opened.options.values():
        if isinstance(path, str) and path.startswith(str(tmp_path)):
            assert Path(path).is_file()
    assert (opened.options.get("model_type") == "nemo_transducer") is (folder == "parakeet-en")


def test_the_int8_parts_are_preferred(library: Library, tmp_path: Path) -> None:
    model = SherpaModel(lay_out(tmp_path / "m", *OFFLINE, "encoder.onnx", "decoder.onnx"))
    model.load()
    assert library.opened[0].options["encoder"].endswith("encoder.int8.onnx")


async def test_a_streaming_model_has_its_text_while_one_speaks(
    library: Library, tmp_path: Path
) -> None:
    stt = SherpaOnnx(str(lay_out(tmp_path / "zipformer", *STREAMING)))
    await stt.start()
    partials: list[str] = []
    recognizer = stt.open_recognizer()
    utterance = recognizer.begin(partials.append)
    utterance.feed(bytes(32_000))
    assert await utterance.text_so_far() == "hello wor"
    transcript = await utterance.finish()
    assert transcript.text == "hello world"
    assert [(word.text, word.offset_ms) for word in transcript.words] == [
        ("hello", 0),
        ("world", 500),
    ]
    assert transcript.words[1].duration_ms == 500
    assert library.opened[0].streams[-1].is_finished
    await stt.stop()


async def test_another_model_hears_the_whole_utterance(library: Library, tmp_path: Path) -> None:
    stt = SherpaOnnx(str(lay_out(tmp_path / "parakeet", *OFFLINE)))
    await stt.start()
    recognizer = stt.open_recognizer()
    utterance = recognizer.begin(lambda text: None)
    utterance.feed(bytes(32_000))
    assert await utterance.text_so_far() == ""
    assert (await utterance.finish()).text == "hello wor"
    empty = recognizer.begin(lambda text: None)
    assert (await empty.finish()).text == ""
    await recognizer.close()
    await stt.stop()


def write_pieces(path: Path, pieces: dict[str, float]) -> None:
    """As SentencePiece writes them: the pieces, and a setting that is none of them."""
    data = b""
    for text, score in pieces.items():
        encoded = text.encode()
        body = (
            b"\x0a"
            + bytes([len(encoded)])
            + encoded
            + b"\x15"
            + struct.pack("<f", score)
            + b"\x18\x01"
        )
        data += b"\x0a" + bytes([len(body)]) + body
    path.write_bytes(data + b"\x12\x02\x08\x01")


def test_phrases_become_hot_words(library: Library, tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "zipformer", *STREAMING)
    write_pieces(folder / "bpe.model", {"▁HELLO": -1.5, "LD": -2})
    model = SherpaModel(folder)
    model.load()
    assert library.opened[0].options["decoding_method"] == "modified_beam_search"
    stream = model.open_stream(("Contoso", "table for (two|four)"))
    assert stream.hotwords == "CONTOSO/TABLE FOR TWO/FOUR"
    assert model.open_stream(()).hotwords is None


def test_without_a_vocabulary_there_are_none(library: Library, tmp_path: Path) -> None:
    model = SherpaModel(lay_out(tmp_path / "zipformer", *STREAMING))
    model.load()
    assert model.open_stream(("contoso",)).hotwords is None


@pytest.mark.parametrize("names", [(), ("encoder.onnx",)])
def test_a_folder_without_a_model(tmp_path: Path, names: tuple[str, ...]) -> None:
    folder = lay_out(tmp_path / "m", *names)
    if names:
        (folder / "tokens.txt").unlink()
    with pytest.raises(SttError, match=r"tokens\.txt and \*\.onnx"):
        SherpaModel(folder)


def test_a_missing_model_names_the_command(tmp_path: Path) -> None:
    if importlib.util.find_spec("sherpa_onnx") is None:
        pytest.skip("the sherpa-onnx extra is not installed")
    with pytest.raises(SttError, match="models fetch zipformer-en"):
        open_stt("sherpa-onnx", models_dir=tmp_path)
    with pytest.raises(SttError, match="models fetch parakeet-en"):
        open_stt("sherpa-onnx:parakeet-en", models_dir=tmp_path)


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None)
    yield


@pytest.mark.parametrize("name", ["sherpa-onnx", "faster-whisper"])
def test_a_missing_package_names_the_extra(no_packages: None, name: str) -> None:
    with pytest.raises(SttError, match=rf"voicelive-agent\[{name}\]"):
        open_stt(name)


async def test_a_broken_model_is_said(
    monkeypatch: pytest.MonkeyPatch, library: Library, tmp_path: Path
) -> None:
    stt = SherpaOnnx(str(lay_out(tmp_path / "zipformer", *STREAMING)))

    def fail() -> None:
        raise RuntimeError("bad protobuf")

    monkeypatch.setattr(stt.model, "load", fail)
    with pytest.raises(SttError, match="Fetch it anew"):
        await stt.start()
    await stt.stop()


async def test_threads_finish_what_they_do() -> None:
    threads = Threads("test")
    assert await threads.run(lambda number: number + 1, 1) == 2
    await threads.stop()
