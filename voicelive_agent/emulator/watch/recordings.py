"""Recordings of a folder: those of open sessions, and those that were left there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from voicelive_agent.emulator.watch.recording import WAV_RATE_HZ
from voicelive_agent.emulator.watch.session_feed import without_audio
from voicelive_agent.wire.voice_live.frames import encode_event

_ID = re.compile(r"\w[\w.-]{0,200}")
_WAV_HEAD_BYTES = 44
_BYTES_PER_MS = WAV_RATE_HZ * 4 / 1000
_LONGEST_FIRST_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class RecordingFiles:
    """The two files of a recording; the sound is there once its session has closed."""

    id: str
    wav: Path
    events: Path

    def describe(self) -> dict[str, Any]:
        """Raises OSError or ValueError where they are no recording (any more)."""
        events = self.events.stat()
        wav_bytes = self.wav.stat().st_size if self.wav.exists() else 0
        with self.events.open("rb") as lines:
            connection = orjson.loads(lines.readline(_LONGEST_FIRST_LINE))["connection"]
        query = connection.get("query") or {}
        return {
            "id": self.id,
            "state": "closed" if wav_bytes else "open",
            "recorded_at": datetime.fromtimestamp(events.st_mtime, UTC).isoformat(
                timespec="milliseconds"
            ),
            "duration_ms": round(max(0, wav_bytes - _WAV_HEAD_BYTES) / _BYTES_PER_MS, 1),
            "agent_name": query.get("agent-name"),
            "model": query.get("model"),
            "wav_bytes": wav_bytes,
            "events_bytes": events.st_size,
        }

    def lines_without_audio(self) -> Iterator[bytes]:
        """The lines of the events' file; one that is no JSON stays as it is."""
        with self.events.open("rb") as lines:
            for text in lines:
                yield _strip_line(text)


def _strip_line(text: bytes) -> bytes:
    try:
        line = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    if "event" in line:
        line["event"] = without_audio(line["event"])
    return encode_event(line).encode() + b"\n"


class Recordings:
    """Those of ``directory``; none where nothing is recorded."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    def find(self, recording_id: str) -> RecordingFiles | None:
        if self._directory is None or not _ID.fullmatch(recording_id):
            return None
        files = self._files_of(self._directory, recording_id)
        return files if files.events.is_file() else None

    def list(self) -> list[dict[str, Any]]:
        """Newest first. What is no recording is left out."""
        found = []
        for path in self._directory.glob("*.jsonl") if self._directory else ():
            try:
                found.append(self._files_of(path.parent, path.stem).describe())
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                continue
        return sorted(found, key=lambda one: one["recorded_at"], reverse=True)

    def _files_of(self, directory: Path, name: str) -> RecordingFiles:
        return RecordingFiles(name, directory / f"{name}.wav", directory / f"{name}.jsonl")
