"""The error of an HTTP route, in the envelope that all of them have."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


def refuse(status: int, code: str, message: str) -> JSONResponse:
    """``message`` says what to do."""
    return JSONResponse({"error": {"code": code, "message": message}}, status)


async def answer_http_error(request: Request, error: Exception) -> Response:
    """What the router raises, say for a path that is none."""
    if not isinstance(error, HTTPException):
        raise error
    said = {
        404: f"there is nothing at {request.url.path[:200]}: docs/reference/console-api.md lists "
        "the routes",
        405: f"{request.method} is not for {request.url.path[:200]}",
    }
    answer = refuse(
        error.status_code, str(error.status_code), said.get(error.status_code, error.detail)
    )
    answer.headers.update(error.headers or {})
    return answer
