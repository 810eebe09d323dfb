"""Errors in the envelope that Foundry documents, each with its source in a header.

A WebSocket that is refused gets the same answer before it is one, where the server can send that
(ASGI's extension ``websocket.http.response``); otherwise it is closed with the message.

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
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

logger = logging.getLogger(__name__)

ErrorSource = Literal["user", "platform", "upstream"]

_MAX_CLOSE_REASON_BYTES = 123
_INTERNAL_ERROR_CLOSE = 1011


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

    async def send(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or a WebSocket that was not accepted yet."""
        if scope["type"] == "websocket":
            await receive()  # websocket.connect
            if "websocket.http.response" not in scope.get("extensions", {}):
                reason = self.message.encode()[:_MAX_CLOSE_REASON_BYTES].decode(errors="ignore")
                await send({"type": "websocket.close", "code": 1008, "reason": reason})
                return
        await self.response()(scope, receive, send)


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
        message = f"{status.phrase}: {_name_method(request.scope)} {request.url.path}"
        source: ErrorSource = "user" if status < 500 else "upstream"
        headers = dict(error.headers or {})
        return ApiError(status, code, message, source, headers=headers).response()

    app.add_exception_handler(ApiError, answer_api_error)
    app.add_exception_handler(HTTPException, answer_http_error)


class CatchErrors:
    """ASGI middleware: an unexpected exception is logged and answered as ``internal_error``.

    A WebSocket that was accepted is closed with 1011.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        sent = ""

        async def note_sent(message: Message) -> None:
            nonlocal sent
            sent = message["type"]
            await send(message)

        try:
            await self._app(scope, receive, note_sent)
        except (ClientDisconnect, WebSocketDisconnect):
            logger.info("a caller went before the request was whole: %s", scope["path"])
        except SlowCallerError:
            logger.info("a caller read too slowly and was left: %s", scope["path"])
        except Exception:
            logger.exception("request failed: %s %s", _name_method(scope), scope["path"])
            if not sent:
                error = ApiError(500, "internal_error", "Internal server error", "upstream")
                await error.send(scope, receive, send)
            elif sent in ("websocket.accept", "websocket.send"):
                await send({"type": "websocket.close", "code": _INTERNAL_ERROR_CLOSE})
            else:
                raise


def _name_method(scope: Scope) -> str:
    return str(scope.get("method", "WEBSOCKET"))
