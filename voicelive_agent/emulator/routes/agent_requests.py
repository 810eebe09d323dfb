"""Requests to agents beside their turns: are they there, what do they keep of a conversation."""

from collections.abc import Mapping

import httpx

from voicelive_agent.wire.net import is_this_machine


class AgentRequests:
    """GET requests through clients that are kept: to make one takes 25 ms of the event loop."""

    def __init__(self) -> None:
        self._clients: dict[bool, httpx.AsyncClient] = {}
        """By whether they ask agents of this machine, to whom no proxy leads."""

    async def get(
        self, url: httpx.URL, path: str, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """What the agent at ``url`` answers at ``path``. Raises httpx.HTTPError."""
        client = self._find_client(is_local=is_this_machine(url.host))
        asked = url.copy_with(path=path, query=None)
        return await client.get(asked, headers=headers, timeout=timeout_s)

    def _find_client(self, *, is_local: bool) -> httpx.AsyncClient:
        if is_local not in self._clients:
            # A kept connection may be closed under a request.
            limits = httpx.Limits(max_keepalive_connections=0)
            self._clients[is_local] = httpx.AsyncClient(limits=limits, trust_env=not is_local)
        return self._clients[is_local]

    async def stop(self) -> None:
        for client in self._clients.values():
            await client.aclose()
