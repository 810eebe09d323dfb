"""The vocabulary of a SentencePiece model."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.stt.engines.sentencepiece import write_vocabulary

from .test_sherpa_onnx import write_pieces


def test_pieces_and_scores(tmp_path: Path) -> None:
    write_pieces(tmp_path / "bpe.model", {"<unk>": 0, "▁THE": -3.5, "S": -4})
    write_vocabulary(tmp_path / "bpe.model", tmp_path / "bpe.vocab")
    text = (tmp_path / "bpe.vocab").read_text(encoding="utf-8")
    assert text == "<unk>\t0\n▁THE\t-3.5\nS\t-4\n"


@given(st.binary(max_size=60))
def test_other_files_are_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("model")
    (folder / "bpe.model").write_bytes(b"\x07" + data)
    with pytest.raises(ValueError, match="no SentencePiece model"):
        write_vocabulary(folder / "bpe.model", folder / "bpe.vocab")
