import asyncio
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from voicelive_agent.client.core.tool_calls.functions import Functions, ToolsError, load_functions


class Place(BaseModel):
    city: str
    country: str = "FR"


def book(
    place: Place, nights: int, kind: Literal["single", "double"] = "single"
) -> dict[str, object]:
    """Book a room.

    Nights are counted from today.
    """
    assert isinstance(place, Place)
    return {"city": place.city, "nights": nights, "kind": kind}


async def call(function: Any, arguments: str, timeout_s: float = 5) -> Any:
    output = await Functions([function]).call(function.__name__, arguments, timeout_s)
    try:
        return json.loads(output)
    except ValueError:
        return output


def test_a_signature_becomes_a_schema() -> None:
    [tool] = Functions([book]).describe()
    assert tool["name"] == "book"
    assert tool["description"] == "Book a room.\n\nNights are counted from today."
    schema = tool["parameters"]
    assert schema["required"] == ["place", "nights"]
    assert schema["properties"]["kind"]["enum"] == ["single", "double"]
    assert schema["properties"]["nights"]["type"] == "integer"
    json.dumps(tool)


async def test_arguments_are_checked_and_models_made() -> None:
    assert await call(book, '{"place": {"city": "Lyon"}, "nights": 2}') == {
        "city": "Lyon",
        "nights": 2,
        "kind": "single",
    }
    for bad in ('{"nights": 2}', '{"place": {"city": "x"}, "nights": "many"}', "not json", "[]"):
        assert "arguments don't fit" in (await call(book, bad))["error"]
    odd = await call(book, '{"place": {"city": "x"}, "nights": 1, "x": 1}')
    assert "error" in odd


async def test_errors_and_delays_are_results() -> None:
    def explode() -> None:
        raise LookupError("nothing there")

    async def linger() -> None:
        await asyncio.Event().wait()

    assert await call(explode, "{}") == {"error": "LookupError: nothing there"}
    assert "longer than 0.01 s" in (await call(linger, "{}", 0.01))["error"]
    output = await Functions([]).call("gone", "{}", 1)
    assert "no function 'gone'" in json.loads(output)["error"]


async def test_plain_functions_run_beside_the_loop() -> None:
    both = threading.Barrier(2, timeout=5)

    def meet() -> str:
        both.wait()
        return "met"

    functions = Functions([meet])
    assert await asyncio.gather(*(functions.call("meet", "", 5) for _ in range(2))) == ["met"] * 2


async def test_any_result_becomes_text() -> None:
    def strange() -> Any:
        return {"o": object, "p": Path("a"), "m": Place(city="x")}

    result = await call(strange, "{}")
    assert result["p"] == "a"
    assert result["m"] == {"city": "x", "country": "FR"}


def test_a_file_gives_its_own_public_functions(tmp_path: Path) -> None:
    path = tmp_path / "my_tools.py"
    path.write_text(
        "from __future__ import annotations\nfrom json import dumps\n"
        "def add(a: int, b: int = 1) -> int:\n    'Add.'\n    return a + b\n"
        "def _hidden(): pass\n"
    )
    assert [tool["name"] for tool in load_functions(path).describe()] == ["add"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "defines no public function"),
        ("1 / 0", "ZeroDivisionError"),
        ("def f(:", "SyntaxError"),
        ("def f(*args): pass", "arguments by name"),
        ("import socket\ndef f(a: socket.socket): pass", "no JSON schema"),
        ("from __future__ import annotations\ndef f(a: Gone): pass", "import what"),
    ],
)
def test_files_that_can_not_be_used(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text)
    with pytest.raises(ToolsError, match=message):
        load_functions(path)
    with pytest.raises(ToolsError, match="no Python file"):
        load_functions(tmp_path / "gone.py")


def test_a_function_that_hangs_keeps_no_program_from_ending() -> None:
    """Python waits for the threads of ``asyncio.to_thread`` when a program ends."""
    script = """
import asyncio, time
from voicelive_agent.client.core.tool_calls.functions import Functions
def sleep(): time.sleep(600)
print(asyncio.run(Functions([sleep]).call("sleep", "{}", 0.1)))
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert "took longer than 0.1 s" in ended.stdout
