"""How well turns are found: where they begin and end, where they are cut off, and in noise.

    python -m benchmarks.turn_ends [--stt NAME] [--quick]

Synthetic voices pause, murmur, and are silent in noise, and it is counted where turns are cut off
or begin without speech. Where they begin and end is measured with voices that are not the
emulator's own.
"""

import argparse
import asyncio
import functools
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import soxr

from benchmarks.sentences import SENTENCES
from benchmarks.spoken import audible_span_ms, describe, percentile, synthesise
from benchmarks.voices import VOICES, noises, say, silence, with_noise
from voicelive_agent.emulator.session.effects import ConfigureInput
from voicelive_agent.emulator.session.input.user_turns import FILLER_WORDS
from voicelive_agent.emulator.shell.input_processing import InputProcessor
from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ, Recognizer, SpeechToText, Utterance
from voicelive_agent.emulator.stt.engines import open_stt
from voicelive_agent.emulator.vad import SpeechStarted, SpeechStopped
from voicelive_agent.emulator.vad.end_of_turn_by_words import estimate_completeness
from voicelive_agent.emulator.vad.smart_turn import (
    SILENCE_MS,
    SmartTurn,
    open_end_of_turn,
    weigh_opinions,
)
from voicelive_agent.emulator.vad.voice_activity import VoiceActivities
from voicelive_agent.wire.audio.formats import AudioFormat
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
CALLERS = ("heart", "heart-deep")
"""Voices of hibari that sound like people to smart-turn, as the older ones' do not."""
_BYTES_PER_MS = SAMPLE_RATE_HZ * 2 // 1000
_PIECE_BYTES = 20 * _BYTES_PER_MS
_CONFIGURED = ConfigureInput(
    format=AudioFormat("pcm16", SAMPLE_RATE_HZ),
    channels=1,
    turn_detection=None,
    language="en-US",
    phrases=(),
    noise_reduction=None,
    echo_cancellation=None,
)
SpeechEvent = SpeechStarted | SpeechStopped


@dataclass(slots=True)
class FoundTurn:
    """Where a turn began and ended, and how much was heard when it had; ms of the recording."""

    start_ms: int
    utterance: Utterance | None
    end_ms: float | None = None
    decided_ms: float | None = None


class TurnFinder:
    """Turns of a recording as a session finds them, which asks after each pause what was said."""

    def __init__(self, stt: SpeechToText, activities: VoiceActivities) -> None:
        self.stt = stt
        self._activities = activities

    async def find_turns(
        self, pcm: bytes, detection: Mapping[str, Any], model: SmartTurn | None = None
    ) -> list[FoundTurn]:
        processor = InputProcessor(self._activities.open(), may_shorten=model is not None)
        wanted = parse_turn_detection(detection)
        processor.configure(replace(_CONFIGURED, turn_detection=wanted))
        recognizer = self.stt.open_recognizer()
        turns: list[FoundTurn] = []
        for at in range(0, len(pcm), _PIECE_BYTES):
            heard = pcm[: at + _PIECE_BYTES]
            judged = processor.judge(heard[at:], b"", False)
            if turns and turns[-1].utterance is not None:
                turns[-1].utterance.feed(judged.pcm)
            while True:
                for event in judged.events:
                    self._follow(event, heard, recognizer, turns)
                if not judged.is_asking:
                    break
                completeness = await _estimate(turns[-1], heard, judged.quiet_since_ms, model)
                judged = processor.weigh(completeness, False)
        await recognizer.close()
        return turns

    def _follow(
        self, event: SpeechEvent, heard: bytes, recognizer: Recognizer, turns: list[FoundTurn]
    ) -> None:
        if isinstance(event, SpeechStarted):
            utterance = recognizer.begin(lambda text: None)
            utterance.feed(heard[event.audio_start_ms * _BYTES_PER_MS :])
            turns.append(FoundTurn(event.audio_start_ms, utterance))
            return
        turn = turns[-1]
        if turn.utterance is not None:
            turn.utterance.discard()
        turn.utterance = None
        turn.end_ms, turn.decided_ms = event.audio_end_ms, len(heard) / _BYTES_PER_MS


async def _estimate(
    turn: FoundTurn, heard: bytes, quiet_since_ms: int | None, model: SmartTurn | None
) -> float | None:
    """As ``shell/input_audio.py`` does it."""
    text = await turn.utterance.text_so_far() if turn.utterance is not None else ""
    if model is None:
        return estimate_completeness(text)
    end_ms = len(heard) // _BYTES_PER_MS
    if quiet_since_ms is not None:
        end_ms = min(end_ms, quiet_since_ms + SILENCE_MS)
    said = heard[turn.start_ms * _BYTES_PER_MS : end_ms * _BYTES_PER_MS]
    return weigh_opinions(estimate_completeness(text), model.estimate(said))


