"""A read-only table in a tenth of a dict's memory: keys and values in two strings, sorted."""

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import orjson


class PackedTable:
    """The lookup of a mapping from text to what JSON holds; takes microseconds."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        entries = sorted((key.encode(), orjson.dumps(table[key])) for key in table)
        self._keys = b"".join(key for key, _ in entries)
        self._values = b"".join(value for _, value in entries)
        self._key_ends = array("I", accumulate(len(key) for key, _ in entries))
        self._value_ends = array("I", accumulate(len(value) for _, value in entries))

    def get(self, key: str) -> Any:
        """None where it has none."""
        wanted = key.encode(errors="surrogatepass")
        index = bisect_left(range(len(self._key_ends)), wanted, key=self._read_key)
        if index == len(self._key_ends) or self._read_key(index) != wanted:
            return None
        return orjson.loads(_cut(self._values, self._value_ends, index))

    def _read_key(self, index: int) -> bytes:
        return _cut(self._keys, self._key_ends, index)


def _cut(text: bytes, ends: "array[int]", index: int) -> bytes:
    return text[ends[index - 1] if index else 0 : ends[index]]
