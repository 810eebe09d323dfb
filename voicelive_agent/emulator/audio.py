"""Audio formats: PCM16 at 8 to 48 kHz and G.711, resampled.

Inside the emulator audio is PCM16 mono, little-endian. A ``Decoder`` brings a client's bytes into
that form and an ``Encoder`` takes an engine's audio out of it; both are fed piece by piece, and
how a stream is cut into pieces changes nothing of what comes out.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import soxr

from voicelive_agent.emulator.wav import WavHeader, WavSkipper

Codec = Literal["pcm16", "g711_ulaw", "g711_alaw"]
Samples = npt.NDArray[np.int16]

G711_RATE_HZ = 8_000
_WAV_ENCODINGS: dict[Codec, str] = {
    "pcm16": "PCM 16 bit",
    "g711_ulaw": "µ-law 8 bit",
    "g711_alaw": "A-law 8 bit",
}
DEFAULT_RATE_HZ = 24_000
"""Of ``pcm16`` in both directions where nothing else is said."""
PCM16_INPUT_RATES_HZ = (8_000, 16_000, 24_000, 44_100, 48_000)
PCM16_OUTPUT_RATES_HZ = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)


class AudioFormatError(ValueError):
    """A format, rate or channel count that isn't supported; the text says which are."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How audio stands on the wire."""

    codec: Codec
    rate_hz: int

    @property
    def bytes_per_sample(self) -> int:
        return 2 if self.codec == "pcm16" else 1

    def duration_ms(self, size_bytes: int) -> float:
        """How long so many bytes of one channel play."""
        return size_bytes * 1000 / (self.rate_hz * self.bytes_per_sample)

    def size_bytes(self, duration_ms: float) -> int:
        """The bytes of whole samples that play for ``duration_ms``."""
        return round(duration_ms * self.rate_hz / 1000) * self.bytes_per_sample


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
        rates = ", ".join(str(rate) for rate in PCM16_INPUT_RATES_HZ)
        raise AudioFormatError(
            f"input_audio_sampling_rate {rate_hz} is not supported: use one of {rates}."
        )
    return AudioFormat("pcm16", rate_hz)


def parse_output_format(name: str) -> AudioFormat:
    """The format of ``output_audio_format``, in the old or the new spelling.

    SDK 1.2.0b5 writes ``pcm16-8000hz`` where later ones write ``pcm16_8000hz``.
    Raises AudioFormatError.
    """
    if name in ("g711_ulaw", "g711_alaw"):
        return AudioFormat(name, G711_RATE_HZ)  # type: ignore[arg-type]
    if name == "pcm16":
        return AudioFormat("pcm16", DEFAULT_RATE_HZ)
    for rate_hz in PCM16_OUTPUT_RATES_HZ:
        if name in (f"pcm16_{rate_hz}hz", f"pcm16-{rate_hz}hz"):
            return AudioFormat("pcm16", rate_hz)
    names = ", ".join(f"pcm16_{rate}hz" for rate in PCM16_OUTPUT_RATES_HZ)
    raise AudioFormatError(
        f"output_audio_format {name!r} is not known: use pcm16, {names}, g711_ulaw or g711_alaw."
    )


class Resampler:
    """A stream of samples at another rate; sample n of one stands at n's time in the other.

    A filter looks ahead, so what comes out lags until ``finish``: by some 40 ms, and by up to
    120 ms from or to 8 kHz.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._rates_hz = (from_hz, to_hz)
        self._stream: Any = None
        self.finish()

    def resample(self, samples: Samples, *, last: bool = False) -> Samples:
        if self._stream is None:
            return samples
        # Without floats in between soxr would dither, and silence would no longer be silent.
        resampled: npt.NDArray[np.float32] = self._stream.resample_chunk(
            samples.astype(np.float32), last=last
        )
        rounded: Samples = np.clip(np.rint(resampled), -32768, 32767).astype(np.int16)
        return rounded

    def finish(self) -> Samples:
        """What the filter still holds; the next sample begins a new stream."""
        rest = np.zeros(0, np.int16)
        if self._stream is not None:
            rest = self.resample(rest, last=True)
        from_hz, to_hz = self._rates_hz
        if from_hz != to_hz:
            self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality="HQ")
        return rest


class Decoder:
    """A client's bytes as PCM16 mono at ``to_hz``.

    Tolerates what real clients send: pieces that end inside a sample, and a WAV header at the
    start of any piece. With two channels, ``reference`` holds the second one.
    """

    def __init__(self, format: AudioFormat, to_hz: int, *, channels: int = 1) -> None:
        """Raises AudioFormatError for channels that the format can't have."""
        if channels not in (1, 2) or (channels == 2 and format.codec != "pcm16"):
            raise AudioFormatError(
                f"{channels} channels of {format.codec} are not supported: send one channel, or "
                "two of pcm16 (the microphone and the echo reference, interleaved)."
            )
        self.format = format
        self.reference = b""
        """What the second channel held in the piece decoded last; as long as the first."""
        self.notice: str | None = None
        """What a WAV header said that doesn't fit the session, for a warning."""
        self._channels = channels
        self._wav = WavSkipper()
        self._cut = b""
        self._resamplers = [Resampler(format.rate_hz, to_hz) for _ in range(channels)]

    def decode(self, audio: bytes) -> bytes:
        """The samples that are complete by now."""
        return self._convert(self._skip_header(audio), last=False)

    def finish(self) -> bytes:
        """The rest of the stream; what is decoded next begins a new one."""
        rest = self._convert(self._wav.finish(), last=True)
        self._cut = b""
        return rest

    def _skip_header(self, piece: bytes) -> bytes:
        audio, header = self._wav.skip(piece)
        if header is not None:
            self._cut = b""
            wanted = WavHeader(
                self.format.rate_hz, self._channels, _WAV_ENCODINGS[self.format.codec]
            )
            if header != wanted:
                self.notice = (
                    f"The WAV file has {_describe(header)}, the session {_describe(wanted)}: set "
                    "input_audio_format and input_audio_sampling_rate before the first append, or "
                    "convert the file."
                )
        return audio

    def _convert(self, audio: bytes, *, last: bool) -> bytes:
        whole = self._cut + audio
        size = self.format.bytes_per_sample * self._channels
        kept = len(whole) - len(whole) % size
        self._cut = whole[kept:]
        samples = _samples(whole[:kept], self.format.codec)
        channels = [samples[channel :: self._channels] for channel in range(self._channels)]
        converted = [
            resampler.resample(channel)
            for resampler, channel in zip(self._resamplers, channels, strict=True)
        ]
        if last:
            converted = [
                np.concatenate([start, resampler.finish()])
                for start, resampler in zip(converted, self._resamplers, strict=True)
            ]
        self.reference = _bytes(converted[1]) if self._channels == 2 else b""
        return _bytes(converted[0])


