"""Memory per open stream, and many idle streams held open on one worker.

    python -m benchmarks.streams [--streams 1000] [--seconds 60]

Each stream has had its first delta and is then quiet. The official host holds a thousand at most,
which is enough to tell what each takes. Last lines: bytes per stream, errors.
"""

import argparse
import asyncio

from benchmarks.peers import REQUEST, Peer, pin_to_core, start_peer


async def open_stream(peer: Peer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream that has had its first delta."""
    reader, writer = await asyncio.open_connection("127.0.0.1", peer.port)
    writer.write(REQUEST)
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise RuntimeError(head.decode())
    await reader.readuntil(b"\n\n")
    return reader, writer


async def hold(name: str, streams: int, seconds: float) -> tuple[float, int]:
    """Kilobytes per stream, and how many streams broke while they were held."""
    async with start_peer(name, "idle") as peer:
        _, first = await open_stream(peer)
        before = peer.rss_bytes
        opened = [await open_stream(peer) for _ in range(streams)]
        kilobytes = (peer.rss_bytes - before) / 1024 / streams
        ends = [asyncio.create_task(reader.read()) for reader, _ in opened]
        ended, _ = await asyncio.wait(ends, timeout=seconds)
        for end in ends:
            end.cancel()
        for _, writer in [*opened, (None, first)]:
            writer.close()
        return kilobytes, len(ended)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    pin_to_core(1)
    official, _ = await hold("official", min(arguments.streams, 1000), 1)
    ours, broken = await hold("ours", arguments.streams, arguments.seconds)
    print(f"memory per open stream: ours {ours:.1f} kB, official {official:.1f} kB")
    print(
        f"{arguments.streams} idle streams for {arguments.seconds:.0f} s on one worker:"
        f" {broken} broken"
    )
    print(f"memory per open stream, ours / official: {ours / official:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
