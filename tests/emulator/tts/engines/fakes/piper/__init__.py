"""Stands for piper-tts 1.8, as far as the emulator uses it; what it is asked shows in its sound."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class SynthesisConfig:
    speaker_id: int | None = None
    length_scale: float | None = None


@dataclass
class Config:
    sample_rate: int = 16_000
    length_scale: float = 1.0
    speaker_id_map: dict[str, int] = field(default_factory=dict)


@dataclass
class AudioChunk:
    audio_int16_bytes: bytes


class PiperVoice:
    def __init__(self, config: Config) -> None:
        self.config = config

    @staticmethod
    def load(model_path: str) -> "PiperVoice":
        speakers = {"amy": 0, "ryan": 1} if "many" in Path(model_path).name else {}
        return PiperVoice(Config(speaker_id_map=speakers))

    def synthesize(self, text: str, syn_config: SynthesisConfig) -> Iterator[AudioChunk]:
        assert "[[" not in text
        level = 1000 + 1000 * (syn_config.speaker_id or 0)
        for sentence in text.split("."):
            samples = int(len(sentence) * 800 * (syn_config.length_scale or 1))
            yield AudioChunk(level.to_bytes(2, "little") * samples)
