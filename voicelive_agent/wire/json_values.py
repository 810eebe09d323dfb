"""JSON values: what messages call them, and how deeply nested or large one may be."""

from typing import Any, Final, Literal

Excess = Literal["depth", "members"]

MAX_DEPTH: Final = 64
"""Levels of an event. What is nested deeper than some hundreds breaks JSON readers and writers."""


def name_json_type(value: object) -> str:
    """What a JSON value is, with its article: "an object", "null"."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


def find_excess(value: Any, *, max_members: int | None = None) -> Excess | None:
    """What is too much of a value: levels (``MAX_DEPTH``) or members and elements, of all levels.

    Takes time by the size of the value, and no recursion.
    """
    level = [value]
    members = 0
    for _ in range(MAX_DEPTH):
        nodes = [node for node in level if isinstance(node, (dict, list))]
        if not nodes:
            return None
        members += sum(map(len, nodes))
        if max_members is not None and members > max_members:
            return "members"
        level = [
            child
            for node in nodes
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
    return "depth" if level else None