class Encoder:
    """An engine's PCM16 mono at ``from_hz`` as bytes of an ``output_audio_format``."""

    def __init__(self, format: AudioFormat | str, from_hz: int) -> None:
        """Raises AudioFormatError for a name that is no format."""
        self.format = parse_output_format(format) if isinstance(format, str) else format
        self._cut = b""
        self._resampler = Resampler(from_hz, self.format.rate_hz)

    def encode(self, pcm: bytes) -> bytes:
        whole = self._cut + pcm
        kept = len(whole) - len(whole) % 2
        self._cut = whole[kept:]
        return self._pack(self._resampler.resample(_samples(whole[:kept], "pcm16")))

    def finish(self) -> bytes:
        """The rest of the stream; what is encoded next begins a new one."""
        self._cut = b""
        return self._pack(self._resampler.finish())

    def duration_ms(self, audio: bytes) -> float:
        """How long encoded bytes play."""
        return self.format.duration_ms(len(audio))

    def _pack(self, samples: Samples) -> bytes:
        if self.format.codec == "pcm16":
            return _bytes(samples)
        return _G711_ENCODE[self.format.codec][samples.view(np.uint16)].tobytes()


def _describe(header: WavHeader) -> str:
    return f"{header.encoding}, {header.rate_hz} Hz, {header.channels} channel(s)"


def _samples(audio: bytes, codec: Codec) -> Samples:
    if codec == "pcm16":
        return np.frombuffer(audio, "<i2").astype(np.int16, copy=False)
    return _G711_DECODE[codec][np.frombuffer(audio, np.uint8)]


def _bytes(samples: Samples) -> bytes:
    return samples.astype("<i2", copy=False).tobytes()


# G.711 (ITU-T), as tables: for each byte its sample, for each sample (as uint16) its byte.


def _decode_ulaw() -> Samples:
    inverted = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((inverted & 0x0F) << 3) + 0x84) << ((inverted & 0x70) >> 4)
    return np.where(inverted & 0x80, 0x84 - magnitude, magnitude - 0x84).astype(np.int16)


def _decode_alaw() -> Samples:
    toggled = np.arange(256, dtype=np.int32) ^ 0x55
    segment = (toggled & 0x70) >> 4
    mantissa = (toggled & 0x0F) << 4
    raised = (mantissa + 0x108) << np.maximum(segment - 1, 0)
    magnitude = np.where(segment == 0, mantissa + 8, raised)
    return np.where(toggled & 0x80, magnitude, -magnitude).astype(np.int16)


def _encode_ulaw() -> npt.NDArray[np.uint8]:
    samples = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 2
    mask = np.where(samples < 0, 0x7F, 0xFF)
    magnitude = np.minimum(np.abs(samples), 8159) + 33
    segment = np.searchsorted((64 << np.arange(8)) - 1, magnitude)
    code = (segment << 4) | ((magnitude >> (segment + 1)) & 0x0F)
    return (np.where(segment >= 8, 0x7F, code) ^ mask).astype(np.uint8)


def _encode_alaw() -> npt.NDArray[np.uint8]:
    samples = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 3
    mask = np.where(samples < 0, 0x55, 0xD5)
    magnitude = np.where(samples < 0, -samples - 1, samples)
    segment = np.searchsorted((32 << np.arange(8)) - 1, magnitude)
    code = (segment << 4) | ((magnitude >> np.maximum(segment, 1)) & 0x0F)
    return (code ^ mask).astype(np.uint8)


_G711_DECODE = {"g711_ulaw": _decode_ulaw(), "g711_alaw": _decode_alaw()}
_G711_ENCODE = {"g711_ulaw": _encode_ulaw(), "g711_alaw": _encode_alaw()}
