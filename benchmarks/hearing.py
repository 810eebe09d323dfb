"""How well the default STT engine hears, and how well turns are found.

    python -m benchmarks.hearing [--stt NAME] [--quick]

Front-desk sentences are spoken by voices that are not the emulator's own (flite, and espeak-ng's
Klatt synthesiser), with and without a phrase list, and people read aloud in the recordings that
pocketsphinx's source package carries. Then the same voices pause, murmur, and are silent in noise,
and it is counted where turns are cut off or begin without speech.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.recordings import RecordingsMissing, find_recordings
from benchmarks.spoken import describe, percentile
from benchmarks.voices import INTELLIGIBLE, VOICES, noises, say, silence, with_noise
from voicelive_agent.emulator.session.input.user_turns import FILLER_WORDS
from voicelive_agent.emulator.stt import Recognizer, SpeechToText
from voicelive_agent.emulator.stt.engines import open_stt
from voicelive_agent.emulator.stt.phrases import split_words
from voicelive_agent.emulator.vad import SpeechStarted, SpeechStopped
from voicelive_agent.emulator.vad.end_of_turn_by_words import estimate_completeness
from voicelive_agent.emulator.vad.loudness import Loudness
from voicelive_agent.emulator.vad.smart_turn import (
    SmartTurn,
    open_end_of_turn,
    weigh_opinions,
)
from voicelive_agent.emulator.vad.turn_detector import (
    PauseReached,
    TurnDetector,
    TurnEvent,
    TurnRules,
)
from voicelive_agent.emulator.vad.voice_activity import VoiceActivities
from voicelive_agent.wire.voice_live.turn_detection import parse_turn_detection

WORD_ERROR_GOAL = 0.15
WORD_ERROR_GOAL_WITH_PHRASES = 0.05
OFFSET_GOAL_MS = 50
PHRASES = Path(__file__).with_name("front_desk_phrases.txt")
SENTENCES = (
    "what are your opening hours",
    "when are you open on sunday",
    "i would like to book a table for two on friday at seven thirty",
    "can i book a table for four tomorrow evening",
    "what is the weather in seattle",
    "will it rain in london tomorrow",
    "no seven o'clock",
    "yes please",
    "please cancel my reservation",
    "my name is john smith",
    "do you have a table by the window",
    "how late are you open on saturday",
    "i need to change my booking to eight people",
    "thank you goodbye",
    "where can i park my car",
    "is there a table free tonight at eight",
    "we are six people",
    "make it seven thirty please",
    "do you have any vegetarian dishes",
    "could i speak to the manager please",
    "what time do you close today",
    "i would like to move my reservation to monday",
    "is breakfast included",
    "how do i get to the airport",
)
OTHER_SENTENCES = (
    "the quick brown fox jumps over the lazy dog",
    "could you explain quantum physics to my brother",
    "the museum opens a new gallery of modern art",
    "please turn on the light in the kitchen",
    "i lost my umbrella on the train yesterday",
)
"""None of the phrases: they must not be heard as one."""
PAUSES = (
    ("i would like to book a table for", "two people on friday"),
    ("my name is", "john smith"),
    ("what is the weather in", "london tomorrow"),
    ("i need to change my booking to", "eight people"),
    ("can i book a table and", "is there parking"),
    ("i would like to", "cancel my reservation"),
)
PAUSES_MS = (300, 600, 800, 1000)
BACKCHANNELS = ("uh huh", "yeah", "oh", "hmm", "ah")


@dataclass
class Score:
    """Words that were said, and edits that turn them into those that were heard."""

    words: int = 0
    errors: int = 0
    finals_ms: list[float] = field(default_factory=list)
    from_phrases: int = 0

    @property
    def rate(self) -> float:
        return self.errors / max(self.words, 1)

    def add(self, said: str, heard: str) -> None:
        wanted, got = split_words(said), split_words(heard)
        self.words += len(wanted)
        self.errors += count_edits(wanted, got)


def count_edits(wanted: list[str], got: list[str]) -> int:
    row = list(range(len(got) + 1))
    for number, word in enumerate(wanted, 1):
        above, row = row, [number]
        for column, other in enumerate(got):
            row.append(min(above[column + 1] + 1, row[column] + 1, above[column] + (word != other)))
    return row[-1]


async def hear(recognizer: Recognizer, pcm: bytes, score: Score) -> str:
    utterance = recognizer.begin(lambda text: None)
    for start in range(0, len(pcm), 640):
        utterance.feed(pcm[start : start + 640])
    # As when one speaks in real time, the recogniser has caught up when the turn ends.
    await utterance.text_so_far()
    began_s = time.perf_counter()
    transcript = await utterance.finish()
    score.finals_ms.append((time.perf_counter() - began_s) * 1000)
    score.from_phrases += transcript.source.endswith("+phrases")
    return transcript.text


async def measure_words(stt: SpeechToText, voice: str, phrases: Iterable[str]) -> Score:
    score, recognizer = Score(), stt.open_recognizer()
    recognizer.configure(language="en-US", phrases=tuple(phrases))
    for sentence in SENTENCES:
        pcm = with_noise(silence(300) + say(sentence, voice) + silence(300))
        score.add(sentence, await hear(recognizer, pcm, score))
    await recognizer.close()
    return score


async def measure_forced(stt: SpeechToText, voice: str, phrases: Iterable[str]) -> int:
    """How many sentences that are no phrase were heard as one."""
    score, recognizer = Score(), stt.open_recognizer()
    recognizer.configure(language="en-US", phrases=tuple(phrases))
    for sentence in OTHER_SENTENCES:
        await hear(
            recognizer, with_noise(silence(300) + say(sentence, voice) + silence(300)), score
        )
    await recognizer.close()
    return score.from_phrases


async def measure_people(stt: SpeechToText, cache: Path) -> Score:
    score, recognizer = Score(), stt.open_recognizer()
    for said, pcm in find_recordings(cache):
        score.add(said, await hear(recognizer, pcm, score))
    await recognizer.close()
    return score


async def find_turns(
    stt: SpeechToText,
    activities: VoiceActivities,
    pcm: bytes,
    detection: Mapping[str, Any],
    *,
    model: SmartTurn | None = None,
    decided_ms: list[float] | None = None,
) -> list[TurnEvent]:
    """The turns as a session finds them, the text of a pause asked of the recogniser.

    ``decided_ms`` collects how much audio was heard when each turn had ended.
    """
    detector = activities.open()
    rules = TurnRules.of(parse_turn_detection(detection))
    turns = TurnDetector(rules, detector, may_shorten=model is not None)
    loudness, start_ms = Loudness(), 0
    recognizer, utterance = stt.open_recognizer(), None
    found: list[TurnEvent] = []
    size = detector.frame_bytes
    for at in range(0, len(pcm) - size + 1, size):
        if utterance is not None:
            utterance.feed(pcm[at : at + size])
        frame = pcm[at : at + size]
        event = turns.judge(detector.probability(frame), loudness.take(frame))
        if isinstance(event, PauseReached):
            text = await utterance.text_so_far() if utterance is not None else ""
            said = pcm[start_ms * 32 : at + size]
            by_sound = None if model is None else model.estimate(said)
            event = turns.weigh(weigh_opinions(estimate_completeness(text), by_sound))
        if isinstance(event, SpeechStarted):
            start_ms = event.audio_start_ms
            utterance = recognizer.begin(lambda text: None)
            utterance.feed(pcm[start_ms * 32 : at + size])
        elif isinstance(event, SpeechStopped) and utterance is not None:
            utterance.discard()
            utterance = None
            if decided_ms is not None:
                decided_ms.append(turns.now_ms)
        if event is not None:
            found.append(event)
    await recognizer.close()
    return found


def count_starts(found: list[TurnEvent]) -> int:
    return sum(isinstance(event, SpeechStarted) for event in found)


SERVER = {"type": "server_vad", "silence_duration_ms": 500}
SEMANTIC = {"type": "azure_semantic_vad", "silence_duration_ms": 500}


async def measure_cuts(
    stt: SpeechToText, activities: VoiceActivities, voices: Iterable[str]
) -> None:
    """Turns cut off at a pause for thought, by its length, and what that costs complete ones."""
    model = open_end_of_turn()
    kinds: list[tuple[str, dict[str, Any], SmartTurn | None]] = [
        ("server_vad", SERVER, None),
        ("azure_semantic_vad", SEMANTIC, None),
    ]
    if model is not None:
        kinds.append(("  with smart-turn", SEMANTIC, model))
    print("\nTurns cut off at a pause in mid-sentence (of all), silence_duration_ms 500,")
    print("and the silence after which complete sentences end, ms")
    print("  pause             " + "".join(f"{ms:>7} ms " for ms in PAUSES_MS) + "  complete")
    for name, detection, judge in kinds:
        cells = []
        for pause_ms in PAUSES_MS:
            cut = total = 0
            for voice in voices:
                for start, end in PAUSES:
                    parts = say(start, voice) + silence(pause_ms) + say(end, voice)
                    pcm = with_noise(silence(500) + parts + silence(2500))
                    found = await find_turns(stt, activities, pcm, detection, model=judge)
                    total += 1
                    cut += count_starts(found) > 1
            cells.append(f"{cut:>5}/{total:<3}  ")
        waits_ms: list[float] = []
        for voice in voices:
            for sentence in SENTENCES:
                speech = silence(500) + say(sentence, voice)
                ended: list[float] = []
                pcm = with_noise(speech + silence(2500))
                await find_turns(stt, activities, pcm, detection, model=judge, decided_ms=ended)
                waits_ms += [ms - len(speech) / 32 for ms in ended[-1:]]
        print(f"  {name:18}" + "".join(cells) + describe(waits_ms))


async def measure_ends(
    stt: SpeechToText, activities: VoiceActivities, voices: Iterable[str]
) -> bool:
    """How near to the truth turns begin and end; whether that is near enough."""
    starts_ms: list[float] = []
    ends_ms: list[float] = []
    extra = 0
    for voice in voices:
        for number, sentence in enumerate(SENTENCES):
            speech = say(sentence, voice)
            lead_ms = 700 + number
            pcm = with_noise(silence(lead_ms) + speech + silence(2500))
            detection = SEMANTIC | {"prefix_padding_ms": 0}
            found = await find_turns(stt, activities, pcm, detection)
            if len(found) != 2 or not isinstance(found[0], SpeechStarted):
                extra += 1
                continue
            end_ms = lead_ms + len(speech) / 32
            starts_ms.append(abs(found[0].audio_start_ms - lead_ms))
            if isinstance(found[1], SpeechStopped):
                ends_ms.append(abs(found[1].audio_end_ms - end_ms))
    print("\nWhere turns begin and end: distance from the truth, ms")
    print(f"  audio_start_ms  {describe(starts_ms)}\n  audio_end_ms    {describe(ends_ms)}")
    print(f"  sentences that were no turn, or several: {extra} of {len(ends_ms) + extra}")
    return max(percentile(starts_ms, 95), percentile(ends_ms, 95)) <= OFFSET_GOAL_MS


async def measure_noise(
    stt: SpeechToText, activities: VoiceActivities, voices: Iterable[str], seconds: int
) -> int:
    """Turns that begin without speech, and murmurs that are heard as more than murmurs."""
    print(f"\nFalse starts in {seconds} s of noise each")
    starts = 0
    for name, pcm in noises(seconds).items():
        counts = [
            count_starts(await find_turns(stt, activities, pcm, detection))
            for detection in (SERVER, SEMANTIC)
        ]
        starts += sum(counts)
        print(f"  {name:10} server_vad {counts[0]}   azure_semantic_vad {counts[1]}")
    print("\nBackchannels, and how many of them are heard as filler words alone")
    for word in BACKCHANNELS:
        started, fillers, total = 0, 0, 0
        for voice in voices:
            pcm = with_noise(silence(500) + say(word, voice) + silence(1000))
            total += 1
            started += count_starts(await find_turns(stt, activities, pcm, SEMANTIC))
            recognizer = stt.open_recognizer()
            heard = await hear(recognizer, pcm[:-16_000], Score())
            await recognizer.close()
            fillers += all(word in FILLER_WORDS for word in heard.split())
        print(
            f"  {word:8} turns begun {started}/{total}   "
            f"heard as fillers or nothing {fillers}/{total}"
        )
    return starts


def print_score(name: str, score: Score) -> None:
    print(
        f"  {name:14} {score.rate:6.1%}  ({score.errors} of {score.words} words)   "
        f"final after {percentile(score.finals_ms, 50):4.0f} ms, "
        f"p95 {percentile(score.finals_ms, 95):4.0f}"
    )


async def run(recognizers: str, cache: Path, *, quick: bool) -> bool:
    """Whether all goals are met."""
    stt, activities = open_stt(recognizers), VoiceActivities()
    print(f"STT: {stt.name}; voice activity: {activities.name}")
    phrases = [
        text
        for line in PHRASES.read_text(encoding="utf-8").splitlines()
        if (text := line.partition("#")[0].strip())
    ]
    good = True
    await stt.start()
    try:
        voices = INTELLIGIBLE[:1] if quick else VOICES
        for title, listed, goal in (
            ("without phrases", [], WORD_ERROR_GOAL),
            ("with phrases", phrases, WORD_ERROR_GOAL_WITH_PHRASES),
        ):
            print(
                f"\nWord error rate, {len(SENTENCES)} front-desk sentences, "
                f"{title} (goal {goal:.0%})"
            )
            for voice in voices:
                score = await measure_words(stt, voice, listed)
                print_score(voice, score)
                good = good and (voice not in INTELLIGIBLE or score.rate <= goal)
        forced = [await measure_forced(stt, voice, phrases) for voice in voices]
        total = len(voices) * len(OTHER_SENTENCES)
        print(f"\nOther sentences heard as a phrase: {sum(forced)} of {total}")
        print("\nWord error rate, people (read aloud, and calling cards)")
        try:
            print_score("people", await measure_people(stt, cache))
        except RecordingsMissing as error:
            print(f"  left out: {error}")
        good = await measure_ends(stt, activities, voices) and good
        await measure_cuts(stt, activities, voices[:2])
        good = await measure_noise(stt, activities, voices, 10 if quick else 60) == 0 and good
    finally:
        await stt.stop()
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how well the emulator hears.")
    parser.add_argument("--stt", default="pocketsphinx", help="as --stt of the emulator")
    parser.add_argument("--quick", action="store_true", help="one voice, little noise")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "voicelive-recordings",
        help="where the recordings of people are kept",
    )  # fmt: skip
    options = parser.parse_args()
    good = asyncio.run(run(options.stt, options.cache, quick=options.quick))
    print("\nEvery goal is met." if good else "\nNot every goal is met.")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
