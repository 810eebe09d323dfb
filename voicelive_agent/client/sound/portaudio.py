"""PortAudio in this process: its devices, and how it is installed where it is missing."""

import contextlib
import ctypes
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from voicelive_agent.client.sound.devices import DeviceError
from voicelive_agent.command_name import spell_commands

Direction = Literal["microphone", "loudspeaker"]


@dataclass(frozen=True, slots=True)
class Device:
    """What ``--list-devices`` shows."""

    number: int
    name: str
    host: str
    input_channels: int
    output_channels: int
    rate_hz: int
    default_input: bool
    default_output: bool

    def __str__(self) -> str:
        uses = [
            f"{use}{', default' if is_default else ''}"
            for use, channels, is_default in (
                ("microphone", self.input_channels, self.default_input),
                ("loudspeaker", self.output_channels, self.default_output),
            )
            if channels
        ]
        return f"{self.number:3}  {self.name}  ({self.host}, {self.rate_hz} Hz; {'; '.join(uses)})"


class System:
    """PortAudio in this process, initialised while somebody uses it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.rescan_wanted = False
        self._users = 0
        self._portaudio: Any = None

    def acquire(self) -> Any:
        """Raises DeviceError where PortAudio or PyAudio is missing."""
        with self.lock:
            if self._portaudio is None:
                pyaudio = _import_pyaudio()
                _silence_alsa()
                with quiet_stderr():
                    self._portaudio = pyaudio.PyAudio()
                self.rescan_wanted = False
            self._users += 1
            return self._portaudio

    def release(self) -> None:
        with self.lock:
            self._users -= 1
            if not self._users:
                portaudio, self._portaudio = self._portaudio, None
                portaudio.terminate()


system = System()


def list_devices() -> list[Device]:
    """All devices. Blocks for a moment. Raises DeviceError where PyAudio is missing."""
    with system.lock:
        portaudio = system.acquire()
        try:
            return read_devices(portaudio)
        finally:
            system.release()


def find_device(devices: list[Device], direction: Direction, wanted: int | str | None) -> Device:
    """By number, by name or a part of it, or the default. Raises DeviceError."""
    usable = [
        device
        for device in devices
        if (device.input_channels if direction == "microphone" else device.output_channels) > 0
    ]
    if not usable:
        option = "--input FILE" if direction == "microphone" else "--output FILE"
        raise DeviceError(f"this machine has no {direction}; connect one, or use {option}")
    if wanted is None:
        default = [
            device
            for device in usable
            if (device.default_input if direction == "microphone" else device.default_output)
        ]
        return (default or usable)[0]
    if isinstance(wanted, str) and wanted.strip().isdecimal():
        wanted = int(wanted)
    if isinstance(wanted, int):
        found = [device for device in usable if device.number == wanted]
    else:
        sought = wanted.casefold()
        found = [device for device in usable if device.name.casefold() == sought][:1]
        found = found or [device for device in usable if sought in device.name.casefold()]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{device.number} {device.name!r}" for device in found or usable)
    what = f"{len(found)} {direction}s match" if found else f"no {direction} is"
    raise DeviceError(f"{what} {wanted!r}; choose one of: {names}")


def read_devices(portaudio: Any) -> list[Device]:
    defaults = []
    for get_default in (
        portaudio.get_default_input_device_info,
        portaudio.get_default_output_device_info,
    ):
        try:
            defaults.append(get_default()["index"])
        except OSError:
            defaults.append(None)
    return [
        Device(
            number=number,
            name=str(info["name"]),
            host=str(portaudio.get_host_api_info_by_index(info["hostApi"])["name"]),
            input_channels=int(info["maxInputChannels"]),
            output_channels=int(info["maxOutputChannels"]),
            rate_hz=int(info["defaultSampleRate"]),
            default_input=number == defaults[0],
            default_output=number == defaults[1],
        )
        for number in range(portaudio.get_device_count())
        if (info := portaudio.get_device_info_by_index(number))
    ]


class _DeviceInfo(ctypes.Structure):
    """``PaDeviceInfo`` of portaudio.h, version 2."""

    _fields_: ClassVar = [
        ("version", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("host", ctypes.c_int),
        ("input_channels", ctypes.c_int),
        ("output_channels", ctypes.c_int),
        ("low_input_latency_s", ctypes.c_double),
        ("low_output_latency_s", ctypes.c_double),
        ("high_input_latency_s", ctypes.c_double),
        ("high_output_latency_s", ctypes.c_double),
        ("rate_hz", ctypes.c_double),
    ]


def deepen_buffers(number: int, latency_s: float) -> None:
    """Let the next stream of this device have a buffer of at least ``latency_s``.

    PyAudio always asks for the lowest latency that a device claims, and can't be told another.
    With ALSA that is some 10 ms, so whenever Python is late by more, the sound has a gap. Nothing
    happens where PortAudio is a part of PyAudio, as it is on Windows: buffers are deeper there.
    """
    library = next(filter(None, map(_load_library, _LIBRARIES)), None)
    if library is None:
        return
    library.Pa_GetDeviceInfo.restype = ctypes.POINTER(_DeviceInfo)
    info = library.Pa_GetDeviceInfo(number)
    if info and info.contents.version == 2:
        found = info.contents
        found.low_input_latency_s = max(found.low_input_latency_s, latency_s)
        found.low_output_latency_s = max(found.low_output_latency_s, latency_s)


_OnError = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p
)
_ignore_error = _OnError(lambda file, line, function, code, format: None)


def _silence_alsa() -> None:
    """ALSA writes each underrun to the terminal, into the middle of the screen."""
    alsa = _load_library("libasound.so.2")
    if alsa is not None:
        alsa.snd_lib_error_set_handler(_ignore_error)


_LIBRARIES = ("libportaudio.so.2", "libportaudio.2.dylib")


def _load_library(name: str) -> Any:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def _import_pyaudio() -> Any:
    try:
        import pyaudio
    except ImportError as error:
        there = not isinstance(error, ModuleNotFoundError)
        what = "The PortAudio library" if there else "PyAudio"
        raise DeviceError(
            f"{what} is missing, without which there is no microphone or loudspeaker. Run: "
            f"{installation_command(pyaudio_is_there=there)}\n"
            "Or use audio files (--input FILE --output FILE), or type (--text-only)."
        ) from error
    return pyaudio


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Without what ALSA and JACK write to the terminal about devices that aren't there."""
    if not sys.platform.startswith("linux"):
        yield
        return
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


