import itertools
from dataclasses import dataclass, field

import numpy as np
import pytest

from voicelive_agent.emulator.shell.clock import SessionClock
from voicelive_agent.emulator.watch.client_playback import ClientPlayback, PlaybackListener
from voicelive_agent.wire.audio.streams import Encoder


class Heard:
    """Somebody who listens."""

    def __init__(self) -> None:
        self.pieces: list[tuple[float, bytes]] = []
        self.stopped_ms: list[float] = []

    def listen(self, rate_hz: int) -> PlaybackListener:
        return PlaybackListener(
            rate_hz,
            lambda at_ms, pcm: self.pieces.append((at_ms, pcm)),
            self.stopped_ms.append,
        )


def ignore(name: str) -> None:
    """No timer matters here."""


def tone(ms: int, rate_hz: int) -> bytes:
    samples = 8000 * np.sin(np.arange(rate_hz * ms // 1000) * 0.1)
    return bytes(samples.astype("<i2").tobytes())


async def test_audio_is_played_piece_after_piece_however_early_it_comes() -> None:
    client_playback, heard = ClientPlayback(SessionClock(ignore).now_ms), Heard()
    client_playback.connect(heard.listen(24_000))
    for _ in range(3):
        client_playback.play("resp_1", "item_1", "pcm16", tone(500, 24_000))
    starts = [round(at_ms - heard.pieces[0][0]) for at_ms, _ in heard.pieces]
    assert starts == [0, 500, 1000]
    assert heard.pieces[1][1] == tone(500, 24_000)


async def test_each_listener_gets_its_own_rate() -> None:
    client_playback, low, high = (
        ClientPlayback(SessionClock(ignore).now_ms),
        Heard(),
        Heard(),
    )
    client_playback.connect(low.listen(16_000))
    client_playback.connect(high.listen(24_000))
    for _ in range(10):
        client_playback.play("resp_1", "item_1", "g711_ulaw", bytes([0x80, 0x00] * 400))
    for heard, bytes_per_ms in ((low, 32), (high, 48)):
        assert abs(sum(len(pcm) for _, pcm in heard.pieces) / bytes_per_ms - 1000) < 100
        # Nothing overlaps, and there is no gap.
        for (at_ms, pcm), (next_ms, _) in itertools.pairwise(heard.pieces):
            assert abs(at_ms + len(pcm) / bytes_per_ms - next_ms) < 0.1


async def test_an_answer_in_another_format_follows_the_one_before() -> None:
    client_playback, heard = ClientPlayback(SessionClock(ignore).now_ms), Heard()
    client_playback.connect(heard.listen(24_000))
    client_playback.play("resp_1", "item_1", "pcm16", tone(500, 24_000))
    client_playback.play("resp_2", "item_2", "pcm16_8000hz", tone(500, 8_000))
    (first_ms, first), (second_ms, second) = heard.pieces
    assert round(second_ms - first_ms) == len(first) / 48 == 500
    assert abs(len(second) / 48 - 500) < 120


@pytest.mark.parametrize(
    "output_format", ["g711_ulaw", "g711_alaw", "pcm16_8000hz", "pcm16_44100hz", "pcm16"]
)
async def test_the_end_of_an_answer_is_played_too(output_format: str) -> None:
    """A resampler looks ahead: recordings of 8 kHz answers ended up to 72 ms too early."""
    encoder = Encoder(output_format, 24_000)
    answer = encoder.encode(tone(1000, 24_000)) + encoder.finish()
    assert encoder.duration_ms(answer) == pytest.approx(1000, abs=1)
    client_playback, heard = ClientPlayback(SessionClock(ignore).now_ms), Heard()
    client_playback.connect(heard.listen(24_000))
    size = encoder.format.size_bytes(90)
    for start in range(0, len(answer), size):
        client_playback.play("resp_1", "item_1", output_format, answer[start : start + size])
    client_playback.finish()
    played = np.frombuffer(b"".join(pcm for _, pcm in heard.pieces), np.int16).astype(int)
    assert len(played) == pytest.approx(24_000, abs=24)
    # Its last samples are loud, and no step between two is larger than the end of a sound at 8 kHz.
    assert np.abs(played[-100:]).max() > 6000
    assert np.abs(np.diff(played)).max() < 2500
    assert heard.pieces[-1][0] + len(heard.pieces[-1][1]) / 48 - heard.pieces[0][0] == (
        pytest.approx(1000, abs=1)
    )


async def test_an_answer_that_pauses_is_whole_before_its_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was held back came out behind the pause, and what followed stood that much too late."""
    clock, now_ms = SessionClock(ignore), [0.0]
    monkeypatch.setattr(clock, "now_ms", lambda: now_ms[0])
    client_playback, heard = ClientPlayback(clock.now_ms), Heard()
    client_playback.connect(heard.listen(24_000))
    client_playback.play("resp_1", "item_1", "pcm16_8000hz", tone(500, 8_000))
    now_ms[0] = 3000.0
    client_playback.play("resp_1", "item_1", "pcm16_8000hz", tone(500, 8_000))
    client_playback.finish()
    before = [(at_ms, pcm) for at_ms, pcm in heard.pieces if at_ms < 1000]
    after = [(at_ms, pcm) for at_ms, pcm in heard.pieces if at_ms >= 1000]
    assert (before[0][0], after[0][0]) == (0, 3000)
    for part in (before, after):
        assert sum(len(pcm) for _, pcm in part) / 48 == pytest.approx(500, abs=1)


async def test_what_comes_after_a_barge_in_is_not_played_behind_what_it_cut() -> None:
    clock = SessionClock(ignore)
    client_playback, heard = ClientPlayback(clock.now_ms), Heard()
    client_playback.connect(heard.listen(24_000))
    client_playback.play("resp_1", "item_1", "pcm16", tone(60_000, 24_000))
    client_playback.stop()
    client_playback.play("resp_2", "item_2", "pcm16", tone(100, 24_000))
    assert len(heard.stopped_ms) == 1
    assert heard.pieces[1][0] < 5000


@dataclass
class Played:
    """A playback whose clock is ``now_ms``, heard at 24 kHz."""

    now_ms: float = 0.0
    heard: Heard = field(default_factory=Heard)
    playback: ClientPlayback = field(init=False)

    def __post_init__(self) -> None:
        self.playback = ClientPlayback(lambda: self.now_ms)
        self.playback.connect(self.heard.listen(24_000))

    def play(self, number: int, ms: int) -> None:
        self.playback.play(f"resp_{number}", f"item_{number}", "pcm16", tone(ms, 24_000))


def test_what_the_client_says_that_it_played_ends_the_answer_there() -> None:
    """A client's ``conversation.item.truncate`` was not told to the loudspeaker's model: after one
    at 1200 ms the recording went on to 8570, and so did the reference of the echo canceller.
    """
    one = Played()
    one.play(1, 8000)
    one.now_ms = 1250
    assert one.playback.stop_item("item_1", 1200) == "resp_1"
    assert one.heard.stopped_ms == [1200]
    one.play(2, 500)
    assert one.heard.pieces[-1][0] == 1250


def test_an_answer_that_paused_is_cut_where_its_sound_was() -> None:
    one = Played()
    one.play(1, 500)
    one.now_ms = 2000
    one.play(1, 500)
    one.now_ms = 2400
    assert one.playback.stop_item("item_1", 700) == "resp_1"
    assert one.heard.stopped_ms == [2200]


def test_a_cut_drops_what_waits_behind_it() -> None:
    one = Played()
    one.play(1, 1000)
    one.play(2, 1000)
    one.now_ms = 300
    assert one.playback.stop_item("item_1", 300) == "resp_1"
    one.now_ms = 400
    one.play(3, 100)
    assert one.heard.pieces[-1][0] == 400


def test_an_old_answer_that_is_cut_late_leaves_the_one_that_plays() -> None:
    one = Played()
    one.play(1, 1000)
    one.now_ms = 1500
    one.play(2, 1000)
    assert one.playback.stop_item("item_1", 300) is None
    assert one.playback.stop_item("item_9", 300) is None
    assert one.heard.stopped_ms == []


def test_an_answer_that_was_played_to_its_end_is_not_cut() -> None:
    one = Played()
    one.play(1, 1000)
    one.now_ms = 900
    assert one.playback.stop_item("item_1", 1000) is None


def test_a_client_corrects_where_a_barge_in_cut() -> None:
    """Its own count is the truth: the session's estimate may be off by half a second."""
    one = Played()
    one.play(1, 3000)
    one.now_ms = 1000
    one.playback.stop()
    assert one.playback.stop_item("item_1", 1000) is None
    assert one.playback.stop_item("item_1", 640) == "resp_1"
    assert one.heard.stopped_ms == [1000, 640]


def test_what_comes_of_an_answer_after_its_cut_is_not_played() -> None:
    one = Played()
    one.play(1, 1000)
    one.now_ms = 300
    one.playback.stop_item("item_1", 250)
    one.play(1, 1000)
    assert len(one.heard.pieces) == 1


async def test_who_has_left_hears_nothing() -> None:
    client_playback, heard = ClientPlayback(SessionClock(ignore).now_ms), Heard()
    listening = heard.listen(24_000)
    client_playback.connect(listening)
    client_playback.disconnect(listening)
    client_playback.play("resp_1", "item_1", "pcm16", tone(100, 24_000))
    client_playback.stop()
    assert heard.pieces == []
    assert heard.stopped_ms == []
