import array
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.client.sound.devices import Played
from voicelive_agent.client.sound.playback import Playback

RATE_HZ = 24_000
BYTES_PER_MS = 48


def sound(ms: int, value: int = 1) -> bytes:
    return array.array("h", [value] * (ms * BYTES_PER_MS // 2)).tobytes()


def test_plays_items_in_the_order_of_writing_and_fills_up_with_silence() -> None:
    playback = Playback(RATE_HZ)
    playback.write("a", 0, sound(10, 1))
    playback.write("b", 0, sound(10, 2))
    assert playback.read(30 * BYTES_PER_MS) == sound(10, 1) + sound(10, 2) + sound(10, 0)
    assert playback.played("a", 0) == Played("a", 0, 10)
    assert playback.played("b", 0) == Played("b", 0, 10)


def test_cut_drops_the_rest_of_the_packet_that_is_playing() -> None:
    playback = Playback(RATE_HZ)
    playback.write("a", 1, sound(100))
    playback.read(20 * BYTES_PER_MS)
    assert playback.cut() == Played("a", 1, 20)
    assert playback.read(20 * BYTES_PER_MS) == sound(20, 0)
    assert playback.queued_ms == 0


def test_cut_before_the_first_sample_was_heard_says_zero() -> None:
    playback = Playback(RATE_HZ)
    playback.write("a", 0, sound(100))
    assert playback.cut() == Played("a", 0, 0)


def test_cut_of_nothing_is_nothing() -> None:
    playback = Playback(RATE_HZ)
    playback.write("a", 0, sound(20))
    playback.read(20 * BYTES_PER_MS)
    assert playback.cut() is None
    assert playback.played("a", 0).played_ms == 20


def test_tells_the_first_sample_of_each_item_once() -> None:
    begun: list[str] = []
    playback = Playback(RATE_HZ, begun.append)
    playback.write("a", 0, b"")
    playback.read(BYTES_PER_MS)
    assert begun == []
    playback.write("a", 0, sound(2))
    playback.write("b", 0, sound(2))
    playback.read(BYTES_PER_MS)
    playback.read(BYTES_PER_MS)
    assert begun == ["a"]
    playback.read(BYTES_PER_MS)
    playback.write("b", 0, sound(2))
    playback.read(9 * BYTES_PER_MS)
    assert begun == ["a", "b"]


def test_a_sample_split_between_packets_stays_whole() -> None:
    """A delta of an odd length shifted all that followed by a byte: loud noise until the end."""
    playback = Playback(RATE_HZ)
    speech = array.array("h", range(100)).tobytes()
    playback.write("a", 0, speech[:51])
    playback.write("a", 0, speech[51:])
    assert playback.read(len(speech)) == speech


def test_half_a_sample_at_the_end_of_an_item_does_not_shift_the_next() -> None:
    playback = Playback(RATE_HZ)
    playback.write("a", 0, sound(1) + b"\x07")
    playback.write("b", 0, sound(1, 2))
    assert playback.read(2 * BYTES_PER_MS) == sound(1) + sound(1, 2)


WRITES = st.tuples(st.sampled_from("abc"), st.integers(0, 1), st.integers(0, 400))
STEPS = st.lists(st.one_of(WRITES, st.integers(0, 300).map(lambda n: n * 2), st.just("cut")))


@given(STEPS)
def test_always_true(steps: Sequence[tuple[str, int, int] | int | str]) -> None:
    """Whatever is written, read and cut: what is heard is a prefix of what was written since the
    cut, in order, and no position goes beyond what was written."""
    playback = Playback(RATE_HZ)
    written: dict[tuple[str, int], int] = {}
    expected = bytearray()
    for number, step in enumerate(steps):
        if isinstance(step, tuple):
            item_id, content_index, samples = step
            pcm = array.array("h", [number % 32767 + 1] * samples).tobytes()
            playback.write(item_id, content_index, pcm)
            expected += pcm
            key = (item_id, content_index)
            written[key] = written.get(key, 0) + len(pcm)
        elif isinstance(step, int):
            heard = playback.read(step)
            assert len(heard) == step
            assert heard == bytes(expected[:step]).ljust(step, b"\0")
            del expected[:step]
        else:
            cut = playback.cut()
            assert (cut is None) == (not expected)
            expected.clear()
        assert playback.queued_bytes == len(expected)
        for (item_id, content_index), size in written.items():
            assert playback.played(item_id, content_index).played_ms <= size / BYTES_PER_MS
