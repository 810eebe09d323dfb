from typing import Any

import pytest

from voicelive_agent.wire.json_values import MAX_DEPTH, find_excess, name_json_type


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({}, "an object"),
        ([], "an array"),
        ("", "a string"),
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        (None, "null"),
    ],
)
def test_json_types_have_json_names(value: object, name: str) -> None:
    assert name_json_type(value) == name


def nest(depth: int) -> Any:
    value: Any = 1
    for number in range(depth):
        value = [value] if number % 2 else {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "limit", "excess"),
    [
        (1, 0, None),
        ({}, 0, None),
        (nest(MAX_DEPTH), None, None),
        (nest(MAX_DEPTH + 1), None, "depth"),
        (nest(100_000), None, "depth"),
        (nest(100_000), 10, "members"),
        ([{}] * 9, 10, None),
        ([{"a": 1}] * 6, 10, "members"),
        ([1] * 11, 10, "members"),
        ({str(number): 1 for number in range(11)}, 10, "members"),
        ([[], [[1] * 11]], 10, "members"),
    ],
)
def test_what_is_too_deep_or_too_large_is_found(
    value: Any, limit: int | None, excess: str | None
) -> None:
    assert find_excess(value, max_members=limit) == excess
