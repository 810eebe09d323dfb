"""Turns per second and time to the first delta, beside the official host and two floors.

    python -m benchmarks.turns [--turns 300] [--rounds 5]

40 deltas a turn, one worker each, the servers on one core and the caller on the other. The peers
take turns within a round, so that a noisy machine is as noisy for each. Turns per second are those
of a core that does nothing else: 1 / CPU of a turn, with 16 connections that wait for nothing.
``uvicorn`` is the limit of the frame: nothing but the same events, each sent by itself. Last lines:
the ratios.
"""

import argparse
import asyncio
import contextlib
import statistics

from benchmarks.peers import Peer, pin_to_core, read_core_time, start_peer, take_turn

NAMES = ("ours", "official", "uvicorn", "bare")


async def measure_rate(peer: Peer, connections: int, turns: int) -> float:
    """Turns per second of a core, over ``connections`` kept open."""

    async def call() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", peer.port)
        for _ in range(turns // connections):
            await take_turn(reader, writer)
        writer.close()

    before = read_process_s(peer)
    await asyncio.gather(*(call() for _ in range(connections)))
    return turns // connections * connections / (read_process_s(peer) - before)


def read_process_s(peer: Peer) -> float:
    """Seconds of a core that all threads of a server have used."""
    return sum(read_core_time(thread).used_s for thread in peer.threads)


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


async def compare(mode: str, turns: int, rounds: int) -> list[str]:
    """Measure all peers in one mode, print a table, and return the lines with the ratios."""
    rates: dict[str, list[float]] = {name: [] for name in NAMES}
    alone: dict[str, list[float]] = {name: [] for name in NAMES}
    together: dict[str, list[float]] = {name: [] for name in NAMES}
    async with contextlib.AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(start_peer(name, mode)) for name in NAMES]
        for _ in range(rounds):
            for peer in peers:
                rates[peer.name].append(await measure_rate(peer, 16, turns))
                alone[peer.name].append(await measure_first_delta_ms(peer, 1, 20))
                together[peer.name].append(await measure_first_delta_ms(peer, 200, 1))
    print(f"\n{mode}: 40 deltas a turn", flush=True)
    print(f"{'':10}{'turns/s':>10}{'first delta':>14}{'at 200 turns':>14}")
    for name in NAMES:
        print(
            f"{name:10}{statistics.median(rates[name]):10.0f}"
            f"{statistics.median(alone[name]):11.2f} ms{statistics.median(together[name]):11.1f} ms"
        )

    def ratio(values: dict[str, list[float]], to: str = "official") -> float:
        return statistics.median(a / b for a, b in zip(values["ours"], values[to], strict=True))

    least = {"burst": 4.5, "stepwise": 3.5}[mode]
    return [
        f"{mode}: turns per second, ours / official: {ratio(rates):.2f} (at least {least})",
        f"{mode}: turns per second, ours / uvicorn: {ratio(rates, 'uvicorn'):.2f} (at least 0.65)",
        f"{mode}: first delta alone, ours / official: {ratio(alone):.2f} (at most 1)",
        f"{mode}: first delta at 200 turns, ours / official: {ratio(together):.2f} (at most 0.25)",
    ]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=300, help="of a rate, per peer and round")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    pin_to_core(1)
    lines: list[str] = []
    for mode in ("burst", "stepwise"):
        lines += await compare(mode, arguments.turns, arguments.rounds)
    print("\n" + "\n".join(lines))


if __name__ == "__main__":
    asyncio.run(main())
