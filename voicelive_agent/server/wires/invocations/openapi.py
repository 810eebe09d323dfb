"""The OpenAPI description of the Invocations routes; shapes are those of ``wire``."""

from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from voicelive_agent import __version__
from voicelive_agent.wire.invocations import (
    ID_PATTERN,
    INVOCATION_HEADER,
    LAST_EVENT,
    SESSION_HEADER,
    SESSION_QUERY,
    SPEECH_DONE,
    write_delta,
    write_event,
)
from voicelive_agent.wire.invocations_schema import (
    Error,
    Health,
    StreamEvent,
    TurnInput,
    TurnState,
)

_REFERENCE = "#/components/schemas/{model}"
_ERROR_CODES = {
    "400": "Not a turn: malformed JSON, invalid UTF-8, no object, or a wrong type of input.",
    "401": "This server's key is missing or wrong.",
    "403": "This server answers only its own machine.",
    "404": "There is no such invocation.",
    "413": "The body is longer than this server takes.",
    "429": "Too many turns are active on this server; `Retry-After` says when to try again.",
    "431": "The headers are longer than this server takes.",
    "500": "The server itself failed.",
    "503": "The server is shutting down, or its conversation store does not answer.",
}
_ANY_REQUEST = ("401", "403", "431", "500")


def build_openapi(max_body_bytes: int, *, needs_key: bool) -> dict[str, Any]:
    """The OpenAPI 3.1 document that ``GET /invocations/docs/openapi.json`` returns."""
    _, schemas = models_json_schema(_SHAPES, ref_template=_REFERENCE)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "voicelive-agent",
            "version": __version__,
            "description": "A voice agent over the Invocations protocol: one turn in as JSON,"
            " the text to be spoken out as server-sent events.",
        },
        "paths": {
            "/readiness": {
                "get": {
                    "operationId": "readiness",
                    "summary": "Whether this container takes turns.",
                    "security": [],
                    "responses": {
                        "200": _json("Ready.", Health),
                        "503": _error("503"),
                    },
                }
            },
            "/invocations": {"post": _describe_invoke(max_body_bytes)},
            "/invocations/{invocation_id}": {
                "get": _describe_state("getInvocation", "The state of a turn.")
            },
            "/invocations/{invocation_id}/cancel": {
                "post": _describe_state(
                    "cancelInvocation", "Stop a turn if it runs, and report its state."
                )
            },
        },
        "components": {"schemas": schemas["$defs"], "securitySchemes": _KEYS if needs_key else {}},
        "security": [{name: []} for name in _KEYS] if needs_key else [],
    }


def _describe_invoke(max_body_bytes: int) -> dict[str, Any]:
    return {
        "operationId": "invoke",
        "summary": "Answer one turn.",
        "description": "An empty body, `{}` and an empty input ask for a greeting. A new turn of"
        f" a session supersedes the one that runs. At most {max_body_bytes} bytes.",
        "parameters": [
            {
                "name": SESSION_QUERY,
                "in": "query",
                "description": "Names the conversation; without it a new one starts.",
                "schema": _ID_SCHEMA,
            },
            {
                "name": INVOCATION_HEADER,
                "in": "header",
                "description": "The id for this turn; without a valid one it gets a new UUID.",
                "schema": _TEXT,
            },
        ],
        "requestBody": {
            "required": False,
            "content": {
                "application/json": {"schema": _refer(TurnInput)},
                "text/plain": {"schema": _TEXT},
            },
        },
        "responses": {
            "200": {
                "description": "The answer, one JSON object in each `data:` line.",
                "headers": _IDS,
                "content": {
                    "text/event-stream": {
                        "schema": _TEXT,
                        "itemSchema": _refer(StreamEvent),
                        "example": _EXAMPLE,
                    }
                },
            },
            **{
                code: {**_error(code), "headers": _IDS}
                for code in sorted(("400", "413", "429", "503", *_ANY_REQUEST))
            },
        },
    }


def _describe_state(operation: str, summary: str) -> dict[str, Any]:
    return {
        "operationId": operation,
        "summary": summary,
        "parameters": [
            {
                "name": "invocation_id",
                "in": "path",
                "required": True,
                "schema": _ID_SCHEMA,
            }
        ],
        "responses": {
            "200": _json("The turn.", TurnState),
            **{code: _error(code) for code in sorted(("400", "404", "503", *_ANY_REQUEST))},
        },
    }


def _json(description: str, shape: type[BaseModel]) -> dict[str, Any]:
    content = {"application/json": {"schema": _refer(shape)}}
    return {"description": description, "content": content}


def _error(code: str) -> dict[str, Any]:
    return _json(_ERROR_CODES[code], Error)


def _refer(shape: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=shape.__name__)}


_SHAPES: tuple[tuple[type[BaseModel], Literal["validation", "serialization"]], ...] = (
    (TurnInput, "validation"),
    (StreamEvent, "serialization"),
    (TurnState, "serialization"),
    (Error, "serialization"),
    (Health, "serialization"),
)
_TEXT = {"type": "string"}
_IDS = {name: {"schema": _TEXT} for name in (INVOCATION_HEADER, SESSION_HEADER)}
_ID_SCHEMA = {**_TEXT, "pattern": f"^{ID_PATTERN}$"}
_KEYS = {
    "key": {"type": "apiKey", "in": "header", "name": "api-key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_EXAMPLE = "".join(
    (write_delta("Hello."), write_event({"type": SPEECH_DONE, "text": "Hello."}), LAST_EVENT)
)
