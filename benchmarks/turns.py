"""Turns per second and time to the first delta, beside the official host and a floor.

    python -m benchmarks.turns [--seconds 5] [--rounds 3]

40 deltas a turn, one worker each, the servers on one core and the caller on the other. The peers
take turns within a round, so that a noisy machine is as noisy for each. Last lines: the ratios.
"""

import argparse
import asyncio
import statistics
import time

from benchmarks.peers import Peer, pin_to_core, start_peer, take_turn

NAMES = ("ours", "official", "bare")


async def measure_throughput(peer: Peer, connections: int, seconds: float) -> float:
    """Turns per second over ``connections`` kept open."""
    turns = 0
    until = time.perf_counter() + seconds

    async def call() -> None:
        nonlocal turns
        reader, writer = await asyncio.open_connection("127.0.0.1", peer.port)
        while time.perf_counter() < until:
            await take_turn(reader, writer)
            turns += 1
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(call() for _ in range(connections)))
    return turns / (time.perf_counter() - started)


async def measure_first_delta_ms(peer: Peer, concurrent: int, rounds: int) -> float:
    """Median ms to the first delta of ``concurrent`` turns that start together."""
    connections = [await asyncio.open_connection("127.0.0.1", peer.port) for _ in range(concurrent)]
    await asyncio.gather(*(take_turn(*connection) for connection in connections))
    all_seconds: list[float] = []
    for _ in range(rounds):
        all_seconds += await asyncio.gather(*(take_turn(*connection) for connection in connections))
    for _, writer in connections:
        writer.close()
    return 1000 * statistics.median(all_seconds)


async def compare(mode: str, seconds: float, rounds: int) -> list[str]:
    """Measure all peers in one mode, print a table, and return the lines with the ratios."""
    rates: dict[str, list[float]] = {name: [] for name in NAMES}
    alone: dict[str, list[float]] = {name: [] for name in NAMES}
    together: dict[str, list[float]] = {name: [] for name in NAMES}
    async with (
        start_peer("ours", mode) as ours,
        start_peer("official", mode) as official,
        start_peer("bare", mode) as bare,
    ):
        for _ in range(rounds):
            for peer in (ours, official, bare):
                rates[peer.name].append(await measure_throughput(peer, 16, seconds))
                alone[peer.name].append(await measure_first_delta_ms(peer, 1, 40))
                together[peer.name].append(await measure_first_delta_ms(peer, 200, 2))
    print(f"\n{mode}: 40 deltas a turn", flush=True)
    print(f"{'':10}{'turns/s':>10}{'first delta':>14}{'at 200 turns':>14}")
    for name in NAMES:
        print(
            f"{name:10}{statistics.median(rates[name]):10.0f}"
            f"{statistics.median(alone[name]):11.2f} ms{statistics.median(together[name]):11.1f} ms"
        )

    def ratio(values: dict[str, list[float]]) -> float:
        return statistics.median(
            a / b for a, b in zip(values["ours"], values["official"], strict=True)
        )

    return [
        f"{mode}: turns per second, ours / official: {ratio(rates):.2f} (at least 3)",
        f"{mode}: first delta alone, ours / official: {ratio(alone):.2f} (at most 1)",
        f"{mode}: first delta at 200 turns, ours / official: {ratio(together):.2f} (at most 1)",
    ]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--seconds", type=float, default=5, help="of throughput, per peer and round"
    )
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    pin_to_core(1)
    lines: list[str] = []
    for mode in ("burst", "stepwise"):
        lines += await compare(mode, arguments.seconds, arguments.rounds)
    print("\n" + "\n".join(lines))


if __name__ == "__main__":
    asyncio.run(main())