@functools.cache
def say_as_caller(text: str, voice: str) -> bytes:
    """By a voice of hibari, PCM16 at 16 kHz without silence around it."""
    pcm = synthesise(text, voice)
    start_ms, end_ms = audible_span_ms(pcm)
    samples = np.frombuffer(pcm, "<i2")[round(start_ms * 24) : round(end_ms * 24)]
    return bytes(soxr.resample(samples, 24_000, SAMPLE_RATE_HZ).astype("<i2").tobytes())


SERVER = {"type": "server_vad", "silence_duration_ms": 500}
SEMANTIC = {"type": "azure_semantic_vad", "silence_duration_ms": 500}


async def measure_cuts(finder: TurnFinder, voices: Iterable[str]) -> None:
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
            broken = [
                say_as_caller(start, voice) + silence(pause_ms) + say_as_caller(end, voice)
                for voice in voices
                for start, end in PAUSES
            ]
            found = [
                await finder.find_turns(
                    with_noise(silence(500) + pcm + silence(2500)), detection, judge
                )
                for pcm in broken
            ]
            cut = sum(len(turns) > 1 for turns in found)
            cells.append(f"{cut:>5}/{len(broken):<3}  ")
        waits_ms: list[float] = []
        for voice in voices:
            for sentence in SENTENCES:
                speech = silence(500) + say_as_caller(sentence, voice)
                turns = await finder.find_turns(
                    with_noise(speech + silence(2500)), detection, judge
                )
                ended = [turn.decided_ms for turn in turns if turn.decided_ms is not None]
                waits_ms += [ms - len(speech) / _BYTES_PER_MS for ms in ended[-1:]]
        print(f"  {name:18}" + "".join(cells) + describe(waits_ms))


async def measure_ends(finder: TurnFinder, voices: Iterable[str]) -> bool:
    """How near to the truth turns begin and end; whether that is near enough."""
    starts_ms: list[float] = []
    ends_ms: list[float] = []
    extra = 0
    for voice in voices:
        for number, sentence in enumerate(SENTENCES):
            speech = say(sentence, voice)
            lead_ms = 700 + number
            pcm = with_noise(silence(lead_ms) + speech + silence(2500))
            turns = await finder.find_turns(pcm, SEMANTIC | {"prefix_padding_ms": 0})
            if len(turns) != 1 or turns[0].end_ms is None:
                extra += 1
                continue
            starts_ms.append(abs(turns[0].start_ms - lead_ms))
            ends_ms.append(abs(turns[0].end_ms - lead_ms - len(speech) / _BYTES_PER_MS))
    print("\nWhere turns begin and end: distance from the truth, ms")
    print(f"  audio_start_ms  {describe(starts_ms)}\n  audio_end_ms    {describe(ends_ms)}")
    print(f"  sentences that were no turn, or several: {extra} of {len(ends_ms) + extra}")
    return max(percentile(starts_ms, 95), percentile(ends_ms, 95)) <= OFFSET_GOAL_MS


async def measure_noise(finder: TurnFinder, voices: Iterable[str], seconds: int) -> int:
    """Turns that begin without speech, and murmurs that are heard as more than murmurs."""
    print(f"\nFalse starts in {seconds} s of noise each")
    starts = 0
    for name, pcm in noises(seconds).items():
        counts = [len(await finder.find_turns(pcm, detection)) for detection in (SERVER, SEMANTIC)]
        starts += sum(counts)
        print(f"  {name:10} server_vad {counts[0]}   azure_semantic_vad {counts[1]}")
    print("\nBackchannels, and how many of them are heard as filler words alone")
    for word in BACKCHANNELS:
        started, fillers, total = 0, 0, 0
        for voice in voices:
            pcm = with_noise(silence(500) + say(word, voice) + silence(1000))
            total += 1
            started += len(await finder.find_turns(pcm, SEMANTIC))
            recognizer = finder.stt.open_recognizer()
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
        finder = TurnFinder(stt, activities)
        good = await measure_ends(finder, voices)
        await measure_cuts(finder, CALLERS[:1] if quick else CALLERS)
        return await measure_noise(finder, voices, 10 if quick else 60) == 0 and good
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
