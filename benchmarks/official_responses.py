"""A Responses agent of five deltas on Microsoft's ResponsesAgentServerHost; listens on PORT.

``python -m benchmarks.official_responses``. It keeps nothing between two responses.
"""

import os
import warnings
from collections.abc import AsyncIterator
from typing import Any

import uvicorn

warnings.simplefilter("ignore")  # The package says at each import that it is experimental.

from azure.ai.agentserver.responses import ResponsesAgentServerHost, TextResponse  # noqa: E402

from benchmarks.agents import DELTAS  # noqa: E402


async def answer() -> AsyncIterator[str]:
    for delta in DELTAS[:5]:
        yield delta


def main() -> None:
    host = ResponsesAgentServerHost(configure_observability=None)

    @host.response_handler
    async def handle(request: Any, context: Any, _: Any) -> Any:
        return TextResponse(context, request, text=answer())

    uvicorn.run(host, port=int(os.environ["PORT"]), log_config=None, access_log=False)


if __name__ == "__main__":
    main()
