from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.shell.input_timeline import InputTimeline

MS = 32


def pcm(start_ms: int, end_ms: int) -> bytes:
    """Audio in which each ms is different."""
    return b"".join(ms.to_bytes(2, "little") * (MS // 2) for ms in range(start_ms, end_ms))


def test_gives_what_was_said_from_a_moment_on() -> None:
    timeline = InputTimeline(prefix_ms=1000, limit_ms=60_000)
    timeline.add(pcm(0, 70))
    timeline.add(pcm(70, 200))
    assert timeline.since(65) == pcm(65, 200)
    assert timeline.since(200) == b""
    assert timeline.since() == pcm(0, 200)
    assert timeline.end_ms == 200


def test_the_mark_begins_a_new_buffer_and_prefix_padding_reaches_behind_it() -> None:
    timeline = InputTimeline(prefix_ms=50, limit_ms=60_000)
    timeline.add(pcm(0, 100))
    timeline.mark()
    timeline.add(pcm(100, 120))
    assert timeline.since() == pcm(100, 120)
    assert timeline.since(60) == pcm(60, 120)
    assert timeline.mark_ms == 100


@given(
    pieces=st.lists(st.integers(1, 300), min_size=1, max_size=30),
    limit_ms=st.integers(100, 1000),
    prefix_ms=st.integers(0, 500),
)
def test_memory_is_bounded_and_what_is_kept_is_right(
    pieces: list[int], limit_ms: int, prefix_ms: int
) -> None:
    timeline = InputTimeline(prefix_ms, limit_ms)
    end = 0
    for length in pieces:
        timeline.add(pcm(end, end + length))
        end += length
    kept = timeline.since(0)
    assert pcm(0, end).endswith(kept)
    assert min(end, limit_ms) * MS <= len(kept) <= (limit_ms + max(pieces)) * MS
