"""The same agents on Microsoft's azure-ai-agentserver-invocations, on its own host.

``python -m benchmarks.official_host burst|stepwise|idle``; listens on PORT.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

from azure.ai.agentserver.invocations import InvocationAgentServerHost
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from benchmarks.agents import DELTAS


def _frame(**event: str) -> bytes:
    return f"data: {json.dumps(event)}\n\n".encode()


async def stream(mode: str) -> AsyncIterator[bytes]:
    """The answer as its samples write it: one event in each chunk."""
    for delta in DELTAS if mode != "idle" else ["Wait. "]:
        if mode == "stepwise":
            await asyncio.sleep(0)
        yield _frame(type="output_audio_transcription.delta", delta=delta)
    if mode == "idle":
        await asyncio.sleep(3600)
    yield _frame(type="output_audio_transcription.done", text="".join(DELTAS))
    yield _frame(type="done")


def main() -> None:
    mode = sys.argv[1]
    host = InvocationAgentServerHost()

    @host.invoke_handler
    async def invoke(request: Request) -> Response:
        await request.json()
        return StreamingResponse(
            stream(mode),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )

    host.run()


if __name__ == "__main__":
    main()
