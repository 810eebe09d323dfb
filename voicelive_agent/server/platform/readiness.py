"""GET /readiness: whether this container takes turns."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from voicelive_agent.server.conversations.home import HomeStore
from voicelive_agent.server.engine.engine import Engine

_IN_MEMORY = "in memory: the file below the home directory can't be used; the log has the reason"


def route_readiness(engine: Engine) -> Route:
    """200 ``{"status": "healthy"}``; 503 from the moment that draining starts.

    503 too where the store fails: when it is asked, or where the last turns needed it.
    ``details`` tell what an operator should mend although turns are taken.
    """

    async def report_readiness(_: Request) -> Response:
        if engine.draining:
            return _report("draining")
        if engine.store_health.failing or not await engine.store.ready():
            return _report("conversations_unavailable")
        if isinstance(engine.store, HomeStore) and engine.store.in_memory:
            details = {"conversations": _IN_MEMORY}
            return JSONResponse({"status": "healthy", "details": details})
        return JSONResponse({"status": "healthy"})

    return Route("/readiness", report_readiness, methods=["GET", "HEAD"])


def _report(status: str) -> Response:
    headers = {"x-platform-error-source": "platform", "retry-after": "1"}
    message = f"This server takes no turns now: {status}."
    return JSONResponse(
        {"status": status, "error": {"code": status, "message": message}}, 503, headers
    )
