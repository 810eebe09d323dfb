"""Streams of audio: decoded from what a client sends, encoded as it asks, resampled.

Inside a program audio is PCM16 mono, little-endian. A ``Decoder`` brings a client's bytes into
that form and an ``Encoder`` takes an engine's audio out of it; both are fed piece by piece, and
how a stream is cut into pieces changes nothing of what comes out.
"""

import numpy as np

from voicelive_agent.wire.audio import g711
from voicelive_agent.wire.audio.formats import (
    AudioFormat,
    AudioFormatError,
    Codec,
    parse_output_format,
)
from voicelive_agent.wire.audio.resampling import Resampler
from voicelive_agent.wire.audio.samples import Samples
from voicelive_agent.wire.audio.wav import WavHeader, WavSkipper

_WAV_ENCODINGS: dict[Codec, str] = {
    "pcm16": "PCM 16 bit",
    "g711_ulaw": "µ-law 8 bit",
    "g711_alaw": "A-law 8 bit",
}


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
