"""``voicelive-agent replay FILE``: play a recorded session's client side against a server again.

The client's events go out at the times at which they were recorded, with the ids of the recorded
session replaced by those that the server gives now. What the server answers is compared with the
recording: the order of events, what was understood and said, and the times between them.
"""

import argparse
import asyncio
import difflib
import ssl
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from voicelive_agent.command_name import spell_command, spell_commands

try:
    import orjson
    from websockets.asyncio.client import ClientConnection, connect
    from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
except ModuleNotFoundError as error:
    sys.exit(spell_commands(f"{error.name} is missing: pip install 'voicelive-agent[emulator]'"))

from voicelive_agent.settings_sources import SettingsError, emulator_url

EXIT_SAME, EXIT_DIFFERS, EXIT_UNUSABLE = 0, 1, 2

_MAX_FRAME_BYTES = 64 * 1024 * 1024
_ID_FIELDS = ("item_id", "response_id", "call_id", "previous_item_id", "id", "turn_id")
_TIMED = (
    ("speech stopped → transcript", "conversation.item.input_audio_transcription.completed"),
    ("speech stopped → response created", "response.created"),
    ("speech stopped → first text", "response.audio_transcript.delta"),
    ("speech stopped → first audio", "response.audio.delta"),
)


class UnusableRecording(Exception):
    """The file is no recording of a session; the message says why."""


@dataclass(frozen=True, slots=True)
class RecordedLine:
    at_ms: float
    side: str
    event: Any


@dataclass(slots=True)
class Events:
    """One session's events, in order, with their times."""

    connection: dict[str, Any] = field(default_factory=dict)
    lines: list[RecordedLine] = field(default_factory=list)

    def of(self, side: str) -> list[RecordedLine]:
        return [line for line in self.lines if line.side == side]

    def server_events(self) -> list[tuple[float, dict[str, Any]]]:
        return [
            (line.at_ms, line.event)
            for line in self.lines
            if line.side == "server" and isinstance(line.event, dict)
        ]


def read_events(path: Path) -> Events:
    """Read a ``.jsonl`` file of a recording. Raises UnusableRecording."""
    events = Events()
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UnusableRecording(f"{path}: {error.strerror or error}") from error
    for number, text in enumerate(lines, 1):
        try:
            line = orjson.loads(text)
            if "connection" in line:
                events.connection = dict(line["connection"])
            elif "from" in line or "kind" not in line:
                events.lines.append(
                    RecordedLine(float(line["at_ms"]), str(line["from"]), line["event"])
                )
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise UnusableRecording(
                f"{path}, line {number}: not a line of a recording; give the .jsonl file that "
                "--record left"
            ) from error
    if not events.connection or not events.lines:
        raise UnusableRecording(f"{path}: holds no session; give the .jsonl file of --record")
    return events


def ids_of(event: Any) -> list[tuple[str, str]]:
    """Every id in an event with the name of its field, in the order in which they stand in it."""
    found: list[tuple[str, str]] = []
    if isinstance(event, Mapping):
        for name, value in event.items():
            if name in _ID_FIELDS and isinstance(value, str):
                found.append((name, value))
            else:
                found.extend(ids_of(value))
    elif isinstance(event, list):
        for value in event:
            found.extend(ids_of(value))
    return found


class Renaming:
    """Recorded ids to those of the running session, by their order of appearance."""

    def __init__(self, recorded: Iterable[Mapping[str, Any]]) -> None:
        self._recorded = _ids_by_kind(recorded)
        self._running: dict[str, list[str]] = {}

    def learn(self, event: Mapping[str, Any]) -> None:
        for kind, ids in _ids_by_kind([event]).items():
            known = self._running.setdefault(kind, [])
            known.extend(one for one in ids if one not in known)

    def translate(self, event: Any) -> Any:
        """A client event with the ids that the running session uses."""
        if isinstance(event, Mapping):
            return {
                name: self._translate_id(value)
                if name in _ID_FIELDS and isinstance(value, str)
                else self.translate(value)
                for name, value in event.items()
            }
        if isinstance(event, list):
            return [self.translate(value) for value in event]
        return event

    def _translate_id(self, recorded_id: str) -> str:
        kind = _kind_of(recorded_id)
        recorded = self._recorded.get(kind, [])
        running = self._running.get(kind, [])
        if recorded_id in recorded:
            index = recorded.index(recorded_id)
            if index < len(running):
                return running[index]
        return recorded_id


