"""Two replicas with Redis beside one, what Redis costs a turn, and a restart while people talk.

    python -m benchmarks.replicas [--seconds 10] [--rounds 3] [--work-ms 40]

A replica is one process on one core, and its agent takes ``--work-ms`` of it for each turn, as
agents with a framework do. Turns of one conversation alternate between the replicas. They are
compared twice: as if each replica had a core to itself (its agent holds the process for so long,
but no core, so that callers and Redis have cores, too, as they would elsewhere), and on the cores
that are here, which two replicas share with callers and Redis: there, what every process uses per
turn, and how much more two busy processes get done here than one, say what the cores allow.

In the restart nginx stands before the replicas, and each conversation counts its own turns.
Exit code 1 for a stream without ``done`` or a lost turn. Last line: the ratio of the rates.
"""

import argparse
import asyncio
import contextlib
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.callers import Caller, Outcome
from benchmarks.peers import Peer, read_cpu_s, start_peer
from tests.replicas.deployment import Deployment, deploy
from tests.server.conversations.backends import RedisServer

CALLERS_PER_REPLICA = 8
TURNS_PER_CONVERSATION = 20


@dataclass(frozen=True, slots=True)
class Rate:
    """What some replicas carried, and CPU per turn."""

    turns_per_s: float
    server_ms: float
    redis_ms: float
    callers_ms: float


@contextlib.contextmanager
def run_redis() -> Iterator[RedisServer]:
    with tempfile.TemporaryDirectory() as directory:
        redis = RedisServer(Path(directory))
        redis.start()
        try:
            yield redis
        finally:
            redis.stop()


class Conversations:
    """One caller whose turns go to the replicas in turn, with a new session now and then.

    ``first`` is the replica that it begins with. Callers who all began with the same would go on
    from one to the other together, and leave all replicas but one without work.
    """

    def __init__(self, peers: Sequence[Peer], name: str, first: int = 0) -> None:
        self._urls = [f"http://127.0.0.1:{peer.port}" for peer in peers]
        self._name = name
        self._first = first
        self._turns = 0
        self._callers: list[Caller] = []

    async def say(self) -> Outcome:
        if self._turns % TURNS_PER_CONVERSATION == 0:
            self.close()
            session_id = f"{self._name}-{self._turns}"
            self._callers = [Caller(url, session_id) for url in self._urls]
        caller = self._callers[(self._first + self._turns) % len(self._callers)]
        self._turns += 1
        outcome = await caller.say("hello")
        if outcome.error:
            raise RuntimeError(outcome.error)
        return outcome

    def close(self) -> None:
        for caller in self._callers:
            caller.close()


async def measure_rate(replicas: int, seconds: float, **environment: str) -> Rate:
    """With as many callers as keep every replica busy."""
    with run_redis() as redis:
        assert redis.process
        async with contextlib.AsyncExitStack() as stack:
            peers = [
                await stack.enter_async_context(
                    start_peer(
                        "ours", "work", None, VOICELIVE_CONVERSATIONS=redis.url, **environment
                    )
                )
                for _ in range(replicas)
            ]

            async def talk(number: int, until: float) -> int:
                talking, turns = Conversations(peers, f"{number}-{until}", number), 0
                while time.perf_counter() < until:
                    await talking.say()
                    turns += 1
                talking.close()
                return turns

            async def load(seconds: float) -> int:
                until = time.perf_counter() + seconds
                callers = range(CALLERS_PER_REPLICA * replicas)
                return sum(await asyncio.gather(*(talk(number, until) for number in callers)))

            def read_cpu() -> tuple[float, float, float]:
                assert redis.process
                servers = sum(peer.cpu_s for peer in peers)
                return servers, read_cpu_s(redis.process.pid), time.process_time()

            await load(min(1, seconds))
            before, started = read_cpu(), time.perf_counter()
            turns = await load(seconds)
            took = time.perf_counter() - started
            used = (1000 * (b - a) / turns for a, b in zip(before, read_cpu(), strict=True))
            return Rate(turns / took, *used)


_COUNT = """
import sys, time
until, count = time.monotonic() + float(sys.argv[1]), 0
while time.monotonic() < until:
    count += 1
print(count)
"""


async def measure_parallel_speed(processes: int, seconds: float) -> float:
    """How much as many busy processes get done here as one alone: fewer, where cores are shared."""

    async def count() -> int:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _COUNT, str(seconds)), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        return int(output)

    alone = await count()
    return sum(await asyncio.gather(*(count() for _ in range(processes)))) / alone


