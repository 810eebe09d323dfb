"""Streams of audio: decoded from what a client sends, encoded as it asks, resampled.

Inside a program audio is PCM16 mono, little-endian. A ``Decoder`` brings a client's bytes into
that form and an ``Encoder`` takes an engine's audio out of it; both are fed piece by piece, and
how a stream is cut into pieces changes nothing of what comes out.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from voicelive_agent.wire.audio import g711
from voicelive_agent.wire.audio.formats import (
    AudioFormat,
    AudioFormatError,
    Codec,
    parse_output_format,
)
from voicelive_agent.wire.audio.wav import WavHeader, WavSkipper

Samples = npt.NDArray[np.int16]

_WAV_ENCODINGS: dict[Codec, str] = {
    "pcm16": "PCM 16 bit",
    "g711_ulaw": "µ-law 8 bit",
    "g711_alaw": "A-law 8 bit",
}


class Resampler:
    """A stream of samples at another rate; sample n of one stands at n's time in the other.

    A filter looks ahead, so what comes out lags until ``finish``: by 10 to 15 ms, and by up to
    30 ms from or to 8 kHz.
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
        return np.rint(resampled, out=resampled).clip(-32768, 32767).astype(np.int16)

    def finish(self) -> Samples:
        """What the filter still holds; the next sample begins a new stream."""
        rest = np.zeros(0, np.int16)
        if self._stream is not None:
            rest = self.resample(rest, last=True)
        from_hz, to_hz = self._rates_hz
        if from_hz != to_hz:
            # For a variable rate soxr filters without its blocks, which lag up to 37 ms, and up to
            # 115 ms at 8 kHz.
            self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", vr=True)
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
        return g711.encode(_bytes(samples), self.format.codec)


def _describe(header: WavHeader) -> str:
    return f"{header.encoding}, {header.rate_hz} Hz, {header.channels} channel(s)"


def _samples(audio: bytes, codec: Codec) -> Samples:
    pcm = audio if codec == "pcm16" else g711.decode(audio, codec)
    return np.frombuffer(pcm, "<i2").astype(np.int16, copy=False)


def _bytes(samples: Samples) -> bytes:
    return samples.astype("<i2", copy=False).tobytes()
