"""A PulseAudio of its own with a loudspeaker and a microphone that are only software."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CAPTURE_HZ = 24_000
LATENCY_MS = 250
ASOUNDRC = "pcm.!default { type pulse }\nctl.!default { type pulse }\n"
DEVICES = (
    "module-null-sink sink_name=speaker rate=48000 channels=1",
    "module-null-sink sink_name=speech rate=48000 channels=1",
    "module-remap-source master=speech.monitor source_name=microphone",
)


@dataclass
class SoundSystem:
    """``speaker`` is what the client plays into; what is played into ``speech`` it hears."""

    directory: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def control(self, *arguments: str) -> str:
        return subprocess.run(
            ["pactl", *arguments], check=True, capture_output=True, text=True, timeout=20
        ).stdout.strip()

    def load_devices(self) -> None:
        for module in DEVICES:
            self.control("load-module", *module.split())
        self.control("set-default-sink", "speaker")
        self.control("set-default-source", "microphone")

    def capture(self, path: Path) -> subprocess.Popen[bytes]:
        """Record the loudspeaker as raw PCM16 mono at ``CAPTURE_HZ``."""
        shape = ["--format=s16le", f"--rate={CAPTURE_HZ}", "--channels=1", "--raw"]
        # Deep, so that a busy machine tears no holes into what is judged.
        latency = f"--latency-msec={LATENCY_MS}"
        return self._run(["parec", latency, "-d", "speaker.monitor", *shape, str(path)])

    async def speak(self, path: Path) -> None:
        """Play a WAV file into the microphone."""
        process = await asyncio.create_subprocess_exec(
            "paplay", f"--latency-msec={LATENCY_MS}", "-d", "speech", str(path)
        )
        assert await process.wait() == 0

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.directory / "run" / "pulse" / "pid").read_text())
            os.kill(pid, signal.SIGTERM)


@contextlib.contextmanager
def start_sound_system(monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundSystem]:
    # A socket's path is short, which pytest's directories are not.
    directory = Path(tempfile.mkdtemp(prefix="pulse"))
    home, runtime = directory / "home", directory / "run"
    home.mkdir()
    runtime.mkdir(mode=0o700)
    (home / ".asoundrc").write_text(ASOUNDRC)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    for name in ("PULSE_SERVER", "PULSE_RUNTIME_PATH", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    sound = SoundSystem(directory)
    try:
        command = ["pulseaudio", "-n", "--daemonize=yes", "--exit-idle-time=-1"]
        command += ["--high-priority=yes", "--realtime=yes"]  # where this user may
        command += [f"--log-target=file:{runtime}/pulse.log"]
        command += ["-L", "module-native-protocol-unix"]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        sound.load_devices()
        yield sound
    finally:
        sound.stop()
        shutil.rmtree(directory, ignore_errors=True)


def write_wav(path: Path, pcm: bytes, rate_hz: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return path
