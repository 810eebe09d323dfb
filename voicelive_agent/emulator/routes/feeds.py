"""Feeds as server-sent events, resumable by ``Last-Event-ID``."""

from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from voicelive_agent.emulator.watch.feed import Feed

QUIET_S = 15.0
"""After so long without an event, a comment shows that the connection lives."""


def send_feed(request: Request, feed: Feed) -> Response:
    """The events after the one that the request names, and those that come.

    HTTP 204 where there will be none: an ``EventSource`` asks no more then.
    """
    last_id = request.headers.get("last-event-id") or request.query_params.get("after", "")
    if feed.has_ended_with(last_id):
        return Response(status_code=204)
    return StreamingResponse(
        _write(feed, last_id),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _write(feed: Feed, last_id: str) -> AsyncGenerator[str, None]:
    # At once, so that the reader knows that it is connected.
    yield ": feed\n\n"
    async for event in feed.follow(last_id, QUIET_S):
        if event is None:
            yield ": quiet\n\n"
        else:
            yield f"id: {event.id}\nevent: {event.kind}\ndata: {event.data}\n\n"
