"""Front end of hibari: its dictionaries and its tagger, packed, and kept packed for the next start.

As dicts they take 115 MB of the process, and to pack them takes a second: so the packed ones are
kept in the user's cache, where that can be written.
"""

import contextlib
import ctypes
import gc
import hashlib
import json
import os
import zipfile
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from voicelive_agent.emulator.tts.engines.hibari.packed_table import PackedTable

_GOLD, _SILVER = "lexicon_us_gold.json.gz", "lexicon_us_silver.json.gz"
_TAGGER = "tagger.json.gz"
_TRAILER_BYTES = 8
"""Checksum and size of what a gzip file holds."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What the front end looks words up in."""

    gold: PackedTable
    silver: PackedTable
    weights: PackedTable
    """Of the tagger."""
    tagger: Mapping[str, Any]
    """The rest of it."""


def load_front_end() -> Any:
    """The package's ``G2P``, as its constructor makes it for American English."""
    from hibari.g2p import ASSETS, G2P, _load_json
    from hibari.g2p.lexicon import Lexicon
    from hibari.g2p.tagger import Tagger
    from hibari.g2p.tokenize import Tokenizer

    tables = load_tables(Path(ASSETS))
    g2p = G2P.__new__(G2P)
    g2p.lexicon = Lexicon(tables.gold, tables.silver)
    g2p.tokenizer = Tokenizer(_load_json("tokenizer_exceptions.json"))
    g2p.tagger = Tagger({**tables.tagger, "weights": tables.weights})
    g2p._oov, g2p.unk, g2p.british = None, "", False
    return g2p


def load_tables(assets: Path) -> Tables:
    """The tables of the package's ``assets``; those that were kept, if they are of the same."""
    kept = _find_place(assets)
    with contextlib.suppress(OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return _read(kept)
    tables = _make(assets)
    with contextlib.suppress(OSError):
        _keep(tables, kept)
    _return_memory()
    return tables


def _find_place(assets: Path) -> Path:
    """The name tells of which files they were made."""
    digest = hashlib.sha256()
    for name in (_GOLD, _SILVER, _TAGGER):
        with (assets / name).open("rb") as file:
            file.seek(-_TRAILER_BYTES, os.SEEK_END)
            digest.update(file.read())
    cache = platformdirs.user_cache_path("voicelive-agent", appauthor=False)
    return cache / "hibari" / f"tables-{digest.hexdigest()[:16]}.npz"


def _make(assets: Path) -> Tables:
    from hibari.g2p import _load_json

    gold, silver = (PackedTable.pack(_load_json(name)) for name in (_GOLD, _SILVER))
    tagger = _load_json(_TAGGER)
    weights = PackedTable.pack(tagger.pop("weights"))
    return Tables(gold, silver, weights, tagger)


def _keep(tables: Tables, place: Path) -> None:
    """Raises OSError."""
    arrays: dict[str, Any] = {"tagger": np.frombuffer(json.dumps(tables.tagger).encode(), np.uint8)}
    for name in ("gold", "silver", "weights"):
        table: PackedTable = getattr(tables, name)
        for part, content in table._asdict().items():
            kind = np.uint8 if isinstance(content, bytes) else np.uint32
            arrays[f"{name}.{part}"] = np.frombuffer(content, kind)
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_suffix(f".{os.getpid()}")
    try:
        with partial.open("wb") as file:
            np.savez(file, **arrays)
        for before in place.parent.glob("tables-*.npz"):
            before.unlink()
        partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)


def _read(place: Path) -> Tables:
    """Raises OSError and what a damaged file gives: EOFError, KeyError, ValueError, BadZipFile."""
    with place.open("rb") as file, np.load(file, allow_pickle=False) as kept:

        def read(name: str) -> PackedTable:
            return PackedTable(
                kept[f"{name}.keys"].tobytes(),
                array("I", kept[f"{name}.key_ends"].tobytes()),
                kept[f"{name}.values"].tobytes(),
                array("I", kept[f"{name}.value_ends"].tobytes()),
            )

        tagger = json.loads(kept["tagger"].tobytes())
        return Tables(read("gold"), read("silver"), read("weights"), tagger)


def _return_memory() -> None:
    """What packing took and left; glibc keeps it for later, and there is no later."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
