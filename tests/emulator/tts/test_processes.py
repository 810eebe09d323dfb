"""Engines in processes: streaming, stopping, crashing, hanging, and more clauses than processes."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from voicelive_agent.emulator.tts import TtsError
from voicelive_agent.emulator.tts.processes import EngineProcesses, Frame


@contextlib.asynccontextmanager
async def odd_engine(count: int = 1, **arguments: Any) -> AsyncIterator[EngineProcesses]:
    options = arguments.pop("options", {})
    processes = EngineProcesses(
        "tests.emulator.tts.odd_engine", options, count, name="odd", **arguments
    )
    await processes.start()
    try:
        yield processes
    finally:
        await processes.stop()


async def collect(processes: EngineProcesses, text: str) -> list[Frame]:
    return [frame async for frame in processes.speak(text, {})]


async def test_audio_and_marks_come_back() -> None:
    async with odd_engine() as processes:
        assert processes.sample_rate_hz == 8000
        assert await collect(processes, "Grüße 😀") == [
            Frame("Grüße 😀".encode(), ((0, 0),), (("h", 0), ("", 5)))
        ]
        assert await collect(processes, "x") == [Frame(b"x", ((0, 0),), (("h", 0), ("", 5)))]


async def test_closing_stops_the_engine_and_frees_its_process_at_once() -> None:
    async with odd_engine() as processes:
        async with aclosing(processes.speak("endless", {})) as frames:
            assert (await anext(frames)).pcm == b"ab"
        async with asyncio.timeout(5):
            assert await collect(processes, "next")


async def test_a_cancelled_listener_frees_its_process_too() -> None:
    async with odd_engine() as processes:
        began = asyncio.Event()

        async def listen() -> None:
            async with aclosing(processes.speak("endless", {})) as frames:
                async for _ in frames:
                    began.set()

        task = asyncio.create_task(listen())
        await began.wait()
        waiting = asyncio.create_task(collect(processes, "never begun"))
        await asyncio.sleep(0)
        waiting.cancel()
        task.cancel()
        await asyncio.gather(task, waiting, return_exceptions=True)
        async with asyncio.timeout(5):
            assert await collect(processes, "next")


async def test_a_crash_fails_its_clause_and_the_next_has_a_new_process() -> None:
    async with odd_engine() as processes:
        before = processes.about["pid"]
        for _ in range(2):
            with pytest.raises(TtsError, match="crashed"):
                await collect(processes, "crash")
        assert (await collect(processes, "again"))[0].pcm == b"again"
        assert processes.about["pid"] != before


async def test_a_process_that_dies_while_nobody_speaks_is_replaced() -> None:
    async with odd_engine() as processes:
        pid = processes.about["pid"]
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(30):
            while processes.about["pid"] == pid:
                await asyncio.sleep(0.01)
        assert (await collect(processes, "again"))[0].pcm == b"again"


async def test_processes_that_died_while_idle_cost_no_clause() -> None:
    async with odd_engine(count=2) as processes:
        for worker in processes._workers:
            os.kill(worker.about["pid"], signal.SIGKILL)
        assert (await collect(processes, "again"))[0].pcm == b"again"


async def test_nothing_is_asked_of_a_process_that_is_being_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After one vain start, a clause went to the process of the next, and was lost with it.

    The caller heard nothing for half a minute, until the clause was given up.
    """
    async with odd_engine() as processes:
        (worker,) = processes._workers
        spawn, starts, begun = worker._spawn, 0, asyncio.Event()

        async def fail_twice() -> None:
            nonlocal starts
            starts += 1
            if starts == 1:
                raise TtsError("too early")
            starting = asyncio.create_task(spawn())
            if starts == 2:
                while worker._process is None:
                    await asyncio.sleep(0)
                begun.set()
                for _ in range(10):
                    await asyncio.sleep(0)
                worker.kill()
            await starting

        monkeypatch.setattr(worker, "_spawn", fail_twice)
        worker.kill()
        await begun.wait()
        async with asyncio.timeout(20):
            with contextlib.suppress(TtsError):
                await collect(processes, "now")
            while starts < 3:
                await asyncio.sleep(0.01)
            assert (await collect(processes, "again"))[0].pcm == b"again"


async def test_a_hanging_engine_is_given_up_and_replaced() -> None:
    async with odd_engine(frame_timeout_s=0.2) as processes:
        with pytest.raises(TtsError, match=r"nothing for 0\.2 s"):
            await collect(processes, "hang")
    async with odd_engine() as processes:
        assert await collect(processes, "fine")


async def test_an_error_of_the_engine_fails_its_clause_alone() -> None:
    async with odd_engine() as processes:
        with pytest.raises(TtsError, match="odd text"):
            await collect(processes, "raise")
        assert await collect(processes, "fine")


async def test_an_engine_that_does_not_start_says_why() -> None:
    with pytest.raises(TtsError, match="no such voice here"):
        async with odd_engine(options={"fails_to_start": "no such voice here"}):
            pass
    with pytest.raises(TtsError, match="missing_engine"):
        await EngineProcesses("voicelive_agent.emulator.tts.missing_engine", {}, 1).start()


async def test_a_reader_that_is_slow_holds_no_process() -> None:
    async with odd_engine() as processes, aclosing(processes.speak("flood", {})) as slow:
        await anext(slow)
        async with asyncio.timeout(20):
            assert await collect(processes, "quick")
        assert len([frame async for frame in slow]) == 1999


async def test_more_clauses_than_processes_all_get_their_turn(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    async with odd_engine(count=2, options={"starts_file": str(starts)}) as processes:
        texts = [f"text {number}" for number in range(40)]
        spoken = await asyncio.gather(*(collect(processes, text) for text in texts))
    assert [frames[0].pcm.decode() for frames in spoken] == texts
    assert starts.read_text() == "xx"


async def test_an_endless_clause_does_not_hold_the_other_process() -> None:
    async with (
        odd_engine(count=2) as processes,
        aclosing(processes.speak("endless", {})) as endless,
    ):
        await anext(endless)
        async with asyncio.timeout(5):
            for _ in range(5):
                assert await collect(processes, "quick")


async def test_stopping_ends_whoever_listens() -> None:
    processes = EngineProcesses("tests.emulator.tts.odd_engine", {}, 1)
    await processes.start()
    frames = processes.speak("endless", {})
    await anext(frames)
    await processes.stop()
    with pytest.raises(TtsError, match="stopped"):
        async for _ in frames:
            pass


async def test_engines_end_with_the_emulator_even_if_it_is_killed() -> None:
    """A process that outlived its parent would go on for ever, one for each crash of it."""
    code = (
        "import asyncio, os\n"
        "from voicelive_agent.emulator.tts.processes import EngineProcesses\n"
        "async def main():\n"
        "    processes = EngineProcesses('tests.emulator.tts.odd_engine', {}, 1)\n"
        "    await processes.start()\n"
        "    frames = processes.speak('endless', {})\n"
        "    await anext(frames)\n"
        "    print(processes.about['pid'], flush=True)\n"
        "    os._exit(9)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await parent.communicate()
    pid = int(output)
    async with asyncio.timeout(20):
        while _is_alive(pid):
            await asyncio.sleep(0.02)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    # Where nobody collects orphans, one that has ended stays as a zombie.
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
