"""Voice activity and turn detection: what is speech, and where the person's turns begin and end.

Audio here is PCM16 mono at ``stt.SAMPLE_RATE_HZ``, as the recogniser takes it.
"""

from dataclasses import dataclass
from typing import Protocol


class VoiceActivity(Protocol):
    """One session's voice activity detector."""

    frame_bytes: int
    """How much audio one call takes, exactly."""
    frame_ms: int
    onset_lag_ms: int
    """How long after the onset of speech the first frame above the threshold begins, on average."""
    release_lag_ms: int
    """How long after the end of speech the last frame above the threshold ends, on average."""

    def probability(self, frame: bytes) -> float:
        """Probability of speech in this frame, 0 to 1, given those before it."""
        ...

    def reset(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """A turn has begun."""

    audio_start_ms: int
    """Where its audio begins on the timeline of the audio received, prefix padding included."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """A turn has ended."""

    audio_end_ms: int
    """Where speech ended on the same timeline, the silence after it excluded."""
