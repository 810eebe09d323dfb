"""An agent on Microsoft's Responses package, with history, a tool, a failure and a slow answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from azure.ai.agentserver.responses import (
    ResponseContext,
    ResponseEventStream,
    ResponsesAgentServerHost,
    TextResponse,
)

app = ResponsesAgentServerHost()
stopped = 0


@app.response_handler
async def handle(request: Any, context: ResponseContext, cancellation_signal: asyncio.Event) -> Any:
    text = await context.get_input_text()
    if text == "use a tool":
        return with_tool(request, context)
    if text == "fail":
        return failing(request, context)
    return TextResponse(context, request, text=speak(text, context, cancellation_signal))


async def speak(
    text: str, context: ResponseContext, cancellation_signal: asyncio.Event
) -> AsyncIterator[str]:
    global stopped
    if text == "history":
        yield f"I remember {len(await context.get_history())} items"
        return
    if text == "stopped":
        yield f"I was stopped {stopped} times by {context.platform_context.user_id_key}"
        return
    for word in f"You said: {text or 'nothing'}".split(" "):
        yield f"{word} "
        if "slowly" in text:
            try:
                await asyncio.wait_for(cancellation_signal.wait(), 0.2)
                stopped += 1
                return
            except TimeoutError:
                pass
            except asyncio.CancelledError:
                stopped += 1
                raise


async def with_tool(request: Any, context: ResponseContext) -> AsyncIterator[Any]:
    stream = ResponseEventStream(response_id=context.response_id, request=request)
    yield stream.emit_created()
    yield stream.emit_in_progress()
    for event in stream.output_item_function_call("get_weather", "call_1", '{"city":"Oslo"}'):
        yield event
    for event in stream.output_item_function_call_output("call_1", '{"degrees":3}'):
        yield event
    for event in stream.output_item_message("Three degrees."):
        yield event
    yield stream.emit_completed()


async def failing(request: Any, context: ResponseContext) -> AsyncIterator[Any]:
    stream = ResponseEventStream(response_id=context.response_id, request=request)
    yield stream.emit_created()
    raise RuntimeError("boom")


if __name__ == "__main__":
    app.run()
