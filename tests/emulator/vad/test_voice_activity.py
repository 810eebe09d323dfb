"""Real speech through Silero and the turns that come of it, to 50 ms of the truth."""

import itertools
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.speech import mix, needs_flite, noise, say, silence
from tests.emulator.vad.rules import read_rules
from voicelive_agent.emulator.vad import SpeechStarted, SpeechStopped, VoiceActivity
from voicelive_agent.emulator.vad.turn_detector import (
    TurnDetector,
    TurnEvent,
)
from voicelive_agent.emulator.vad.voice_activity import (
    DcRemover,
    Silero,
    SileroNumpy,
    VoiceActivities,
    find_silero,
    load_silero,
)
from voicelive_agent.wire.audio.formats import AudioFormat
from voicelive_agent.wire.audio.streams import Decoder, Encoder

TOLERANCE_MS = 50


def open_numpy() -> VoiceActivity:
    path = find_silero()
    if path is None:
        pytest.skip("voicelive-agent models fetch smart-turn")
    return SileroNumpy(load_silero(path))


DETECTORS = [Silero, open_numpy]


def find_turns(
    pcm: bytes, detector: VoiceActivity | None = None, **wish: object
) -> list[TurnEvent]:
    detector = detector or Silero()
    turns = TurnDetector(read_rules({"prefix_padding_ms": 0, **wish}), detector)
    size = detector.frame_bytes
    frames = [pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size)]
    events = (turns.judge(detector.probability(frame)) for frame in frames)
    return [event for event in events if event is not None]


