"""A conversation's history as the agent's engine sees it, asked of an agent of this machine."""

from collections.abc import Sequence

import httpx
from starlette.requests import Request
from starlette.responses import Response

from voicelive_agent.emulator.agents.endpoint import LOCAL_USER_ID
from voicelive_agent.emulator.routes.agent_requests import AgentRequests
from voicelive_agent.emulator.routes.errors import refuse
from voicelive_agent.emulator.settings import ANY_AGENT, AgentAddress, Settings
from voicelive_agent.wire.invocations import USER_HEADER
from voicelive_agent.wire.net import is_this_machine

_TIMEOUT_S = 5.0


class ConversationRoute:
    """``GET /conversations/{id}?agent=NAME``. Nobody but local agents is asked."""

    def __init__(self, settings: Settings, requests: AgentRequests) -> None:
        self._requests = requests
        self._addresses: Sequence[AgentAddress] = settings.addresses()
        key = settings.agent_api_key
        self._headers = {USER_HEADER: LOCAL_USER_ID}
        self._headers |= {"api-key": key.get_secret_value()} if key else {}

    async def show(self, request: Request) -> Response:
        address = self._find(request.query_params.get("agent", ""))
        if address is None:
            return _refuse("no such agent: GET /about lists them")
        url = httpx.URL(address.url)
        if not is_this_machine(url.host):
            return _refuse("this agent runs elsewhere, and shows its conversations to nobody")
        path = f"/conversations/{request.path_params['conversation_id']}"
        try:
            answer = await self._requests.get(url, path, _TIMEOUT_S, self._headers)
        except httpx.HTTPError:
            return _refuse("the agent does not answer: start it (voicelive-agent serve)")
        if answer.status_code != 200 or "json" not in answer.headers.get("content-type", ""):
            return _refuse(
                "the agent shows no conversations: voicelive-agent serve does in development, on a"
                " loopback address"
            )
        return Response(answer.content, media_type="application/json")

    def _find(self, name: str) -> AgentAddress | None:
        by_name = {address.name: address for address in self._addresses}
        return by_name.get(name) or by_name.get(ANY_AGENT)


def _refuse(message: str) -> Response:
    return refuse(404, "conversation_unavailable", message)
