"""The vocabulary of a SentencePiece model, for a library that wants it as text.

``bpe.model`` is a protocol buffer: field 1, repeated, holds pieces of text (1) and score (2).
"""

import struct
from collections.abc import Iterator
from pathlib import Path

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def write_vocabulary(model: Path, target: Path) -> None:
    """Write ``PIECE<tab>SCORE`` lines. Raises ValueError for what is no such model."""
    try:
        pieces = list(_read_pieces(model.read_bytes()))
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"{model} is no SentencePiece model") from error
    if not pieces:
        raise ValueError(f"{model} is no SentencePiece model")
    lines = (f"{text}\t{score:g}\n" for text, score in pieces)
    target.write_text("".join(lines), encoding="utf-8")


def _read_pieces(data: bytes) -> Iterator[tuple[str, float]]:
    for field, value in _read_fields(data):
        if field == 1 and isinstance(value, bytes):
            members = dict(_read_fields(value))
            text, score = members.get(1, b""), members.get(2, bytes(4))
            if isinstance(text, bytes) and isinstance(score, bytes):
                yield text.decode(), struct.unpack("<f", score)[0]


def _read_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _read_varint(data, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _read_varint(data, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise IndexError("not a field")
        if at + size > len(data):
            raise IndexError("cut off")
        yield key >> 3, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