def _kind_of(one_id: str) -> str:
    return one_id.partition("_")[0]


def _ids_by_kind(events: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for event in events:
        for _, one_id in ids_of(event):
            ids = kinds.setdefault(_kind_of(one_id), [])
            if one_id not in ids:
                ids.append(one_id)
    return kinds


async def replay(
    recorded: Events,
    endpoint: str,
    *,
    api_key: str,
    quiet_s: float = 3.0,
    speed: float = 1.0,
    running: Events | None = None,
    tls: ssl.SSLContext | None = None,
) -> Events:
    """Run the client side again; ends when the server was quiet for ``quiet_s`` after it.

    ``running`` is what is returned, for who wants to see it grow. Raises OSError or websockets'
    InvalidHandshake where the server can't be reached.
    """
    running = Events() if running is None else running
    running.connection = dict(recorded.connection)
    options: dict[str, Any] = {"ssl": tls} if tls else {}
    renaming = Renaming(event for _, event in recorded.server_events())
    async with connect(
        replay_url(endpoint, recorded.connection),
        additional_headers={"api-key": api_key},
        compression=None,
        max_size=_MAX_FRAME_BYTES,
        **options,
    ) as socket:
        began_s = time.monotonic()
        heard_at_s = began_s

        async def listen() -> None:
            nonlocal heard_at_s
            async for frame in socket:
                heard_at_s = time.monotonic()
                event = orjson.loads(frame)
                running.lines.append(RecordedLine((heard_at_s - began_s) * 1000, "server", event))
                renaming.learn(event)

        listening = asyncio.create_task(listen())
        try:
            await _send_all(socket, recorded.of("client"), renaming, running, began_s, speed)
            quiet_from_s = time.monotonic()
            while not listening.done():
                wait_s = max(heard_at_s, quiet_from_s) + quiet_s - time.monotonic()
                if wait_s <= 0:
                    break
                await asyncio.wait([listening], timeout=wait_s)
        except ConnectionClosed:
            # The comparison shows how far the session came.
            await listening
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    return running


async def _send_all(
    socket: ClientConnection,
    lines: Sequence[RecordedLine],
    renaming: Renaming,
    running: Events,
    began_s: float,
    speed: float,
) -> None:
    for line in lines:
        await asyncio.sleep(began_s + line.at_ms / 1000 / speed - time.monotonic())
        event = renaming.translate(line.event)
        frame = event if isinstance(event, str) else orjson.dumps(event).decode()
        await socket.send(frame)
        running.lines.append(RecordedLine((time.monotonic() - began_s) * 1000, "client", event))


def replay_url(endpoint: str, connection: Mapping[str, Any]) -> str:
    """The WebSocket address with the query of the recorded connection."""
    scheme, host, path, _, _ = urlsplit(endpoint)
    scheme = {"http": "ws", "https": "wss"}.get(scheme, scheme)
    query = urlencode(connection.get("query") or {})
    return urlunsplit((scheme, host, path.rstrip("/") + "/voice-live/realtime", query, ""))


def outline(events: Events) -> list[str]:
    """The server's events in order, without deltas, which come in any number."""
    lines = []
    for _, event in events.server_events():
        kind = str(event.get("type"))
        if kind.endswith(".delta") and kind != "response.invocation.delta":
            continue
        if kind == "response.done":
            kind = f"{kind} ({(event.get('response') or {}).get('status')})"
        elif kind == "error":
            kind = f"{kind} ({(event.get('error') or {}).get('code')})"
        lines.append(kind)
    return lines


def spoken_lines(events: Events) -> list[str]:
    """What was understood and what was said."""
    lines = []
    for _, event in events.server_events():
        match event.get("type"):
            case "conversation.item.input_audio_transcription.completed":
                lines.append(f"user:  {event.get('transcript')}")
            case "response.audio_transcript.done":
                lines.append(f"agent: {event.get('transcript')}")
            case "response.text.done":
                lines.append(f"agent: {event.get('text')}")
            case "response.function_call_arguments.done":
                lines.append(f"calls: {event.get('name')}({event.get('arguments')})")
    return lines


def timings_ms(events: Events) -> dict[str, list[float]]:
    """For each measure, its value in every spoken turn."""
    values: dict[str, list[float]] = {name: [] for name, _ in _TIMED}
    stopped_ms: float | None = None
    waiting: dict[str, str] = {}
    for at_ms, event in events.server_events():
        kind = event.get("type")
        if kind == "input_audio_buffer.speech_stopped":
            stopped_ms = at_ms
            waiting = {measured: name for name, measured in _TIMED}
        elif kind == "input_audio_buffer.speech_started":
            waiting = {}
        elif stopped_ms is not None and kind in waiting:
            values[waiting.pop(str(kind))].append(at_ms - stopped_ms)
    return values


def compare(recorded: Events, running: Events) -> tuple[bool, str]:
    """Whether both sessions went alike, and a report of what differs."""
    parts = []
    same = True
    for title, describe in (("order of events", outline), ("what was said", spoken_lines)):
        before, now = describe(recorded), describe(running)
        if before == now:
            parts.append(f"{title}: the same ({len(now)})")
            continue
        same = False
        difference = difflib.unified_diff(before, now, "recorded", "replayed", lineterm="", n=2)
        parts.append("\n".join([f"{title}: differs", *(f"  {line}" for line in difference)]))
    before_ms, now_ms = timings_ms(recorded), timings_ms(running)
    table = [f"{'median ms':36}{'recorded':>10}{'replayed':>10}"]
    table.extend(
        f"{name:36}{_median(before_ms[name]):>10}{_median(now_ms[name]):>10}" for name, _ in _TIMED
    )
    parts.append("\n".join(table))
    return same, "\n".join(parts)


def _median(values: Sequence[float]) -> str:
    return f"{sorted(values)[len(values) // 2]:.0f}" if values else "–"


_EPILOG = """\
examples:
  voicelive-agent dev --record recordings      keep sound and events of each session
  voicelive-agent replay recordings/SESSION.jsonl
      the same turns again, with the agent as it is now
  voicelive-agent replay recordings/SESSION.jsonl --speed 2 --quiet 10
      twice as fast, for an agent that takes up to 10 s

Exit codes: 0 the same, 1 something differs, 2 the recording or server is unusable.
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command. Raises SettingsError."""
    parser = argparse.ArgumentParser(
        prog="voicelive-agent replay",
        description="Play a recorded session against a server again and tell what differs.",
        epilog=spell_commands(_EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="the .jsonl file that --record DIR left"
    )
    parser.add_argument(
        "--endpoint",
        default=emulator_url(),
        metavar="URL",
        help="the server to play it to; default: %(default)s, an emulator on this machine",
    )
    parser.add_argument(
        "--api-key",
        default="local",
        metavar="KEY",
        help="sent as the api-key header; default: %(default)s, as any key is let in",
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        metavar="N",
        help="how much faster than recorded; default 1",
    )
    parser.add_argument(
        "--quiet", type=float, default=3.0, metavar="S", help="silence that ends it; default 3"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        parser = build_parser()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_UNUSABLE
    options = parser.parse_args(arguments)
    if options.speed <= 0:
        parser.error("--speed must be above 0")
    try:
        recorded = read_events(options.file)
        running = asyncio.run(
            replay(
                recorded,
                options.endpoint,
                api_key=options.api_key,
                quiet_s=options.quiet,
                speed=options.speed,
            )
        )
    except UnusableRecording as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_UNUSABLE
    except (OSError, InvalidHandshake, InvalidURI) as error:
        sys.stderr.write(
            f"{options.endpoint}: no session ({error}); start it with: {spell_command('emulate')}\n"
        )
        return EXIT_UNUSABLE
    same, report = compare(recorded, running)
    sys.stdout.write(report + "\n")
    return EXIT_SAME if same else EXIT_DIFFERS


if __name__ == "__main__":
    sys.exit(main())