_PIP = spell_commands("pip install pyaudio")
_COMMANDS = {
    "apt-get": "apt-get install -y portaudio19-dev gcc python3-dev",
    "dnf": "dnf install -y portaudio-devel gcc python3-devel",
    "yum": "yum install -y portaudio-devel gcc python3-devel",
    "zypper": "zypper install -y portaudio-devel gcc python3-devel",
    "pacman": "pacman -S --needed --noconfirm portaudio gcc",
    "apk": "apk add portaudio-dev gcc musl-dev python3-dev",
    "brew": "brew install portaudio",
}


def installation_command(*, pyaudio_is_there: bool = False) -> str:
    """The exact command that makes microphone and loudspeaker usable.

    ``pyaudio_is_there`` where only the PortAudio library is missing.
    """
    if sys.platform == "win32":
        return _PIP  # the wheel has PortAudio inside
    managers = ["brew"] if sys.platform == "darwin" else list(_COMMANDS)
    manager = next((name for name in managers if shutil.which(name)), None)
    if manager is None and sys.platform == "darwin":
        return f"install Homebrew from https://brew.sh, then: {_COMMANDS['brew']} && {_PIP}"
    if manager is None:
        return f"install PortAudio with its headers, then: {_PIP}"
    command = _COMMANDS[manager]
    if manager != "brew" and os.geteuid() != 0:
        command = f"sudo {command}"
    return command if pyaudio_is_there else f"{command} && {_PIP}"
