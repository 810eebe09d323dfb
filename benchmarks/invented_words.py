"""Whether the default speech to text invents words, and what its doubt costs on short real ones.

    python -m benchmarks.invented_words [--show] [--some N] [--held-out]

Each clip of ``benchmarks.sounds`` goes through voice activity and turn detection as in a session,
idle and while an answer plays whose echo is left over, and each turn is heard to its end. A
hesitation may be written as one; anything else in a clip without words was invented. ``held out``
are clips of sources that chose no bound. People who talk in the background do so 15 dB below a
caller.
"""

import argparse
import asyncio
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.recordings import RATE_HZ, Recordings
from benchmarks.sounds import Clip, list_clips, pick
from benchmarks.voices import say, silence, with_noise
from benchmarks.word_errors import WordErrors
from voicelive_agent.emulator.session.input.user_turns import FILLER_WORDS
from voicelive_agent.emulator.stt import Recognizer, Transcript
from voicelive_agent.emulator.stt.engines import open_stt
from voicelive_agent.emulator.stt.phrases import split_words
from voicelive_agent.emulator.vad import SpeechStarted, SpeechStopped
from voicelive_agent.emulator.vad.loudness import Loudness
from voicelive_agent.emulator.vad.turn_detector import PauseReached, TurnDetector, TurnRules
from voicelive_agent.emulator.vad.voice_activity import VoiceActivities
from voicelive_agent.wire.voice_live.turn_detection import parse_turn_detection

MISSED_AT_MOST = 0.02
BACKGROUND_DB = -15
BACKGROUND_CLIPS = 20
ADDED_AT_MOST = 0.05
"""Of the words that a caller says."""
PROGRESS_CLIPS = 50
_BYTES_PER_MS = RATE_HZ * 2 // 1000
_PRE_ROLL_MS = 300
_PAUSE_MS = 230
_ECHO_LEVEL = 0.01
_DETECTION = {"type": "azure_semantic_vad", "silence_duration_ms": 500}


@dataclass
class Count:
    clips: int = 0
    turns: int = 0
    texts: int = 0
    """Clips with a transcript."""
    invented: int = 0
    warned: int = 0
    right: int = 0
    """Clips with what was said as their transcript."""
    examples: list[str] = field(default_factory=list)

    def add(self, clip: Clip, heard: list[Transcript]) -> None:
        text = " ".join(each.text for each in heard if each.text)
        self.clips += 1
        self.turns += bool(heard)
        self.texts += bool(text)
        self.warned += any(each.notice for each in heard)
        self.right += clip.is_said and split_words(text) == split_words(clip.said)
        is_wrong = not text if clip.is_said else not is_hesitation(text)
        self.invented += not clip.is_said and is_wrong
        if is_wrong:
            self.examples.append(f"{clip.source} {clip.said!r} -> {text!r}")


def is_hesitation(text: str) -> bool:
    return all(word in FILLER_WORDS for word in re.findall(r"[a-z']+", text.lower()))


class Ears:
    """Turns and transcripts of a sound, as a session finds them."""

    def __init__(self, activities: VoiceActivities, recognizer: Recognizer) -> None:
        self._activities = activities
        self._recognizer = recognizer

    async def hear(self, pcm: bytes, *, is_playing: bool) -> list[Transcript]:
        room = with_noise(silence(600) + pcm + silence(1000), level=5)
        return [
            await self._transcribe(room[start_ms * _BYTES_PER_MS : end_ms * _BYTES_PER_MS])
            for start_ms, end_ms in self._find_turns(room, is_playing)
        ]

    def _find_turns(self, pcm: bytes, is_playing: bool) -> Iterator[tuple[int, int]]:
        detector, loudness = self._activities.open(), Loudness()
        turns = TurnDetector(TurnRules.of(parse_turn_detection(_DETECTION)), detector)
        start_ms = 0
        for at in range(0, len(pcm) - detector.frame_bytes + 1, detector.frame_bytes):
            frame = pcm[at : at + detector.frame_bytes]
            sound_ms = loudness.take(frame)
            event = turns.judge(
                detector.probability(frame), sound_ms, loudness.faint_ms, is_playing=is_playing
            )
            if isinstance(event, PauseReached):
                event = turns.weigh(None)
            if isinstance(event, SpeechStarted):
                start_ms = min(event.audio_start_ms, max(0, turns.now_ms - _PRE_ROLL_MS))
            elif isinstance(event, SpeechStopped):
                yield start_ms, event.audio_end_ms + _PAUSE_MS

    async def _transcribe(self, pcm: bytes) -> Transcript:
        utterance = self._recognizer.begin(lambda text: None)
        utterance.feed(pcm)
        return await utterance.finish()


