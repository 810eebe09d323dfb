"""Audio formats: what PCM16 and G.711 are called, which rates they have, how long bytes play.

Names and rates are those of ``session.update`` in API version 2026-07-15.
"""

from dataclasses import dataclass
from typing import Literal, get_args

Codec = Literal["pcm16", "g711_ulaw", "g711_alaw"]
"""Also the names of ``input_audio_format``."""
InputRateHz = Literal[8_000, 16_000, 24_000, 44_100, 48_000]
OutputFormat = Literal[
    "pcm16",
    "pcm16_8000hz",
    "pcm16_16000hz",
    "pcm16_22050hz",
    "pcm16_24000hz",
    "pcm16_44100hz",
    "pcm16_48000hz",
    "g711_ulaw",
    "g711_alaw",
]
"""The names of ``output_audio_format``, in the new spelling."""

BYTES_PER_SAMPLE = 2
"""Of PCM16."""
G711_RATE_HZ = 8_000
DEFAULT_RATE_HZ = 24_000
"""Of ``pcm16`` in both directions where nothing else is said."""
PCM16_INPUT_RATES_HZ: tuple[int, ...] = get_args(InputRateHz)
OUTPUT_FORMATS: tuple[str, ...] = get_args(OutputFormat)


class AudioFormatError(ValueError):
    """A format, rate or channel count that isn't supported; the text says which are."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How audio stands on the wire."""

    codec: Codec
    rate_hz: int

    @property
    def bytes_per_sample(self) -> int:
        return BYTES_PER_SAMPLE if self.codec == "pcm16" else 1

    def duration_ms(self, size_bytes: int) -> float:
        """How long so many bytes of one channel play."""
        return size_bytes * 1000 / (self.rate_hz * self.bytes_per_sample)

    def size_bytes(self, duration_ms: float) -> int:
        """The bytes of whole samples that play for ``duration_ms``."""
        return round(duration_ms * self.rate_hz / 1000) * self.bytes_per_sample


def default_rate_hz(codec: str) -> int:
    """The rate of an ``input_audio_format`` where no ``input_audio_sampling_rate`` is given."""
    return DEFAULT_RATE_HZ if codec == "pcm16" else G711_RATE_HZ


def parse_input_format(name: str, sampling_rate_hz: int | None = None) -> AudioFormat:
    """The format of ``input_audio_format`` and ``input_audio_sampling_rate``.

    G.711 has one rate, 8 kHz; the session's rate is only checked for PCM16, since its default
    of 24 kHz stays in place when a client asks for G.711. Raises AudioFormatError.
    """
    if name in ("g711_ulaw", "g711_alaw"):
        return AudioFormat(name, G711_RATE_HZ)  # type: ignore[arg-type]
    if name != "pcm16":
        raise AudioFormatError(
            f"input_audio_format {name!r} is not known: use pcm16, g711_ulaw or g711_alaw."
        )
    rate_hz = DEFAULT_RATE_HZ if sampling_rate_hz is None else sampling_rate_hz
    if rate_hz not in PCM16_INPUT_RATES_HZ:
        rates = ", ".join(map(str, PCM16_INPUT_RATES_HZ))
        raise AudioFormatError(
            f"input_audio_sampling_rate {rate_hz} is not supported: use one of {rates}."
        )
    return AudioFormat("pcm16", rate_hz)


def spell_output_format(name: str) -> str:
    """The new spelling of an output format: SDK 1.2.0b5 wrote ``pcm16-8000hz``."""
    return name.replace("-", "_")


def parse_output_format(name: str) -> AudioFormat:
    """The format of ``output_audio_format``, in the old or the new spelling.

    Raises AudioFormatError.
    """
    spelled = spell_output_format(name)
    if spelled not in OUTPUT_FORMATS:
        raise AudioFormatError(
            f"output_audio_format {name!r} is not known: use one of {', '.join(OUTPUT_FORMATS)}."
        )
    if spelled in ("g711_ulaw", "g711_alaw"):
        return AudioFormat(spelled, G711_RATE_HZ)  # type: ignore[arg-type]
    rate = spelled.removeprefix("pcm16").strip("_hz")
    return AudioFormat("pcm16", int(rate) if rate else DEFAULT_RATE_HZ)
