import asyncio

from hypothesis import given
from hypothesis import strategies as st

from tests.virtual_time import run_virtual
from voicelive_agent.emulator.shell.clock import PAUSE_MS, SessionClock

PIECES = st.lists(st.tuples(st.floats(0, 3000), st.floats(0, 3000)), max_size=30)
"""How long after the one before each comes, and how long it is, in ms."""
ROUNDING_MS = 0.01


def ignore(name: str) -> None:
    """No timer matters here."""


async def test_audio_at_real_time_stands_where_it_arrived() -> None:
    clock = SessionClock(ignore)
    start = clock.place_audio(0, 20, clock.now_ms())
    assert clock.place_audio(20, 40, clock.now_ms()) == start + 20
    assert start + 40 <= clock.now_ms() < start + 140


async def test_a_whole_file_at_once_moves_the_clock_to_its_end() -> None:
    clock = SessionClock(ignore)
    clock.place_audio(0, 60_000, clock.now_ms())
    assert 60_000 <= clock.now_ms() < 61_000
    clock.place_audio(60_000, 120_000, clock.now_ms())
    assert 120_000 <= clock.now_ms() < 121_000


async def test_the_clock_goes_on_from_there() -> None:
    clock = SessionClock(ignore)
    clock.place_audio(0, 5000, clock.now_ms())
    before = clock.now_ms()
    await asyncio.sleep(0.02)
    assert clock.now_ms() >= before + 15


async def test_a_pause_of_the_client_is_a_gap_and_not_a_debt() -> None:
    clock = SessionClock(ignore)
    clock.place_audio(0, 20, clock.now_ms())
    clock.set_timer("away", 0)
    # As if the client had been mute for a while.
    clock._zero_s -= 2 * PAUSE_MS / 1000
    at_ms = clock.place_audio(20, 5020, clock.now_ms())
    assert at_ms >= 2 * PAUSE_MS
    assert clock.now_ms() >= at_ms + 5000


async def test_audio_that_waited_stands_where_it_was_said() -> None:
    """Audio was placed when it was judged: while an echo canceller took two seconds to load, what
    the person heard meanwhile and what they said came to stand two seconds apart, and the answer
    interrupted itself by its own echo.
    """
    clock = SessionClock(ignore)
    arrived_ms = clock.now_ms()
    clock._zero_s -= 2 * PAUSE_MS / 1000
    assert clock.place_audio(0, 20, arrived_ms) == arrived_ms
    assert clock.place_audio(20, 40, arrived_ms + 20) == arrived_ms + 20


@given(PIECES)
def test_however_audio_comes_it_stands_in_order_and_the_clock_never_goes_back(
    pieces: list[tuple[float, float]],
) -> None:
    async def main() -> None:
        clock = SessionClock(ignore)
        end_ms = stands_to_ms = last_ms = 0.0
        for gap_ms, length_ms in pieces:
            await asyncio.sleep(gap_ms / 1000)
            arrived_ms = clock.now_ms()
            assert arrived_ms >= last_ms
            at_ms = clock.place_audio(end_ms, end_ms + length_ms, arrived_ms)
            last_ms = clock.now_ms()
            assert at_ms >= stands_to_ms - ROUNDING_MS
            assert arrived_ms - at_ms <= PAUSE_MS + ROUNDING_MS
            end_ms, stands_to_ms = end_ms + length_ms, at_ms + length_ms
            assert last_ms >= stands_to_ms - ROUNDING_MS

    run_virtual(main())


@given(st.floats(0, 3 * PAUSE_MS), st.integers(1, 200))
def test_a_stall_moves_the_clock_once_and_by_no_more_than_it_took(
    stall_ms: float, behind: int
) -> None:
    """What was said during the stall comes in a burst, and what follows in real time again."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        clock = SessionClock(ignore)
        piece_ms, sent = 20, 0

        def hear() -> float:
            """The next piece; how far it stands from where it arrived."""
            nonlocal sent
            arrived_ms = clock.now_ms()
            at_ms = clock.place_audio(sent * piece_ms, (sent + 1) * piece_ms, arrived_ms)
            sent += 1
            return at_ms + piece_ms - arrived_ms

        hear()
        await asyncio.sleep(stall_ms / 1000)
        while sent * piece_ms < stall_ms:
            hear()
        for _ in range(behind):
            await asyncio.sleep(piece_ms / 1000)
            assert abs(hear()) <= piece_ms + ROUNDING_MS
        moved_ms = clock.now_ms() - loop.time() * 1000
        assert moved_ms <= (stall_ms if stall_ms > PAUSE_MS else 0) + 2 * piece_ms

    run_virtual(main())


async def test_timers_run_on_this_clock() -> None:
    expired: list[str] = []
    clock = SessionClock(expired.append)
    clock.set_timer("late", 60_000)
    clock.set_timer("soon", 30_000)
    clock.set_timer("cleared", 10_000)
    clock.clear_timer("cleared")
    clock.place_audio(0, 70_000, clock.now_ms())
    assert expired == ["soon", "late"]


async def test_timers_run_without_audio_too() -> None:
    expired = asyncio.Queue[str]()
    clock = SessionClock(expired.put_nowait)
    clock.set_timer("a", 5)
    assert await asyncio.wait_for(expired.get(), 5) == "a"
    clock.set_timer("b", 5)
    clock.set_timer("b", 20)
    assert await asyncio.wait_for(expired.get(), 5) == "b"
    clock.set_timer("c", 5)
    clock.stop()
    await asyncio.sleep(0.02)
    assert expired.empty()


async def test_what_a_timer_sets_off_may_set_and_clear_others() -> None:
    expired: list[str] = []

    def on_expired(name: str) -> None:
        expired.append(name)
        clock.clear_timer("b")
        clock.set_timer("c", 0)

    clock = SessionClock(on_expired)
    clock.set_timer("a", 1000)
    clock.set_timer("b", 1000)
    clock.place_audio(0, 2000, clock.now_ms())
    assert expired == ["a"]
