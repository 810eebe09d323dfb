"""The OpenAPI description of the Invocations routes, inputs and event stream."""

from typing import Any

from voicelive_agent import __version__
from voicelive_agent.server.wires.invocations_input import TRANSCRIPTION

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
                        "200": _json("Ready.", {"const": {"status": "healthy"}}),
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
        "components": {"schemas": _SCHEMAS, "securitySchemes": _KEYS if needs_key else {}},
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
                "name": "agent_session_id",
                "in": "query",
                "description": "Names the conversation; without it a new one starts.",
                "schema": {"type": "string", "pattern": "^[a-zA-Z0-9\\-_.:]{1,256}$"},
            },
            {
                "name": "x-agent-invocation-id",
                "in": "header",
                "description": "The id for this turn; without a valid one it gets a new UUID.",
                "schema": {"type": "string"},
            },
        ],
        "requestBody": {
            "required": False,
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/TurnInput"}},
                "text/plain": {"schema": {"type": "string"}},
            },
        },
        "responses": {
            "200": {
                "description": "The answer, one JSON object in each `data:` line.",
                "headers": _IDS,
                "content": {
                    "text/event-stream": {
                        "schema": {"type": "string"},
                        "itemSchema": {"$ref": "#/components/schemas/StreamEvent"},
                        "example": 'data: {"type":"output_audio_transcription.delta",'
                        '"delta":"Hello."}\n\ndata: {"type":"output_audio_transcription.done",'
                        '"text":"Hello."}\n\ndata: {"type":"done"}\n\n',
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
                "schema": {"type": "string", "pattern": "^[a-zA-Z0-9\\-_.:]{1,256}$"},
            }
        ],
        "responses": {
            "200": _json("The turn.", {"$ref": "#/components/schemas/TurnState"}),
            **{code: _error(code) for code in sorted(("400", "404", "503", *_ANY_REQUEST))},
        },
    }


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _error(code: str) -> dict[str, Any]:
    return _json(_ERROR_CODES[code], {"$ref": "#/components/schemas/Error"})


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


_TEXT = {"type": "string"}
_IDS = {name: {"schema": _TEXT} for name in ("x-agent-invocation-id", "x-agent-session-id")}
_KEYS = {
    "key": {"type": "apiKey", "in": "header", "name": "api-key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}

_SCHEMAS: dict[str, Any] = {
    "TurnInput": {
        "anyOf": [
            {
                "title": "Speech, as Voice Live sends it",
                **_object(
                    ["type"], type={"const": TRANSCRIPTION}, input={"type": ["string", "null"]}
                ),
            },
            {
                "title": "Speech, for curl",
                **_object(["message"], message={"type": ["string", "null"]}),
                "additionalProperties": False,
            },
            {
                "title": "Speech, for curl",
                **_object(["input"], input={"type": ["string", "null"]}),
                "additionalProperties": False,
            },
            {"title": "Greeting", "type": "object", "maxProperties": 0},
            {
                "title": "Action: what a client sent as invoke_input, verbatim",
                "type": "object",
                "minProperties": 1,
            },
        ]
    },
    "StreamEvent": {
        "anyOf": [
            {
                "title": "Text to be spoken",
                **_object(
                    ["type", "delta"],
                    type={"const": "output_audio_transcription.delta"},
                    delta={**_TEXT, "minLength": 1},
                ),
            },
            {
                "title": "All of the text, once",
                **_object(
                    ["type", "text"],
                    type={"const": "output_audio_transcription.done"},
                    text=_TEXT,
                ),
            },
            {"title": "The end, once", **_object(["type"], type={"const": "done"})},
            {
                "title": "The turn failed",
                **_object(
                    ["type", "error"],
                    type={"const": "agent.error"},
                    error=_object(["code", "message"], code=_TEXT, message=_TEXT),
                ),
            },
            {
                "title": "The agent ends the call",
                **_object(["type", "reason"], type={"const": "agent.end_call"}, reason=_TEXT),
            },
            {
                "title": "Client event, for the client's screen",
                **_object(["type"], type=_TEXT),
            },
        ]
    },
    "TurnState": _object(
        ["invocation_id", "session_id", "status", "text", "interrupted"],
        invocation_id=_TEXT,
        session_id=_TEXT,
        status={"enum": ["running", "completed", "cancelled", "failed"]},
        text={**_TEXT, "description": "What was delivered so far."},
        interrupted={"type": "boolean"},
        error=_object(["code", "message"], code=_TEXT, message=_TEXT),
    ),
    "Error": _object(["error"], error=_object(["code", "message"], code=_TEXT, message=_TEXT)),
}
