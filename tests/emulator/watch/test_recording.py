import errno
import json
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.watch.recording import (
    WAV_RATE_HZ,
    SessionRecording,
    Track,
    check_directory,
    interleave,
)


def tone(ms: int, level: int, rate_hz: int) -> bytes:
    return np.full(ms * rate_hz // 1000, level, dtype="<i2").tobytes()


def read_wav(path: Path) -> npt.NDArray[np.int16]:
    with wave.open(str(path)) as wav:
        assert wav.getnchannels() == 2
        assert wav.getframerate() == WAV_RATE_HZ
        frames = wav.readframes(wav.getnframes())
    return np.frombuffer(frames, dtype="<i2").reshape(-1, 2)


def level_at(samples: npt.NDArray[np.int16], ms: float, side: int) -> float:
    middle = round(ms * WAV_RATE_HZ / 1000)
    return float(samples[middle - 48 : middle + 48, side].mean())


def test_both_sides_stand_at_their_time(tmp_path: Path) -> None:
    recording = SessionRecording(tmp_path, "sess_1", {"path": "/voice-live/realtime"})
    recording.heard.place(0, tone(500, 1000, 16_000))
    recording.heard.place(1000, tone(500, 2000, 16_000))
    recording.played.place(600, tone(800, 3000, 24_000))
    recording.close()

    samples = read_wav(recording.wav_path)
    assert abs(len(samples) / WAV_RATE_HZ - 1.5) < 0.01
    assert abs(level_at(samples, 250, 0) - 1000) < 20
    assert abs(level_at(samples, 750, 0)) < 20
    assert abs(level_at(samples, 1250, 0) - 2000) < 20
    assert abs(level_at(samples, 300, 1)) < 20
    assert abs(level_at(samples, 1000, 1) - 3000) < 20
    assert abs(level_at(samples, 1450, 1)) < 20


def test_what_a_barge_in_cut_is_not_in_the_recording(tmp_path: Path) -> None:
    recording = SessionRecording(tmp_path, "sess_1", {})
    recording.heard.place(0, tone(2000, 100, 16_000))
    recording.played.place(0, tone(2000, 3000, 24_000))
    recording.played.cut(700)
    recording.played.place(1500, tone(100, 4000, 24_000))
    recording.close()

    samples = read_wav(recording.wav_path)
    assert level_at(samples, 690, 1) == 3000
    assert level_at(samples, 900, 1) == 0
    assert level_at(samples, 1550, 1) == 4000


def test_only_the_owner_can_read_what_people_said(tmp_path: Path) -> None:
    recording = SessionRecording(tmp_path / "new", "sess/../1", {})
    recording.add_event(0, "client", {"type": "session.update"})
    recording.close()
    left = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert left == ["sess_.._1.jsonl", "sess_.._1.wav"]
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    for name in left:
        assert (tmp_path / "new" / name).stat().st_mode & 0o777 == 0o600


def test_events_are_lines_with_times_and_sides(tmp_path: Path) -> None:
    recording = SessionRecording(tmp_path, "sess_1", {"query": {"model": "local"}})
    recording.add_event(12.345, "client", {"type": "session.update"})
    recording.add_event(13, "server", {"type": "session.updated"})
    # A session that crashes leaves what was written so far.
    lines = [orjson.loads(line) for line in recording.events_path.read_bytes().splitlines()]
    recording.close()
    assert lines == [
        {"at_ms": 0.0, "connection": {"query": {"model": "local"}, "session_id": "sess_1"}},
        {"at_ms": 12.3, "from": "client", "event": {"type": "session.update"}},
        {"at_ms": 13.0, "from": "server", "event": {"type": "session.updated"}},
    ]


def test_a_silent_session_leaves_an_empty_wav(tmp_path: Path) -> None:
    recording = SessionRecording(tmp_path, "sess_1", {})
    recording.close()
    assert len(read_wav(recording.wav_path)) == 0


blocks = st.lists(st.lists(st.integers(-32768, 32767), max_size=20), max_size=6)


@given(left=blocks, right=blocks)
def test_interleaving_loses_and_shifts_nothing(
    left: list[list[int]], right: list[list[int]]
) -> None:
    stereo = np.frombuffer(
        b"".join(
            interleave(
                iter([np.array(block, dtype=np.int16) for block in left]),
                iter([np.array(block, dtype=np.int16) for block in right]),
            )
        ),
        dtype="<i2",
    ).reshape(-1, 2)
    flat = [[sample for block in side for sample in block] for side in (left, right)]
    length = max(map(len, flat))
    assert len(stereo) == length
    for side, samples in enumerate(flat):
        assert list(stereo[:, side]) == samples + [0] * (length - len(samples))


def test_a_full_disk_ends_the_recording_and_not_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recording = SessionRecording(tmp_path, "sess_1", {})
    recording.place_heard(0, tone(500, 1000, 16_000))

    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Track, "place", fail)
        recording.place_heard(500, tone(500, 1000, 16_000))
        recording.place_played(500, tone(500, 1000, 24_000))
    recording.add_event(0, "client", {"type": "session.update"})
    recording.close()
    assert caplog.text.count("ends here: [Errno 28] No space left") == 1
    assert len(read_wav(recording.wav_path)) / WAV_RATE_HZ == pytest.approx(0.5, abs=0.01)
    assert {path.suffix for path in tmp_path.iterdir()} == {".wav", ".jsonl"}


@pytest.mark.parametrize("value", [10**30, "\ud800", 1.5])
def test_any_event_of_an_agent_is_kept(tmp_path: Path, value: object) -> None:
    """A number of more than 64 bits ended the answer that it came with."""
    recording = SessionRecording(tmp_path, "sess_1", {})
    recording.add_event(0, "server", {"type": "response.invocation.delta", "delta": {"n": value}})
    recording.close()
    line = json.loads(recording.events_path.read_text().splitlines()[-1])
    assert line["event"]["delta"]["n"] == value


def test_a_directory_that_cannot_be_written_is_found_before_the_first_session(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        check_directory(tmp_path / "file")
    check_directory(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
