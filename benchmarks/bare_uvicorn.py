"""The limit of the frame: a bare ASGI application on uvicorn that sends each event by itself.

``python -m benchmarks.bare_uvicorn burst|stepwise|idle``; listens on PORT. The event loop and the
parser of HTTP are those of our server, so that what differs is the work on top of them.
"""

import os
import sys

import uvicorn
from starlette.types import Receive, Scope, Send

from benchmarks.official_host import stream
from voicelive_agent.event_loop import FACTORY

HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8")]


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["method"] == "POST":
        while (await receive()).get("more_body"):
            pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    if scope["method"] == "POST":
        async for frame in stream(sys.argv[1]):
            await send({"type": "http.response.body", "body": frame, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    uvicorn.run(
        answer, port=int(os.environ["PORT"]), http="httptools", loop=FACTORY, ws="none",
        lifespan="off", access_log=False,
    )  # fmt: skip
