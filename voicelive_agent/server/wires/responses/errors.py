"""Errors of the Responses protocol: the envelope with the ``type`` and ``param`` of OpenAI's."""

from collections.abc import Sequence
from typing import Any

from starlette.responses import JSONResponse

from voicelive_agent.server.platform.errors import ApiError, ErrorSource
from voicelive_agent.server.platform.telemetry.spans import find_request_id

_TYPES = {409: "conflict", 429: "rate_limit_error"}
_CODES = {503: "service_unavailable"}


class ResponsesError(ApiError):
    """An error as this protocol tells it; ``param`` is the field that it is about."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        source: ErrorSource = "user",
        *,
        param: str | None = None,
        details: Sequence[dict[str, Any]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, message, source, headers=headers)
        self.param = param
        self.details = details

    def response(self) -> JSONResponse:
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "type": _find_type(self.status),
        }
        if self.details:
            error["details"] = list(self.details)
        if request_id := find_request_id():
            error["additionalInfo"] = {"request_id": request_id}
        headers = {**self.headers, "x-platform-error-source": self.source}
        return JSONResponse({"error": error}, self.status, headers)


def restate(error: ApiError) -> ResponsesError:
    """An error of the server's as one of this protocol."""
    if isinstance(error, ResponsesError):
        return error
    code = _CODES.get(error.status, error.code)
    return ResponsesError(error.status, code, error.message, error.source, headers=error.headers)


def wrong_field(message: str, param: str) -> ResponsesError:
    """A field of the request that is not what its schema says."""
    detail = {
        "code": "invalid_value",
        "message": message,
        "param": f"$.{param}",
        "type": "invalid_request_error",
    }
    return ResponsesError(400, "invalid_request", f"{param}: {message}", details=[detail])


def not_found(response_id: str) -> ResponsesError:
    return ResponsesError(
        404,
        "invalid_request_error",
        f"Response with id '{response_id}' not found.",
        param="response_id",
    )


def refused(message: str, param: str = "response_id") -> ResponsesError:
    """What can't be done with a response as it is, or asked like this."""
    return ResponsesError(400, "invalid_request_error", message, param=param)


def _find_type(status: int) -> str:
    return _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
