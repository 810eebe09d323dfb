"""A Bridge agent of five deltas on Microsoft's VoiceAgentServerHost; listens on PORT.

``python -m benchmarks.official_bridge``. It keeps no history and has no deadlines.
"""

import warnings
from typing import Any

warnings.simplefilter("ignore")  # The package says at each import that it is experimental.

from azure.ai.agentserver.invocations.voice import (  # noqa: E402
    ResponseCreated,
    ResponseDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    Session,
    SessionReady,
    SessionStart,
    UserMessage,
    VoiceAgentServerHost,
)

from benchmarks.agents import DELTAS  # noqa: E402
from voicelive_agent.wire.bridge.messages import new_id  # noqa: E402


def main() -> None:
    host = VoiceAgentServerHost(configure_observability=None)

    @host.on_session_start
    async def start(session: Session, message: SessionStart) -> None:
        await session.send(SessionReady(id=new_id("m_"), ts=message.ts))

    @host.on_user_message
    async def answer(session: Session, message: UserMessage) -> None:
        ids: dict[str, Any] = {"response_id": new_id("r_"), "ts": message.ts}
        item = new_id("it_")
        created = ResponseCreated(id=new_id("m_"), in_reply_to=(message.item_id,), **ids)
        await session.send(created)
        for delta in DELTAS[:5]:
            await session.send(
                ResponseOutputTextDelta(id=new_id("m_"), item_id=item, delta=delta, **ids)
            )
        text = "".join(DELTAS[:5])
        await session.send(ResponseOutputTextDone(id=new_id("m_"), item_id=item, text=text, **ids))
        await session.send(ResponseDone(id=new_id("m_"), **ids))

    host.run()


if __name__ == "__main__":
    main()