async def compare_replicas(seconds: float, rounds: int, work_ms: float, own_core: bool) -> float:
    """Print the rates of one and of two; the ratio."""
    environment = {"BENCHMARK_WORK_MS": str(work_ms), "BENCHMARK_CORE": "own" if own_core else ""}
    rates: dict[int, list[Rate]] = {1: [], 2: []}
    speeds = []
    for _ in range(rounds):
        speeds.append(await measure_parallel_speed(2, 1))
        for replicas, measured in rates.items():
            measured.append(await measure_rate(replicas, seconds, **environment))
    middles = {
        replicas: sorted(measured, key=lambda rate: rate.turns_per_s)[len(measured) // 2]
        for replicas, measured in rates.items()
    }
    place = "of a core of its own" if own_core else "of the cores here"
    for replicas, middle in middles.items():
        print(
            f"{replicas} replica{'s' if replicas > 1 else ' '} {work_ms:3.0f} ms {place}:"
            f" {middle.turns_per_s:6.0f} turns/s; CPU per turn: servers {middle.server_ms:5.2f},"
            f" Redis {middle.redis_ms:.2f}, callers {middle.callers_ms:.2f} ms",
            flush=True,
        )
    if not own_core:
        speed = statistics.median(speeds)
        all_ms = middles[2].server_ms + middles[2].redis_ms + middles[2].callers_ms
        print(
            f"two busy processes get {speed:.2f} times done here what one does; of it the replicas"
            f" have {100 * middles[2].server_ms / all_ms:.0f} %, so the cores here allow"
            f" {min(2, speed * middles[1].server_ms / all_ms):.2f} times one replica"
        )
    return statistics.median(
        two.turns_per_s / one.turns_per_s for one, two in zip(rates[1], rates[2], strict=True)
    )


async def compare_stores(rounds: int) -> None:
    """Print what a turn takes with each store: one caller, one replica, nothing else to do."""
    turn_ms: dict[str, list[float]] = {"memory": [], "sqlite": [], "redis": []}
    with run_redis() as redis, tempfile.TemporaryDirectory() as directory:
        urls = {"memory": "memory:", "sqlite": f"sqlite://{directory}/db", "redis": redis.url}
        async with contextlib.AsyncExitStack() as stack:
            talking = {}
            for store, url in urls.items():
                peer = start_peer("ours", "burst", VOICELIVE_CONVERSATIONS=url)
                talking[store] = Conversations([await stack.enter_async_context(peer)], store)
            for _ in range(200 * rounds):
                for store, conversations in talking.items():
                    turn_ms[store].append(1000 * (await conversations.say()).turn_s)
            for conversations in talking.values():
                conversations.close()
    median = {store: statistics.median(values[50:]) for store, values in turn_ms.items()}
    for store in ("sqlite", "redis"):
        print(
            f"a turn with {store}: {median[store]:.2f} ms,"
            f" {median[store] - median['memory']:.2f} ms more than with memory"
        )


@dataclass(slots=True)
class Restart:
    """What callers met while both replicas were replaced."""

    turns: int = 0
    without_done: int = 0
    lost: int = 0
    other: list[str] = field(default_factory=list)


async def restart_under_load(callers: int) -> Restart:
    """Each replica in turn gets SIGTERM and a successor while ``callers`` talk through nginx."""
    met = Restart()
    enough = asyncio.Event()

    async def talk(deployment: Deployment, number: int) -> None:
        caller, completed = Caller(deployment.url, f"caller-{number}"), 0
        # Once more after the last one, to see that this is known, too.
        last = False
        while not last:
            last = enough.is_set()
            # Every fifth takes two seconds, so that the signal finds turns in their middle.
            slow = (completed + number) % 5 == 0 and not last
            outcome = await caller.say("slow" if slow else "hello")
            met.turns += 1
            if outcome.error in ("", "agent.error"):
                found = re.match(r"(?:Slowly: )?(\d+) at ", outcome.text)
                counted = int(found[1]) if found else 0
                met.lost += max(0, completed + 1 - counted)
                completed = counted
            elif outcome.error == "stream without done" or "connection lost" in outcome.error:
                met.without_done += 1
            else:
                met.other.append(outcome.error)
            await asyncio.sleep(0.5)
        caller.close()

    with tempfile.TemporaryDirectory() as directory:
        async with (
            deploy(Path(directory), VOICELIVE_LOG_LEVEL="WARNING") as deployment,
            asyncio.TaskGroup() as talking,
        ):
            for number in range(callers):
                talking.create_task(talk(deployment, number))
            await asyncio.sleep(2)
            for port in deployment.ports:
                await deployment.restart(port)
            await asyncio.sleep(1)
            enough.set()
    return met


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10, help="per measurement of a rate")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work-ms", type=float, default=40, help="of a core, for each turn")
    parser.add_argument("--callers", type=int, default=100, help="during the restart")
    arguments = parser.parse_args()
    await compare_stores(arguments.rounds)
    met = await restart_under_load(arguments.callers)
    for error in sorted(set(met.other)):
        print(f"error: {error} ({met.other.count(error)} times)")
    print(
        f"rolling restart under {arguments.callers} callers: {met.turns} turns,"
        f" {met.without_done} streams without done, {met.lost} completed turns lost,"
        f" {len(met.other)} other errors"
    )
    given = (arguments.seconds, arguments.rounds, arguments.work_ms)
    shared = await compare_replicas(*given, own_core=False)
    print(f"turns per second on the cores here, two replicas / one: {shared:.2f}")
    ratio = await compare_replicas(*given, own_core=True)
    print(f"turns per second, two replicas / one, each on its core: {ratio:.2f} (at least 1.8)")
    return 1 if met.without_done or met.lost or met.other else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
