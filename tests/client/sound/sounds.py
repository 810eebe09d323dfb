"""Sound for tests: tones, files, and what a microphone gives of them."""

import wave
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import numpy as np

from tests.virtual_time import run_virtual
from voicelive_agent.client.sound.devices import BLOCK_MS, Block, Microphone

RATE_HZ = 24_000
BLOCK_BYTES = RATE_HZ * BLOCK_MS // 1000 * 2


def run(main: Coroutine[Any, Any, None]) -> None:
    run_virtual(main)


def write_wav(path: Path, pcm: bytes, *, rate_hz: int = RATE_HZ, width: int = 2, n: int = 1) -> str:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(n)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return str(path)


def tone(ms: int, *, hz: int = 440, rate_hz: int = RATE_HZ) -> Any:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(rate_hz * ms // 1000) / rate_hz)


def pcm16(samples: Any) -> bytes:
    return bytes((samples * 32767).astype("<i2").tobytes())


def loud(block: Block | None) -> bool:
    assert block is not None
    return any(block.pcm)


async def read_speech(microphone: Microphone) -> tuple[list[Block], int]:
    """Blocks of the next input up to its end, and how many silent ones came before."""
    silent = 0
    blocks: list[Block] = []
    while True:
        block = await microphone.read()
        assert block is not None
        if loud(block) or blocks:
            blocks.append(block)
        else:
            silent += 1
        if block.input_ended:
            return blocks, silent