def mix(pcm: bytes, other: bytes, level: float) -> bytes:
    """``other``, over and over, under a sound."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    under = np.resize(np.frombuffer(other, "<i2").astype(np.float64), len(samples))
    return bytes(np.clip(samples + under * level, -32768, 32767).astype("<i2").tobytes())


async def measure_background(ears: Ears, recordings: Recordings) -> tuple[int, int, int]:
    """Words that callers say, errors in quiet, and errors while others talk behind them."""
    callers = pick(recordings.prompts(), BACKGROUND_CLIPS)
    others = [pcm for _, pcm in recordings.cards()]
    alone, among = WordErrors(), WordErrors()
    for number, (said, pcm) in enumerate(callers):
        other = others[number % len(others)]
        loudness = np.std(np.frombuffer(pcm, "<i2")) / np.std(np.frombuffer(other, "<i2"))
        crowded = mix(pcm, other, float(loudness) * 10 ** (BACKGROUND_DB / 20))
        for errors, sound in ((alone, pcm), (among, crowded)):
            heard = await ears.hear(sound, is_playing=False)
            errors.add(said, " ".join(each.text for each in heard))
    return alone.words, alone.errors, among.errors


async def run(cache: Path, *, some: int | None, only_held_out: bool, show: bool) -> bool:
    """Whether all goals are met."""
    stt, recordings = open_stt(), Recordings(cache)
    await stt.start()
    ears = Ears(VoiceActivities(), stt.open_recognizer())
    counts: dict[tuple[str, str, str], Count] = defaultdict(Count)
    echo = say("our restaurant lies on the waterfront with a terrace over the bay", "hibari")
    try:
        clips = list(list_clips(recordings))
        if only_held_out:
            clips = [clip for clip in clips if clip.is_held_out or clip.is_said]
        clips = clips if some is None else pick(clips, some)
        for number, clip in enumerate(clips):
            if number % PROGRESS_CLIPS == 0:
                print(f"{number} of {len(clips)} clips heard", file=sys.stderr, flush=True)
            group = "held out" if clip.is_held_out else "chosen by"
            heard = await ears.hear(clip.pcm, is_playing=False)
            counts[clip.kind, group, "idle"].add(clip, heard)
            if clip.kind != "foreign":
                heard = await ears.hear(mix(clip.pcm, echo, _ECHO_LEVEL), is_playing=True)
                counts[clip.kind, group, "answering"].add(clip, heard)
        words, alone, among = await measure_background(ears, recordings)
    finally:
        await stt.stop()
    print(
        f"{'':30} {'clips':>6} {'turns':>6} {'texts':>6} {'as said':>8} {'invented':>9} "
        f"{'warned':>7}"
    )
    for key, one in sorted(counts.items()):
        print(
            f"{key[0]:8} {key[1]:10} {key[2]:10} {one.clips:6} {one.turns:6} {one.texts:6} "
            f"{one.right:8} {one.invented:9} {one.warned:7}"
        )
        for example in one.examples if show else ():
            print(f"    {example}")
    print(f"others talking 15 dB below: {among} errors in {words} words, {alone} without them")
    return judge(counts) and (among - alone) <= ADDED_AT_MOST * words


def judge(counts: dict[tuple[str, str, str], Count]) -> bool:
    words = [one for key, one in counts.items() if key[0] == "word"]
    silent = [
        one
        for key, one in counts.items()
        if key[0] not in ("word", "noun") and key[1] == "held out"
    ]
    clips, invented = sum(one.clips for one in silent), sum(one.invented for one in silent)
    said = sum(one.clips for one in words)
    missed = said - sum(one.texts for one in words)
    print(f"\nHeld out: {invented} of {clips} clips became words that nobody said (goal: 0)")
    print(f"Short words: {missed} of {said} had no transcript (goal: under {MISSED_AT_MOST:.0%})")
    return invented == 0 and missed < MISSED_AT_MOST * max(said, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what is heard where nothing is said.")
    parser.add_argument("--show", action="store_true", help="what was invented or missed")
    parser.add_argument("--held-out", action="store_true", help="no clips that chose bounds")
    parser.add_argument("--some", type=int, metavar="N", help="so many clips, drawn by lot")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "voicelive-recordings",
        help="where the recordings are kept",
    )  # fmt: skip
    options = parser.parse_args()
    good = asyncio.run(
        run(
            options.cache,
            some=options.some,
            only_held_out=options.held_out,
            show=options.show,
        )
    )
    print("Every goal is met." if good else "Not every goal is met.")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
