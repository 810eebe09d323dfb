"""Format of a recording (``NAME.wav``, ``NAME.jsonl``), of emulator and client.

``NAME.wav`` is stereo PCM16 with the person on the left and the agent on the right, on one
timeline. ``NAME.jsonl`` opens with a line about the connection, and then has a line for each
event of the protocol, audio included, so that ``voicelive-agent replay`` can play it again::

    {"at_ms": 0.0, "connection": {"path": …, "query": {…}}}
    {"at_ms": 1042.7, "from": "client" | "server", "event": {…}}

Lines with a ``kind`` stand between them: in the emulator's, each turn and its marks whenever they
change (``turn``, as ``GET /sessions/{id}`` tells it); in a client's, what it showed. Keys are in
neither file, and both are readable by their owner alone, because they hold what people said.
"""

from collections.abc import Mapping
from typing import Any, Literal

Side = Literal["client", "server"]

OWNER_ALONE = 0o600
"""The mode of both files."""
DIRECTORY_MODE = 0o700


def connection_line(connection: Mapping[str, Any]) -> dict[str, Any]:
    """The first line; ``connection`` has the path and the query of its URL, without keys."""
    return {"at_ms": 0.0, "connection": dict(connection)}


def event_line(at_ms: float, side: Side, event: Any) -> dict[str, Any]:
    """The line of an event; what was no JSON is the text of its frame."""
    return {"at_ms": round(at_ms, 1), "from": side, "event": event}


def turn_line(at_ms: float, turn: Mapping[str, Any]) -> dict[str, Any]:
    """The line of a turn, in the place of the one of its number before it."""
    return {"at_ms": round(at_ms, 1), "kind": "turn", "turn": dict(turn)}
