"""How well turns are found: where they begin and end, where they are cut off, and in noise.

    python -m benchmarks.turn_ends [--stt NAME] [--quick]

Synthetic voices that are not the emulator's own pause, murmur, and are silent in noise, and it is
counted where turns are cut off or begin without speech.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.sentences import SENTENCES
from benchmarks.spoken import describe, percentile
from benchmarks.voices import VOICES, noises, say, silence, with_noise
from voicelive_agent.emulator.session.input.user_turns import FILLER_WORDS
from voicelive_agent.emulator.stt import SpeechToText
from voicelive_agent.emulator.stt.engines import open_stt
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

OFFSET_GOAL_MS = 50
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
        sound_ms = loudness.take(frame)
        event = turns.judge(detector.probability(frame), sound_ms, loudness.faint_ms)
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
            utterance = recognizer.begin(lambda text: None)
            utterance.feed(pcm[:-16_000])
            heard = (await utterance.finish()).text
            await recognizer.close()
            fillers += all(word in FILLER_WORDS for word in heard.split())
        print(
            f"  {word:8} turns begun {started}/{total}   "
            f"heard as fillers or nothing {fillers}/{total}"
        )
    return starts


async def run(recognizers: str, *, quick: bool) -> bool:
    """Whether all goals are met."""
    stt, activities = open_stt(recognizers), VoiceActivities()
    print(f"STT: {stt.name}; voice activity: {activities.name}")
    await stt.start()
    try:
        voices = VOICES[:1] if quick else VOICES
        good = await measure_ends(stt, activities, voices)
        await measure_cuts(stt, activities, voices[:2])
        return await measure_noise(stt, activities, voices, 10 if quick else 60) == 0 and good
    finally:
        await stt.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how well turns are found.")
    parser.add_argument("--stt", default="auto", help="as --stt of the emulator")
    parser.add_argument("--quick", action="store_true", help="one voice, little noise")
    options = parser.parse_args()
    good = asyncio.run(run(options.stt, quick=options.quick))
    print("\nEvery goal is met." if good else "\nNot every goal is met.")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
