"""A voice agent on Microsoft's Invocations package, with clicks, cards and a slow answer."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from azure.ai.agentserver.invocations import InvocationAgentServerHost
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

app = InvocationAgentServerHost()
turns: defaultdict[str, list[str]] = defaultdict(list)
stopped: defaultdict[str, int] = defaultdict(int)


def event(**fields: Any) -> str:
    return f"data: {json.dumps(fields, ensure_ascii=False)}\n\n"


async def speak(session_id: str, text: str) -> AsyncIterator[str]:
    said = ""
    try:
        for word in text.split(" "):
            delta = word if not said else f" {word}"
            said += delta
            yield event(type="output_audio_transcription.delta", delta=delta)
            if "slowly" in text:
                await asyncio.sleep(0.2)
        yield event(type="output_audio_transcription.done", text=said)
        yield event(type="done")
    except asyncio.CancelledError:
        stopped[session_id] += 1
        raise


@app.invoke_handler
async def handle(request: Request) -> Response:
    body = await request.json()
    session_id = request.state.session_id
    if body.get("type") == "input_audio.transcription":
        if not body["input"]:
            reply = "Welcome to the front desk."
        elif body["input"] == "history":
            reply = "You said " + " and ".join(turns[session_id])
        elif body["input"] == "stopped":
            reply = f"I was stopped {stopped[session_id]} times by {request.state.user_id}"
        else:
            reply = f"You said: {body['input']}"
        turns[session_id].append(body["input"])
        return StreamingResponse(
            speak(session_id, reply),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )
    if body.get("type") == "button_click":

        async def click() -> AsyncIterator[str]:
            yield event(type="ui.card", title="Überraschung", clicked=body)
            async for line in speak(session_id, "There you are."):
                yield line

        return StreamingResponse(click(), media_type="text/event-stream")
    return JSONResponse(
        {"error": {"code": "invalid_request", "message": "I know no such input"}}, status_code=400
    )


if __name__ == "__main__":
    app.run()
