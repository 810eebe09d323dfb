"""Worker process of a text-to-speech engine: this module, run with ``MODULE OPTIONS``.

Engines have global state, hold the GIL, crash, or have a licence that asks for a program of its
own; so each runs here, behind pipes. Requests arrive as JSON lines, ``{"id", "text", "settings"}``
or ``{"cancel": id}``. Frames leave with a header in JSON and raw audio::

    uint32 header bytes | uint32 audio bytes | {"id", "words", "phonemes", "end", "error"} | audio

MODULE has a function ``open_synthesizer(**OPTIONS)``.
"""

import importlib
import json
import os
import queue
import signal
import struct
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, Protocol

FRAME_HEAD = struct.Struct("<II")

WordMark = tuple[int, int]
"""Where a word begins: index of its first character in the text, ms in the audio."""
PhonemeMark = tuple[str, int]
"""A phoneme in IPA, empty for a pause, and where it begins, ms in the audio."""


class Emit(Protocol):
    def __call__(
        self,
        pcm: bytes,
        words: Sequence[WordMark] = (),
        phonemes: Sequence[PhonemeMark] = (),
    ) -> bool:
        """Hand on audio and the marks known by now; False: nobody listens any more, stop."""
        ...


class Synthesizer(Protocol):
    """An engine inside its process. ``speak`` may block; it raises for what it can't say."""

    sample_rate_hz: int

    def describe(self) -> Mapping[str, Any]:
        """What the parent has to know of the engine: its voices, say."""
        ...

    def speak(self, text: str, settings: Mapping[str, Any], emit: Emit) -> None: ...


class _Outbox:
    """The frames to the parent."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def send(self, header: Mapping[str, Any], pcm: bytes = b"") -> None:
        head = json.dumps(header).encode()
        self._stream.write(FRAME_HEAD.pack(len(head), len(pcm)) + head + pcm)
        self._stream.flush()


class _Inbox:
    """The requests from the parent, read by a thread so that a cancel is seen at once."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._requests: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.cancelled: int = -1
        """The last id that was cancelled; ids are given in rising order."""
        threading.Thread(target=self._read, daemon=True).start()

    def next_request(self) -> dict[str, Any] | None:
        """The next request; None when the parent has gone."""
        return self._requests.get()

    def _read(self) -> None:
        for line in self._stream:
            message = json.loads(line)
            if "cancel" in message:
                self.cancelled = message["cancel"]
            else:
                self._requests.put(message)
        # Whatever is being spoken, nobody is there to hear it.
        self.cancelled = sys.maxsize
        self._requests.put(None)


def serve(synthesizer: Synthesizer, inbox: _Inbox, outbox: _Outbox) -> None:
    """Answer requests until the parent goes."""
    while (request := inbox.next_request()) is not None:
        number: int = request["id"]

        def emit(
            pcm: bytes,
            words: Sequence[WordMark] = (),
            phonemes: Sequence[PhonemeMark] = (),
            number: int = number,
        ) -> bool:
            if number <= inbox.cancelled:
                return False
            if pcm or words or phonemes:
                outbox.send({"id": number, "words": words, "phonemes": phonemes}, pcm)
            return True

        end: dict[str, Any] = {"id": number, "end": True}
        if number > inbox.cancelled:
            try:
                synthesizer.speak(request["text"], request["settings"], emit)
            except Exception as error:
                end["error"] = f"{type(error).__name__}: {error}"
        outbox.send(end)


def main(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    # Engines print; what they print must not get among the frames.
    outbox = _Outbox(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    module, options = arguments
    try:
        engine = importlib.import_module(module)
        open_synthesizer: Callable[..., Synthesizer] = engine.open_synthesizer
        synthesizer = open_synthesizer(**json.loads(options))
    except Exception as error:
        outbox.send({"error": f"{type(error).__name__}: {error}"})
        return 1
    outbox.send(
        {"sample_rate_hz": synthesizer.sample_rate_hz, "about": dict(synthesizer.describe())}
    )
    try:
        serve(synthesizer, _Inbox(sys.stdin.buffer), outbox)
    except BrokenPipeError:
        return 0
    return 0


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # without the engine's own, sometimes crashing, clean-up
