"""Echo cancellation and noise suppression, by the audio processing of WebRTC.

The reference is what the loudspeaker plays: the client's second channel, or the session's own
output. Ahead of hearing, it takes 10 ms at a time; what it gives back is as long as what it got,
and 10 ms late at most.
"""

import importlib.util
from collections import deque
from dataclasses import dataclass
from typing import Any

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ
from voicelive_agent.wire.voice_live.session import EchoCancellation, NoiseReduction

FRAME_MS = 10
INSTALL_HINT = spell_commands("pip install 'voicelive-agent[echo-cancellation]'")
_FRAME_BYTES = SAMPLE_RATE_HZ * FRAME_MS // 1000 * 2


@dataclass(frozen=True, slots=True)
class CleaningSettings:
    """What a session asks for in ``input_audio_echo_cancellation`` and ``…_noise_reduction``."""

    cancels_echo: bool = False
    reference_is_clients: bool = False
    """The second channel of the input is the reference, else the session's output is."""
    suppresses_noise: bool = False

    @classmethod
    def of(cls, echo: EchoCancellation | None, noise: NoiseReduction | None) -> "CleaningSettings":
        return cls(
            cancels_echo=echo is not None,
            reference_is_clients=echo is not None and echo.reference_source == "client",
            suppresses_noise=noise is not None,
        )

    @property
    def needs_played(self) -> bool:
        """Whether the echo of the session's own output is to be taken out, and can be."""
        return self.cancels_echo and not self.reference_is_clients and is_installed()

    def __bool__(self) -> bool:
        return self.cancels_echo or self.suppresses_noise


def find_warning(settings: CleaningSettings) -> str | None:
    """The text of a ``warning`` where they can't be met on this machine."""
    if not settings or is_installed():
        return None
    wanted = " and ".join(
        name
        for name, is_wanted in (
            ("echo cancellation", settings.cancels_echo),
            ("noise reduction", settings.suppresses_noise),
        )
        if is_wanted
    )
    return (
        f"The emulator does no {wanted} here, and hears the audio as it comes: {INSTALL_HINT}, "
        "or use headphones."
    )


def is_installed() -> bool:
    return importlib.util.find_spec("livekit") is not None


def warm_up() -> None:
    """Load the library where it is installed: it takes a second, once. Blocks."""
    if is_installed():
        InputCleaner(CleaningSettings(cancels_echo=True)).clean(bytes(_FRAME_BYTES))


class EchoReference:
    """What a session's loudspeaker plays, by its place on the session's clock: PCM16 at 16 kHz.

    Output is played at once, as the service assumes too, one piece after another.
    """

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, bytes]] = deque()

    def play(self, start_ms: float, pcm: bytes) -> None:
        """Play from ``start_ms`` on, or after what is still playing then."""
        start = _place(start_ms)
        if self._pieces:
            last, playing = self._pieces[-1]
            start = max(start, last + len(playing))
        if pcm:
            self._pieces.append((start, pcm))

    def stop(self, at_ms: float) -> None:
        """Nothing plays from ``at_ms`` on: the person has interrupted."""
        at = _place(at_ms)
        while self._pieces and self._pieces[-1][0] >= at:
            self._pieces.pop()
        if self._pieces:
            start, pcm = self._pieces[-1]
            self._pieces[-1] = start, pcm[: at - start]

    def take(self, start_ms: float, size_bytes: int) -> bytes:
        """What played from there on, silence where nothing did; what came before is forgotten."""
        start = _place(start_ms)
        taken = bytearray(size_bytes)
        while self._pieces and self._pieces[0][0] < start + size_bytes:
            at, pcm = self._pieces[0]
            begin = max(at, start)
            heard = pcm[begin - at : start + size_bytes - at]
            taken[begin - start : begin - start + len(heard)] = heard
            if at + len(pcm) > start + size_bytes:
                break
            self._pieces.popleft()
        return bytes(taken)


def _place(at_ms: float) -> int:
    """The byte at which a sample of that moment begins."""
    return round(at_ms * SAMPLE_RATE_HZ / 1000) * 2


class InputCleaner:
    """Cleans one session's input. Its methods compute, and let go of the GIL while they do."""

    def __init__(self, settings: CleaningSettings) -> None:
        """Needs what ``is_installed`` finds."""
        from livekit import rtc

        self._new_frame = rtc.AudioFrame
        self._processing = rtc.AudioProcessingModule(
            echo_cancellation=settings.cancels_echo,
            noise_suppression=settings.suppresses_noise,
            high_pass_filter=True,
        )
        self._cancels_echo = settings.cancels_echo
        self._microphone = bytearray()
        self._reference = bytearray()

    def clean(self, microphone: bytes, reference: bytes = b"") -> bytes:
        """Input without its echo; ``reference`` is what was played while it was recorded.

        Both are PCM16 at 16 kHz. Where the reference is shorter, nothing was played at its end.
        """
        self._microphone += microphone
        self._reference += reference.ljust(len(microphone), b"\0")[: len(microphone)]
        cleaned = bytearray()
        while len(self._microphone) >= _FRAME_BYTES:
            played, heard = self._take(self._reference), self._take(self._microphone)
            if self._cancels_echo:
                self._processing.process_reverse_stream(self._frame(played))
                # Both stand at the same place of the session; the canceller finds the rest.
                self._processing.set_stream_delay_ms(0)
            frame = self._frame(heard)
            self._processing.process_stream(frame)
            cleaned += bytes(frame.data.cast("B"))
        return bytes(cleaned)

    def finish(self) -> bytes:
        """The rest, which is shorter than a frame, as it came."""
        rest = bytes(self._microphone)
        self._microphone.clear()
        self._reference.clear()
        return rest

    def _frame(self, pcm: bytes) -> Any:
        return self._new_frame(pcm, SAMPLE_RATE_HZ, 1, len(pcm) // 2)

    @staticmethod
    def _take(buffer: bytearray) -> bytes:
        frame = bytes(buffer[:_FRAME_BYTES])
        del buffer[:_FRAME_BYTES]
        return frame
