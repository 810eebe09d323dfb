"""How soon turns of people end, and how often a pause for thought cuts one off.

    python -m benchmarks.end_of_turn [--clips N] [--folder WAVS]

Each recording is heard whole, and broken off at its quietest place in the middle, as by a person
who thinks. What the emulator would wait after both is put beside plain silence with as many false
cut-offs. ``--folder`` adds recordings of your own, each a whole sentence, as WAV.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from benchmarks.recordings import RATE_HZ, Recordings, find_recordings
from benchmarks.spoken import percentile
from voicelive_agent.emulator.stt import SpeechToText
from voicelive_agent.emulator.stt.engines import open_stt
from voicelive_agent.emulator.vad.end_of_turn_by_words import estimate_completeness
from voicelive_agent.emulator.vad.smart_turn import SILENCE_MS, open_end_of_turn, weigh_opinions
from voicelive_agent.emulator.vad.turn_detector import TurnRules, needed_silence_ms
from voicelive_agent.wire.voice_live.turn_detection import parse_turn_detection

PAUSES_MS = (400, 500, 600, 800, 1000, 1200)
"""For which a person thinks, each as likely."""
_AUDIBLE = 300
_TAIL_MS = 250
_DETECTION = {"type": "azure_semantic_vad", "silence_duration_ms": 500}


@dataclass(frozen=True, slots=True)
class Waits:
    """The silence, in ms, that would end a turn after each whole sentence, and after each half."""

    whole_ms: list[float]
    half_ms: list[float]

    def cut_off(self) -> float:
        """The share of pauses for thought that end the turn."""
        return float(np.mean([wait < pause for wait in self.half_ms for pause in PAUSES_MS]))

    def describe(self) -> str:
        mean = np.mean(self.whole_ms)
        return (
            f"ends after {percentile(self.whole_ms, 50):5.0f} ms (median) {mean:5.0f} (mean) "
            f"{percentile(self.whole_ms, 95):5.0f} (p95), cuts off {self.cut_off():4.0%}"
        )


def break_off(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sentence without the silence around it, and its beginning up to its quietest place."""
    heard = np.flatnonzero(np.abs(samples) > _AUDIBLE)
    whole = samples[max(heard[0] - RATE_HZ // 10, 0) : heard[-1] + RATE_HZ // 20]
    window = RATE_HZ // 25
    power = np.convolve(whole.astype(np.float64) ** 2, np.ones(window), "same")
    first, last = int(len(whole) * 0.35), int(len(whole) * 0.7)
    return whole, whole[: first + int(power[first:last].argmin())]


async def transcribe(stt: SpeechToText, pcm: bytes) -> str:
    recognizer = stt.open_recognizer()
    utterance = recognizer.begin(lambda text: None)
    utterance.feed(pcm)
    text = await utterance.text_so_far() or (await utterance.finish()).text
    await recognizer.close()
    return text


async def measure(clips: list[bytes], stt: SpeechToText) -> dict[str, Waits]:
    model = open_end_of_turn()
    rules = TurnRules.of(parse_turn_detection(_DETECTION))
    found = {name: Waits([], []) for name in ("words", "words and smart-turn")}
    for clip in clips:
        for number, part in enumerate(break_off(np.frombuffer(clip, "<i2").astype(np.int32))):
            noise = np.random.default_rng(0).normal(0, 5, RATE_HZ * _TAIL_MS // 1000)
            pcm = np.concatenate([part, noise]).astype("<i2").tobytes()
            sound = pcm[: -(_TAIL_MS - SILENCE_MS) * RATE_HZ * 2 // 1000]
            by_words = estimate_completeness(await transcribe(stt, pcm))
            opinions = {"words": (by_words, False)}
            if model is not None:
                opinion = weigh_opinions(by_words, model.estimate(sound))
                opinions["words and smart-turn"] = (opinion, True)
            for name, (opinion, may_shorten) in opinions.items():
                wait = needed_silence_ms(rules, opinion, may_shorten=may_shorten)
                (found[name].half_ms if number else found[name].whole_ms).append(wait)
    return found


def find_silence(waits: Waits) -> Waits:
    """Plain silence, with no more false cut-offs."""
    for silence_ms in range(200, 3000, 20):
        plain = Waits([silence_ms], [silence_ms])
        if plain.cut_off() <= waits.cut_off():
            break
    return plain


def read_folder(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*.wav")):
        samples, rate_hz = soundfile.read(path, dtype="int16")
        mono = samples if samples.ndim == 1 else samples[:, 0]
        yield bytes(soxr.resample(mono, rate_hz, RATE_HZ).astype("<i2").tobytes())


async def run(clips: list[bytes]) -> None:
    stt = open_stt()
    await stt.start()
    try:
        found = await measure(clips, stt)
    finally:
        await stt.stop()
    print(f"{len(clips)} recordings of people, STT {stt.name}; pauses of {PAUSES_MS} ms")
    for name, waits in found.items():
        if waits.whole_ms:
            print(f"  {name:22} {waits.describe()}")
            print(f"  {'plain silence':22} {find_silence(waits).describe()}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how turns of people end.")
    parser.add_argument("--clips", type=int, default=60, help="at most so many recordings")
    parser.add_argument("--folder", type=Path, help="further recordings: WAV, a sentence each")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(tempfile.gettempdir()) / "voicelive-recordings",
        help="where recordings are kept",
    )
    options = parser.parse_args()
    people = (*find_recordings(options.cache), *Recordings(options.cache).prompts())
    clips = [pcm for _, pcm in people if len(pcm) > RATE_HZ * 3]
    clips += read_folder(options.folder) if options.folder else ()
    step = max(1, -(-len(clips) // options.clips))
    asyncio.run(run(clips[::step]))


if __name__ == "__main__":
    main()
