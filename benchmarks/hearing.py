"""Word errors of the STT engines, side by side: people, and front-desk sentences.

    python -m benchmarks.hearing [--stt NAME …] [--quick]

The people come out of pinned packages (``benchmarks.recordings``); the sentences are spoken by
the default voice, with and without a phrase list; names, products and codes by three voices, with
and without a list of them, which the prompts are heard with as well. Figures and signs that an
engine writes count as the words that are said. CPU is that of this process and its children, for
each utterance.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soxr

from benchmarks.recordings import Recordings, RecordingsMissing, telephone
from benchmarks.sentences import FRAMES, LISTED, SENTENCES
from benchmarks.spoken import RATE_HZ, percentile, synthesise
from benchmarks.voices import say, silence, with_noise
from benchmarks.word_errors import WordErrors
from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ, Recognizer, SpeechToText
from voicelive_agent.emulator.stt.engines import open_stt
from voicelive_agent.emulator.tts.engines.hibari.engine import VOICES

PHRASES = Path(__file__).with_name("front_desk_phrases.txt")
GOALS = {
    "read": 0.04,
    "prompts": 0.06,
    "telephone": 0.08,
    "conversation": 0.11,
    "conversation, telephone": 0.20,
    "front desk": 0.05,
    "front desk, phrases": 0.03,
}
HALVED = "names", "names, listed"
"""The second has half of the errors of the first, at most."""
KEPT = "prompts", "prompts, others listed"
"""The second has no more errors than the first."""
UNRELATED = 20
"""How many phrases are listed while none of them is said."""
QUICK = 12
"""How many of each set are heard in a quick run."""

Clips = list[tuple[str, bytes]]


@dataclass
class Score:
    words: WordErrors = field(default_factory=WordErrors)
    costs_ms: list[float] = field(default_factory=list)
    misheard: list[tuple[str, str]] = field(default_factory=list)


def list_sets(recordings: Recordings) -> Iterator[tuple[str, Clips]]:
    """Each set with its name; of one that can't be had, it is said why."""
    people = {
        "read": recordings.read,
        "cards": recordings.cards,
        "prompts": recordings.prompts,
        "telephone": recordings.telephone,
        "conversation": recordings.conversation,
        "spontaneous": recordings.spontaneous,
    }
    for name, read in people.items():
        try:
            clips = list(read())
        except RecordingsMissing as error:
            print(f"  {name:26} left out: {error}")
            continue
        yield name, clips
        if name == KEPT[0]:
            yield KEPT[1], clips
        if name == "conversation":
            yield f"{name}, telephone", [(said, telephone(pcm)) for said, pcm in clips]
    desk = [(sentence, say(sentence, "hibari")) for sentence in SENTENCES]
    yield "front desk", desk
    yield "front desk, phrases", desk
    names = list(say_names())
    yield HALVED[0], names
    yield HALVED[1], names


def say_names() -> Iterator[tuple[str, bytes]]:
    """Each name in a sentence, by each voice of hibari."""
    for number, name in enumerate(LISTED):
        for turn, voice in enumerate(VOICES):
            said = FRAMES[(number + turn) % len(FRAMES)].format(name)
            samples = np.frombuffer(synthesise(said, voice.name), "<i2")
            yield said, soxr.resample(samples, RATE_HZ, SAMPLE_RATE_HZ).astype("<i2").tobytes()


async def hear(recognizer: Recognizer, pcm: bytes) -> str:
    utterance = recognizer.begin(lambda text: None)
    for start in range(0, len(pcm), 640):
        utterance.feed(pcm[start : start + 640])
    return (await utterance.finish()).text


def measure_cpu_s() -> float:
    """Of this process and its children."""
    times = os.times()
    return sum(times[:4])


async def score(stt: SpeechToText, clips: Clips, phrases: tuple[str, ...]) -> Score:
    result, recognizer = Score(), stt.open_recognizer()
    recognizer.configure(language="en-US", phrases=phrases)
    for said, pcm in clips:
        began_s = measure_cpu_s()
        heard = await hear(recognizer, with_noise(silence(300) + pcm + silence(300)))
        result.costs_ms.append((measure_cpu_s() - began_s) * 1000)
        if result.words.add(said, heard):
            result.misheard.append((said, heard))
    await recognizer.close()
    return result


def list_phrases(name: str) -> tuple[str, ...]:
    """What is listed while a set is heard."""
    lists = {"front desk, phrases": read_phrases(), HALVED[1]: LISTED, KEPT[1]: LISTED[:UNRELATED]}
    return lists.get(name, ())


def read_phrases() -> tuple[str, ...]:
    lines = PHRASES.read_text(encoding="utf-8").splitlines()
    return tuple(text for line in lines if (text := line.partition("#")[0].strip()))


async def run(names: list[str], cache: Path, *, quick: bool, show: bool) -> bool:
    """Whether the first engine meets all goals."""
    engines = [open_stt(name) for name in names]
    for stt in engines:
        await stt.start()
    print("Word errors, and CPU for each utterance (median, p95; 0 where processes hear)\n")
    print(f"  {'':26} {'words':>6} {'goal':>6}" + "".join(f"{stt.name:>30}" for stt in engines))
    good, rates = True, dict[str, float]()
    try:
        for name, clips in list_sets(Recordings(cache)):
            clips = clips[:QUICK] if quick else clips
            scores = [await score(stt, clips, list_phrases(name)) for stt in engines]
            rates[name] = scores[0].words.rate
            goal = GOALS.get(name)
            cells = "".join(
                f"{one.words.rate:12.1%} {percentile(one.costs_ms, 50):6.0f} "
                f"{percentile(one.costs_ms, 95):6.0f} ms"
                for one in scores
            )
            wanted = "" if goal is None else f"{goal:.0%}"
            print(f"  {name:26} {scores[0].words.words:6} {wanted:>6} {cells}")
            good = good and (goal is None or scores[0].words.rate <= goal)
            for said, heard in scores[0].misheard if show else ():
                print(f"      {said!r}\n   -> {heard!r}")
    finally:
        for stt in engines:
            await stt.stop()
    halved = rates[HALVED[1]] <= rates[HALVED[0]] / 2
    kept = rates.get(KEPT[1], 0) <= rates.get(KEPT[0], 0)
    return good and halved and kept


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how well the emulator hears.")
    parser.add_argument("--stt", nargs="+", default=["auto"], help="as --stt of the emulator")
    parser.add_argument("--quick", action="store_true", help="a few utterances of each set")
    parser.add_argument("--show", action="store_true", help="what the first engine misheard")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "voicelive-recordings",
        help="where the recordings of people are kept",
    )  # fmt: skip
    options = parser.parse_args()
    good = asyncio.run(run(options.stt, options.cache, quick=options.quick, show=options.show))
    print("\nEvery goal is met." if good else "\nNot every goal is met.")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
