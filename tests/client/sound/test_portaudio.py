"""Devices by name, and what a system without PortAudio is told; no sound hardware needed."""

import builtins
import os
import shutil
import sys
from collections.abc import Callable
from typing import Any

import pytest

from voicelive_agent.client.sound.devices import DeviceError
from voicelive_agent.client.sound.portaudio import (
    Device,
    find_device,
    installation_command,
    list_devices,
)
from voicelive_agent.command_name import spell_pip

PIP = spell_pip()
DEVICES = [
    Device(0, "Built-in", "ALSA", 2, 2, 48_000, default_input=False, default_output=True),
    Device(1, "USB Headset", "ALSA", 1, 2, 44_100, default_input=True, default_output=False),
    Device(2, "USB Headset 2", "ALSA", 1, 0, 44_100, default_input=False, default_output=False),
]


def test_default_number_and_name() -> None:
    assert find_device(DEVICES, "microphone", None).number == 1
    assert find_device(DEVICES, "loudspeaker", None).number == 0
    assert find_device(DEVICES, "microphone", 2).number == 2
    assert find_device(DEVICES, "microphone", "2").number == 2
    assert find_device(DEVICES, "microphone", "built").number == 0
    assert find_device(DEVICES, "microphone", "usb headset").number == 1
    assert find_device(DEVICES, "loudspeaker", "headset").number == 1


def test_what_is_not_one_device_is_told() -> None:
    with pytest.raises(DeviceError, match=r"2 microphones match 'headset'; choose one of: 1 'USB"):
        find_device(DEVICES, "microphone", "headset")
    with pytest.raises(DeviceError, match=r"no loudspeaker is 2; choose one of: 0 'Built-in'"):
        find_device(DEVICES, "loudspeaker", 2)
    with pytest.raises(DeviceError, match=r"no microphone; connect one, or use --input FILE"):
        find_device([], "microphone", None)


@pytest.mark.parametrize(
    ("platform", "manager", "command"),
    [
        ("linux", "apt-get", "apt-get install -y portaudio19-dev gcc python3-dev && {pip}"),
        ("linux", "dnf", "dnf install -y portaudio-devel gcc python3-devel && {pip}"),
        ("linux", "pacman", "pacman -S --needed --noconfirm portaudio gcc && {pip}"),
        ("darwin", "brew", "brew install portaudio && {pip} install pyaudio"),
        ("linux", "", "install PortAudio with its headers, then: {pip} install pyaudio"),
        ("win32", "", "{pip} install pyaudio"),
    ],
)
def test_command_of_each_system(
    monkeypatch: pytest.MonkeyPatch, platform: str, manager: str, command: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(shutil, "which", lambda name: name if name == manager else None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert installation_command().startswith(command.format(pip=PIP))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert installation_command().startswith("sudo ") is (manager not in ("", "brew"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ModuleNotFoundError("No module named 'pyaudio'"), "PyAudio is missing"),
        (ImportError("libportaudio.so.2: cannot open"), "The PortAudio library is missing"),
    ],
)
def test_missing_library_gives_the_command(
    monkeypatch: pytest.MonkeyPatch, error: ImportError, expected: str
) -> None:
    really_import: Callable[..., Any] = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "pyaudio":
            raise error
        return really_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(DeviceError) as caught:
        list_devices()
    assert expected in str(caught.value)
    assert "Run: " in str(caught.value)
    assert "--input FILE" in str(caught.value)
