"""Input audio as it is computed on: turns on the timeline of all that was received."""

import dataclasses

import pytest

from tests.emulator.conversing import Desk, loud, quiet
from voicelive_agent.emulator.session.effects import ConfigureInput
from voicelive_agent.emulator.shell.input_processing import InputProcessor, Judged
from voicelive_agent.emulator.vad import SpeechStarted, SpeechStopped
from voicelive_agent.wire.audio.formats import AudioFormat
from voicelive_agent.wire.voice_live.turn_detection import ServerVad

TURNS = ServerVad(type="server_vad", prefix_padding_ms=0)
CONFIGURED = ConfigureInput(
    format=AudioFormat("pcm16", 24_000),
    channels=1,
    turn_detection=TURNS,
    language="en-US",
    phrases=(),
    noise_reduction=None,
    echo_cancellation=None,
)
FRAME_MS = 32


async def open_processor() -> InputProcessor:
    return InputProcessor(Desk().engines.open_voice_activity(), may_shorten=False)


def judge(processor: InputProcessor, wire: bytes, *, is_playing: bool = False) -> list[Judged]:
    return [processor.judge(piece, b"", is_playing) for piece in processor.cut(wire)]


def events(found: list[Judged]) -> list[SpeechStarted | SpeechStopped]:
    return [event for judged in found for event in judged.events]


async def test_turns_are_told_on_the_timeline_also_where_detection_began_late() -> None:
    """Detection that is turned on counts from its first frame; the session counts from byte 0."""
    processor = await open_processor()
    processor.configure(dataclasses.replace(CONFIGURED, turn_detection=None))
    assert events(judge(processor, loud(3000))) == []
    processor.configure(CONFIGURED)
    found = events(judge(processor, quiet(1000) + loud(1000) + quiet(1000)))
    assert [type(event) for event in found] == [SpeechStarted, SpeechStopped]
    started, stopped = found
    assert isinstance(started, SpeechStarted)
    assert isinstance(stopped, SpeechStopped)
    assert abs(started.audio_start_ms - 4000) <= 2 * FRAME_MS
    assert abs(stopped.audio_end_ms - 5000) <= 2 * FRAME_MS


@pytest.mark.parametrize("piece_ms", [5, 20, 100])
async def test_a_turn_ends_with_the_piece_that_completes_its_silence(piece_ms: int) -> None:
    """It waited for the end of a frame of 32 ms, which pieces of 20 ms don't end with."""
    for lead_ms in (500, 510, 520):
        processor = await open_processor()
        processor.configure(CONFIGURED)
        judge(processor, quiet(lead_ms) + loud(960))
        heard_ms = 0
        found: list[SpeechStarted | SpeechStopped] = []
        while not found and heard_ms < 1000:
            heard_ms += piece_ms
            found = events(judge(processor, quiet(piece_ms)))
        (stopped,) = found
        assert isinstance(stopped, SpeechStopped)
        silence_ms = lead_ms + 960 + heard_ms - stopped.audio_end_ms
        # The resampler holds the last 10 ms back.
        assert TURNS.silence_duration_ms <= silence_ms <= 512 + piece_ms


async def test_speech_must_last_longer_only_while_an_answer_is_played() -> None:
    detection = ServerVad.model_validate(
        {"type": "server_vad", "speech_duration_assistant_speaking_ms": 800}
    )
    for is_playing, starts in ((False, 1), (True, 0)):
        processor = await open_processor()
        processor.configure(dataclasses.replace(CONFIGURED, turn_detection=detection))
        found = events(judge(processor, quiet(500) + loud(500), is_playing=is_playing))
        assert len(found) == starts


async def test_all_audio_that_came_in_comes_out_as_the_recogniser_takes_it() -> None:
    processor = await open_processor()
    processor.configure(dataclasses.replace(CONFIGURED, format=AudioFormat("g711_ulaw", 8_000)))
    found = judge(processor, bytes([0xFF]) * 8_000)
    given_ms = sum(len(judged.pcm) for judged in found) / 32
    # The resampler holds the end back until more audio comes.
    assert 900 < given_ms <= 1000
    assert processor.received_ms == given_ms
