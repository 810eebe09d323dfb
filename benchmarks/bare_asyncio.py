"""A floor: the same bytes from asyncio alone, with no HTTP library and no agent.

``python -m benchmarks.bare_asyncio burst|stepwise|idle``; listens on PORT.
"""

import asyncio
import os
import sys

from benchmarks.official_host import stream

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mode: str) -> None:
    """Answer requests on one connection until it closes."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET"):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                continue
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            writer.write(HEAD)
            async for frame in stream(mode):
                writer.write(b"%x\r\n%b\r\n" % (len(frame), frame))
            writer.write(b"0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    mode = sys.argv[1]
    server = await asyncio.start_server(
        lambda reader, writer: answer(reader, writer, mode),
        "127.0.0.1",
        int(os.environ["PORT"]),
        backlog=2048,
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
