"""CPU of a response of five deltas, beside Microsoft's host, in one run.

    python -m benchmarks.responses [--turns 400] [--rounds 3]

Streamed, with ``store: false`` and stored. Ours runs with history, deadlines and speakable text,
and stores in SQLite; the host in its own files. The peers take turns within a round.
"""

import argparse
import asyncio
import json
import statistics

import httpx

from benchmarks.peers import Peer, pin_to_core, start_peer

NAMES = ("ours", "official-responses")


async def measure_cpu_ms(peer: Peer, turns: int, *, store: bool) -> float:
    """Milliseconds of the server's CPU for one response."""
    body = json.dumps({"input": "hello", "stream": True, "store": store}).encode()
    url = f"http://127.0.0.1:{peer.port}/responses"
    async with httpx.AsyncClient(timeout=30) as client:

        async def take(count: int) -> None:
            for _ in range(count):
                answer = await client.post(url, content=body)
                if b"event: response.completed" not in answer.content:
                    raise RuntimeError(f"{peer.name} did not complete: {answer.text}")

        await take(50)
        before = peer.cpu_s
        await take(turns)
        return 1000 * (peer.cpu_s - before) / turns


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    pin_to_core(1)
    async with (
        start_peer("ours", "five", VOICELIVE_WIRES="responses") as ours,
        start_peer("official-responses", "five") as official,
    ):
        for store in (False, True):
            spent: dict[str, list[float]] = {name: [] for name in NAMES}
            for _ in range(arguments.rounds):
                for peer in (ours, official):
                    cpu_ms = await measure_cpu_ms(peer, arguments.turns, store=store)
                    spent[peer.name].append(cpu_ms)
            ms = {name: statistics.median(values) for name, values in spent.items()}
            print(
                f"{'stored' if store else 'store: false'}: ours {ms['ours']:.2f} ms,"
                f" Microsoft's host {ms['official-responses']:.2f} ms of CPU for a response;"
                f" ratio {ms['ours'] / ms['official-responses']:.2f} (at most 0.5)"
            )


if __name__ == "__main__":
    asyncio.run(main())
