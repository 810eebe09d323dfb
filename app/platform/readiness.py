"""GET /readiness: whether this container takes turns."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from app.engine import Engine


def route_readiness(engine: Engine) -> APIRouter:
    """200 ``{"status": "healthy"}``; 503 from the moment that draining starts."""
    router = APIRouter()

    async def report_readiness() -> Response:
        if engine.draining:
            return _report("draining")
        if not await engine.store.ready():
            return _report("conversations_unavailable")
        return JSONResponse({"status": "healthy"})

    router.add_api_route("/readiness", report_readiness, methods=["GET", "HEAD"])
    return router


def _report(status: str) -> Response:
    headers = {"x-platform-error-source": "platform", "retry-after": "1"}
    message = f"This server takes no turns now: {status}."
    return JSONResponse(
        {"status": status, "error": {"code": status, "message": message}}, 503, headers
    )
