"""Errors in the envelope that Foundry documents, each with its source in a header.

``{"error": {"code", "message"}}`` and ``x-platform-error-source: user|platform|upstream``
(Foundry, hosted agent contract).
"""

import logging
from http import HTTPStatus
from typing import Literal, cast

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)

ErrorSource = Literal["user", "platform", "upstream"]


class ApiError(Exception):
    """An error that a caller is told about. ``message`` must hold nothing internal."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        source: ErrorSource = "user",
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.source: ErrorSource = source
        self.headers = headers or {}

    def response(self) -> JSONResponse:
        return JSONResponse(
            {"error": {"code": self.code, "message": self.message}},
            self.status,
            {**self.headers, "x-platform-error-source": self.source},
        )


class SlowCallerError(Exception):
    """A caller took too long to read what was sent, and was left."""


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error, the router's own included, in the envelope."""

    async def answer_api_error(_: Request, error: Exception) -> JSONResponse:
        return cast(ApiError, error).response()

    async def answer_http_error(request: Request, error: Exception) -> JSONResponse:
        error = cast(HTTPException, error)
        status = HTTPStatus(error.status_code)
        code = status.phrase.lower().replace(" ", "_")
        message = f"{status.phrase}: {request.method} {request.url.path}"
        source: ErrorSource = "user" if status < 500 else "upstream"
        headers = dict(error.headers or {})
        return ApiError(status, code, message, source, headers=headers).response()

    app.add_exception_handler(ApiError, answer_api_error)
    app.add_exception_handler(HTTPException, answer_http_error)


class CatchErrors:
    """ASGI middleware: an unexpected exception is logged and answered as ``internal_error``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def note_start(message: dict[str, object]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, note_start)  # type: ignore[arg-type]
        except ClientDisconnect:
            logger.info("a caller went before the request was whole: %s", scope["path"])
        except SlowCallerError:
            logger.info("a caller read too slowly and was left: %s", scope["path"])
        except Exception:
            if scope["type"] != "http":
                raise
            logger.exception("request failed: %s %s", scope["method"], scope["path"])
            if started:
                raise
            error = ApiError(500, "internal_error", "Internal server error", "upstream")
            await error.response()(scope, receive, send)
