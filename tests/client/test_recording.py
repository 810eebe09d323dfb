import array
import json
import os
import stat
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.client.stage import NotingScreen
from voicelive_agent.client.core.screen import Level, Notice, ProtocolEvent, Screens, Transcript
from voicelive_agent.client.recording import (
    Recording,
    open_recording,
)
from voicelive_agent.client.settings import load_settings
from voicelive_agent.client.sound.devices import DeviceError
from voicelive_agent.client.sound.file_devices import SilentLoudspeaker, SilentMicrophone
from voicelive_agent.emulator.watch.replay import read_events

RATE_HZ = 24_000


def sound(ms: int, value: int) -> bytes:
    return array.array("h", [value] * (ms * RATE_HZ // 1000)).tobytes()


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Talk:
    """A microphone whose blocks come in real time, and an agent."""

    def __init__(
        self, directory: Path, *, microphone_hz: int = RATE_HZ, hears: bool = True
    ) -> None:
        self.directory = directory
        self.clock = Clock()
        self.notices: list[str] = []
        self.recording = Recording(
            directory,
            microphone_hz=microphone_hz,
            loudspeaker_hz=RATE_HZ,
            on_notice=self.notices.append,
            clock=self.clock,
        )
        if hears:
            self.recording.hearing(SilentMicrophone())

    def hear(self, ms: int, value: int = 0) -> None:
        for _ in range(ms // 20):
            self.clock.now_s += 0.02
            self.recording.hear(sound(20, value))

    def sides(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """What is on the left and on the right: values, and for how many ms."""
        [path] = self.directory.glob("*.wav")
        with wave.open(str(path)) as file:
            assert (file.getnchannels(), file.getframerate()) == (2, RATE_HZ)
            frames = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
        return runs(frames[:, 0].tolist()), runs(frames[:, 1].tolist())


def runs(samples: list[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for value in samples:
        if found and found[-1][0] == value:
            found[-1] = (value, found[-1][1] + 1)
        else:
            found.append((value, 1))
    return [(value, count * 1000 // RATE_HZ) for value, count in found]


def test_person_left_and_agent_right_on_one_timeline(tmp_path: Path) -> None:
    """An answer comes much faster than it is played; the person interrupts it."""
    talk = Talk(tmp_path)
    talk.hear(100)
    talk.hear(200, 5)
    talk.recording.say("a", 0, sound(5000, 7))
    talk.hear(400)
    talk.hear(100, 5)
    talk.recording.cut()
    talk.hear(100, 5)
    talk.recording.close()
    left, right = talk.sides()
    assert left == [(0, 100), (5, 200), (0, 400), (5, 200)]
    assert right == [(0, 300), (7, 500), (0, 100)]


@pytest.mark.parametrize("microphone_hz", [8_000, 16_000, 48_000])
def test_nothing_is_missing_at_the_end_at_another_rate(tmp_path: Path, microphone_hz: int) -> None:
    """A resampler looks ahead: with an 8 kHz microphone, the last 43 ms of both were missing."""
    talk = Talk(tmp_path, microphone_hz=microphone_hz)
    talk.recording.say("a", 0, sound(1000, 7))
    for _ in range(50):
        talk.clock.now_s += 0.02
        talk.recording.hear(array.array("h", [3000] * (microphone_hz // 50)).tobytes())
    talk.recording.close()
    [path] = tmp_path.glob("*.wav")
    with wave.open(str(path)) as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert len(frames) == RATE_HZ
    # Where the sound ends at once, the filter's edge is a tenth of a ms.
    assert frames[-RATE_HZ // 20 : -3, 0].min() > 2500
    assert frames[-RATE_HZ // 20 :, 1].tolist() == [7] * (RATE_HZ // 20)


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    Talk(tmp_path / "kept").recording.close()
    files = list((tmp_path / "kept").iterdir())
    assert len(files) == 2
    for path in files:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_second_recording_in_the_same_second_is_another_one(tmp_path: Path) -> None:
    for _ in range(3):
        Talk(tmp_path).recording.close()
    assert len(list(tmp_path.glob("*.wav"))) == 3
    assert len(list(tmp_path.glob("*.jsonl"))) == 3


def test_microphone_that_pauses_leaves_a_gap(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    talk.hear(100, 5)
    talk.recording.say("a", 0, sound(400, 7))
    talk.clock.now_s += 1
    talk.hear(100, 5)
    talk.recording.close()
    left, right = talk.sides()
    assert [value for value, _ in left] == [5, 0, 5]
    assert left[1][1] == pytest.approx(1020, abs=1)
    assert right[0] == (0, 100)
    assert right[1] == (7, 400)


def test_without_a_microphone_the_clock_is_the_timeline(tmp_path: Path) -> None:
    talk = Talk(tmp_path, hears=False)
    talk.clock.now_s += 1
    talk.recording.say("a", 0, sound(500, 7))
    talk.clock.now_s += 1
    talk.recording.close()
    left, right = talk.sides()
    assert [value for value, _ in left] == [0]
    assert [value for value, _ in right] == [0, 7, 0]
    assert right[1][1] == 500
    assert right[0][1] == pytest.approx(1000, abs=1)


def test_what_is_said_while_muted_is_not_kept(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    screen = talk.recording
    talk.hear(100, 5)
    screen.show(Level(-20, muted=True))
    talk.hear(100, 5)
    screen.show(Level(-20, muted=False))
    talk.hear(100, 5)
    talk.recording.close()
    assert talk.sides()[0] == [(5, 100), (0, 100), (5, 100)]


def test_everything_shown_is_kept_as_json_lines(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    shown = NotingScreen()
    screen = Screens(shown, talk.recording)
    screen.show(Transcript("you", "i1", "héllo", final=True))
    screen.show(Notice("so"))
    screen.show(ProtocolEvent("received", {"type": "response.done"}))
    talk.recording.close()
    [path] = tmp_path.glob("*.jsonl")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["kind"] for line in lines] == ["connection", "transcript", "notice", "event"]
    assert lines[1]["text"] == "héllo"
    assert shown.notices == ["so"]


def test_a_recording_can_be_played_again(tmp_path: Path) -> None:
    """It had a format of its own, without the audio of its events."""
    settings = load_settings({"record": str(tmp_path), "agent_name": "a", "project_name": "p"})
    recording = open_recording(settings, NotingScreen())
    assert recording
    append = {"type": "input_audio_buffer.append", "audio": "AAAA"}
    recording.show(ProtocolEvent("sent", append))
    recording.show(Notice("so"))
    recording.show(ProtocolEvent("received", {"type": "response.created"}))
    recording.close()
    [path] = tmp_path.glob("*.jsonl")
    events = read_events(path)
    assert events.connection["query"] == {"agent-name": "a", "agent-project-name": "p"}
    assert [(line.side, line.event["type"]) for line in events.lines] == [
        ("client", "input_audio_buffer.append"),
        ("server", "response.created"),
    ]
    assert events.lines[0].event == append


class FullDisk:
    closed = False

    def write(self, pcm: bytes) -> None:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        self.closed = True


def test_full_disk_ends_the_recording_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = Talk(tmp_path)
    talk.hear(100, 5)
    assert talk.recording._wav
    talk.recording._wav.close()
    monkeypatch.setattr(talk.recording, "_wav", FullDisk())
    talk.hear(100, 5)
    talk.recording.say("a", 0, sound(100, 7))
    talk.recording.close()
    assert talk.notices == [
        "The recording stopped: No space left on device. The conversation goes on."
    ]


def test_directory_that_can_not_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeviceError, match="--record"):
        Talk(tmp_path / "file" / "kept")


async def test_devices_work_through_the_recording(tmp_path: Path) -> None:
    recording = Recording(tmp_path, microphone_hz=16_000, loudspeaker_hz=RATE_HZ)
    silent = SilentMicrophone()
    microphone = recording.hearing(silent)
    loudspeaker = recording.playing(SilentLoudspeaker())
    begun: list[str] = []
    await loudspeaker.open(RATE_HZ, on_first_sound=begun.append)
    await microphone.open(16_000)
    silent.say(sound(60, 5))
    loudspeaker.write("a", 0, sound(40, 7))
    while not begun:
        assert await microphone.read()
    for _ in range(5):
        await microphone.read()
    await loudspeaker.drained()
    assert loudspeaker.played("a", 0).played_ms == 40
    assert loudspeaker.cut() is None
    assert loudspeaker.queued_ms == 0
    assert microphone.dropped_ms == 0
    await microphone.close()
    await loudspeaker.close()
    recording.close()
    [path] = tmp_path.glob("*.wav")
    assert path.stat().st_size > 1000
