"""A speech engine that does, in its own process, whatever its text says."""

import os
import time
from collections.abc import Mapping
from typing import Any

from voicelive_agent.emulator.tts.worker import Emit


class OddSynthesizer:
    sample_rate_hz = 8000

    def __init__(self, fails_to_start: str, starts_file: str) -> None:
        if fails_to_start:
            raise RuntimeError(fails_to_start)
        if starts_file:
            with open(starts_file, "a") as file:
                file.write("x")

    def describe(self) -> Mapping[str, Any]:
        return {"pid": os.getpid()}

    def speak(self, text: str, settings: Mapping[str, Any], emit: Emit) -> None:
        print("engines print to standard output", flush=True)
        if text == "crash":
            emit(b"ab")
            os._exit(3)
        if text == "hang":
            time.sleep(60)
        if text == "raise":
            raise ValueError("odd text")
        if text == "endless":
            while emit(b"ab"):
                time.sleep(0.001)
            return
        if text == "flood":
            for _ in range(2000):
                emit(bytes(1000))
            return
        emit(text.encode(), [(0, 0)], [("h", 0), ("", 5)])


def open_synthesizer(fails_to_start: str = "", starts_file: str = "") -> OddSynthesizer:
    return OddSynthesizer(fails_to_start, starts_file)
