"""hibari's tables are packed once, and read back as they were at the next start."""

import gzip
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from voicelive_agent.emulator.tts.engines.hibari.front_end import Tables, load_tables
from voicelive_agent.emulator.tts.engines.hibari.packed_table import PackedTable

GOLD: dict[str, object] = {"read": {"DEFAULT": "ɹˈid", "VBD": "ɹˈɛd"}, "café": "kˌæfˈA", "a": "ɐ"}
SILVER = {"zyzzyva": "zˈɪzɪvə"}
TAGGER = {"tags": ["NN", "VB"], "tagdict": {"the": "DT"}, "weights": {"b": {"NN": 0.5}}}


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    folder = tmp_path / "assets"
    folder.mkdir()
    for name, table in (("lexicon_us_gold", GOLD), ("lexicon_us_silver", SILVER)):
        write(folder / f"{name}.json.gz", table)
    write(folder / "tagger.json.gz", TAGGER)
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, assets: Path) -> Path:
    """The user's cache; the tables of ``assets`` are packed from these files."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: folder)
    monkeypatch.setattr("hibari.g2p.ASSETS", str(assets))
    return folder


def write(path: Path, table: object) -> None:
    path.write_bytes(gzip.compress(json.dumps(table).encode()))


def check(tables: Tables, gold: Mapping[str, object] = GOLD) -> None:
    assert {word: tables.gold.get(word) for word in gold} == gold
    assert tables.silver.get("zyzzyva") == SILVER["zyzzyva"]
    assert tables.silver.get("read") is None
    assert tables.weights.get("b") == {"NN": 0.5}
    assert tables.tagger == {"tags": ["NN", "VB"], "tagdict": {"the": "DT"}}


def forbid_packing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> PackedTable:
        raise AssertionError("packed again")

    monkeypatch.setattr(PackedTable, "pack", fail)


def test_the_second_start_packs_nothing(
    cache: Path, assets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each start of an emulator packed the same tables: more than a second of one core."""
    check(load_tables(assets))
    forbid_packing(monkeypatch)
    check(load_tables(assets))


def test_another_version_of_the_package_has_its_own(cache: Path, assets: Path) -> None:
    load_tables(assets)
    gold = {**GOLD, "new": "nˈu"}
    write(assets / "lexicon_us_gold.json.gz", gold)
    check(load_tables(assets), gold)
    assert len(list(cache.rglob("*"))) == 2, "the tables of the version before are gone"


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:300]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"zyz", b"xyz")),
        lambda path: np.savez(path, tagger=np.zeros(1)),
        lambda path: path.write_text("no tables"),
    ],
    ids=["empty", "cut off", "changed", "others", "text"],
)
def test_what_was_damaged_is_made_anew(
    cache: Path, assets: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], object]
) -> None:
    load_tables(assets)
    (kept,) = cache.rglob("*.npz")
    damage(kept)
    check(load_tables(assets))
    forbid_packing(monkeypatch)
    check(load_tables(assets))


@pytest.mark.parametrize("is_file", [True, False])
def test_where_nothing_can_be_kept_it_works_all_the_same(
    cache: Path, assets: Path, monkeypatch: pytest.MonkeyPatch, is_file: bool
) -> None:
    if is_file:
        cache.write_text("no folder")
    else:

        def refuse(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(np, "savez", refuse)
    check(load_tables(assets))
    assert is_file or not [name for _, _, names in os.walk(cache) for name in names]