def in_a_room(*parts: bytes) -> bytes:
    speech = b"".join(parts)
    return mix(speech, noise(len(speech) // 32 + 1, level=5))


@pytest.mark.parametrize("level", [0, 3, 400, 9000, 32767])
def test_the_network_hears_what_the_model_does_on_its_runtime(level: int) -> None:
    """onnxruntime's own work for a frame was larger than the network: a tenth of all that a session
    cost that talks."""
    path = find_silero()
    if path is None:
        pytest.skip("voicelive-agent models fetch smart-turn")
    whole = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    detector = SileroNumpy(load_silero(path))
    state, before = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32)
    rate = np.array(16_000, np.int64)
    for frame in np.random.default_rng(1).integers(-level, level + 1, (40, 512)).astype(np.int16):
        samples = frame.astype(np.float32) / 32768
        heard = np.concatenate([before, samples])[None]
        probability, state = whole.run(None, {"input": heard, "state": state, "sr": rate})
        before = samples[-64:]
        heard_by_itself = detector.probability(frame.tobytes())
        assert heard_by_itself == pytest.approx(float(probability[0, 0]), abs=3e-6)


@needs_flite
@pytest.mark.parametrize("open_detector", DETECTORS)
@pytest.mark.parametrize("voice", ["kal16", "slt", "rms"])
@pytest.mark.parametrize("lead_ms", [1000, 1013, 1023])
def test_turns_begin_and_end_where_speech_does(
    open_detector: Callable[[], VoiceActivity], voice: str, lead_ms: int
) -> None:
    speech = say("i would like to book a table for two on friday", voice)
    pcm = in_a_room(silence(lead_ms), speech, silence(1000))
    started, stopped = find_turns(pcm, open_detector())
    assert isinstance(started, SpeechStarted)
    assert isinstance(stopped, SpeechStopped)
    assert started.audio_start_ms == pytest.approx(lead_ms, abs=TOLERANCE_MS)
    assert stopped.audio_end_ms == pytest.approx(lead_ms + len(speech) / 32, abs=TOLERANCE_MS)


@needs_flite
@pytest.mark.parametrize("word", ["yes", "no", "seven", "cancel"])
def test_a_short_word_is_a_turn(word: str) -> None:
    assert len(find_turns(in_a_room(silence(700), say(word), silence(1000)))) == 2


@pytest.mark.parametrize("open_detector", DETECTORS)
def test_noise_is_no_turn(open_detector: Callable[[], VoiceActivity]) -> None:
    clicks = np.zeros(16_000 * 4, np.int16)
    clicks[:: 16_000 // 3] = 20_000
    for pcm in (silence(4000), noise(4000, level=400), clicks.tobytes()):
        assert find_turns(pcm, open_detector()) == []


@needs_flite
@pytest.mark.parametrize("codec", ["g711_ulaw", "g711_alaw"])
def test_zero_bytes_are_silence_in_g711_too(codec: str) -> None:
    """Clients send zero bytes for silence whatever the format is; in G.711 they decode to a
    large constant, in which a detector saw the turn go on for ever."""
    format = AudioFormat(codec, 8_000)  # type: ignore[arg-type]
    speech = say("what is the weather in seattle")
    encoder = Encoder(format, 16_000)
    wire = encoder.encode(in_a_room(silence(1000), speech)) + encoder.finish() + bytes(12_000)
    decoder, remover = Decoder(format, 16_000), DcRemover()
    pcm = remover.remove(decoder.decode(wire))
    _, stopped = find_turns(pcm)
    assert isinstance(stopped, SpeechStopped)
    assert stopped.audio_end_ms == pytest.approx(1000 + len(speech) / 32, abs=TOLERANCE_MS)


class TestDcRemover:
    def test_a_constant_dies_away(self) -> None:
        pcm = DcRemover().remove(struct.pack("<h", -32124) * 3200)
        assert max(map(abs, np.frombuffer(pcm, "<i2")[1600:].tolist())) <= 1

    def test_speech_stays_as_it_is(self) -> None:
        times = np.arange(16_000) / 16_000
        tone = (8000 * np.sin(2 * np.pi * 200 * times)).astype("<i2")
        heard = np.frombuffer(DcRemover().remove(tone.tobytes()), "<i2")
        assert np.std(heard) == pytest.approx(np.std(tone), rel=0.02)

    def test_it_forgets(self) -> None:
        remover = DcRemover()
        remover.remove(struct.pack("<h", 1000) * 100)
        remover.reset()
        assert remover.remove(bytes(20)) == bytes(20)

    @given(
        samples=st.lists(st.integers(-32768, 32767), max_size=600),
        cuts=st.lists(st.integers(0, 600), max_size=6),
    )
    @settings(max_examples=50)
    def test_cuts_change_nothing(self, samples: list[int], cuts: list[int]) -> None:
        pcm = np.array(samples, "<i2").tobytes()
        edges = [0, *sorted(min(cut, len(samples)) * 2 for cut in cuts), len(pcm)]
        whole, pieces = DcRemover().remove(pcm), DcRemover()
        cut = b"".join(pieces.remove(pcm[start:end]) for start, end in itertools.pairwise(edges))
        difference = np.frombuffer(whole, "<i2").astype(int) - np.frombuffer(cut, "<i2")
        # A sum in another order may round to the neighbour.
        assert np.all(np.abs(difference) <= 1)


class TestEngines:
    @pytest.mark.parametrize("open_detector", DETECTORS)
    def test_a_reset_detector_is_a_new_one(
        self, open_detector: Callable[[], VoiceActivity]
    ) -> None:
        detector = open_detector()
        frame = noise(32, level=3000)
        first = detector.probability(frame)
        detector.probability(noise(32, level=8000, seed=1))
        detector.reset()
        assert detector.probability(frame) == pytest.approx(first, abs=1e-6)

    def test_a_frame_of_another_size_is_refused(self) -> None:
        with pytest.raises(ValueError, match="1024 bytes"):
            open_numpy().probability(bytes(100))

    def test_numpy_is_used_where_the_model_is(self) -> None:
        activities = VoiceActivities()
        installed = find_silero() is not None
        assert (activities.name == "silero (numpy)") is installed
        assert isinstance(activities.open(), SileroNumpy if installed else Silero)

    def test_without_the_model_the_small_engine_judges(self, tmp_path: Path) -> None:
        assert find_silero(tmp_path) is None
        assert isinstance(VoiceActivities(tmp_path).open(), Silero)
