"""The clauses of a voice agent's contract."""

from voicelive_agent.contract.clauses.bridge import BRIDGE_CLAUSES
from voicelive_agent.contract.clauses.clause import (
    CANCELLING,
    CORE,
    HOSTING,
    HTTP,
    INVOCATIONS,
    PROJECT,
    SDK,
    SSE,
    VOICE_LIVE,
    Clause,
)
from voicelive_agent.contract.clauses.responses import RESPONSES_CLAUSES

_INVOCATIONS_CLAUSES: tuple[Clause, ...] = (
    # Readiness
    Clause(
        "READY-1",
        "documented",
        'GET /readiness answers 200 with the JSON body {"status":"healthy"}',
        HOSTING,
        "container",
    ),
    Clause(
        "READY-2",
        "strict",
        "HEAD /readiness answers 200 without a body",
        CORE,
        "container",
    ),
    Clause("READY-3", "strict", "POST /readiness answers 405", CORE, "container"),
    Clause(
        "READY-4",
        "strict",
        "There is no other health path: /liveness, /healthy and /healthz answer 404",
        CORE,
        "container",
    ),
    # The answer
    Clause(
        "SSE-1",
        "documented",
        "Speech is answered with status 200 and content type text/event-stream",
        VOICE_LIVE,
    ),
    Clause("SSE-2", "documented", "The stream is UTF-8", SSE),
    Clause(
        "SSE-3",
        "documented",
        "Each event is one line `data: <json>` and ends with two line feeds; "
        "between events there is nothing but comments",
        VOICE_LIVE,
    ),
    Clause("SSE-4", "documented", "No event has an `event:` field", VOICE_LIVE),
    Clause(
        "SSE-5",
        "documented",
        "The data of each event is a JSON object with a `type`, a non-empty string",
        VOICE_LIVE,
    ),
    Clause(
        "SSE-6",
        "documented",
        "There is exactly one output_audio_transcription.done, and its `text` is a string",
        VOICE_LIVE,
    ),
    Clause(
        "SSE-7",
        "documented",
        'There is exactly one {"type":"done"}, and it is the last event',
        VOICE_LIVE,
    ),
    Clause(
        "SSE-8",
        "documented",
        "No output_audio_transcription.delta follows output_audio_transcription.done",
        VOICE_LIVE,
    ),
    Clause(
        "SSE-9",
        "documented",
        "The text of output_audio_transcription.done is the concatenation of the deltas, "
        "to the character",
        VOICE_LIVE,
    ),
    Clause("SSE-10", "documented", "The `delta` of each spoken event is a string", VOICE_LIVE),
    Clause("SSE-11", "strict", "No delta is empty", PROJECT),
    Clause(
        "SSE-12",
        "documented",
        "The HTTP body ends as HTTP says that it ends: the stream is not cut",
        HTTP,
    ),
    Clause(
        "SSE-13",
        "strict",
        "Cache-Control: no-cache and X-Accel-Buffering: no keep proxies from buffering",
        INVOCATIONS,
        "container",
    ),
    Clause(
        "SSE-14",
        "strict",
        "Speech is answered with at least one delta, and not with an agent.error",
        PROJECT,
    ),
    Clause(
        "SSE-15",
        "strict",
        "A delta or client event leaves at the moment that the agent yields it",
        PROJECT,
    ),
    # What is sent to the agent
    Clause(
        "IN-1",
        "documented",
        '{"type":"input_audio.transcription","input":"…"} is answered as speech, '
        "whatever the language and length",
        VOICE_LIVE,
    ),
    Clause(
        "IN-2",
        "documented",
        "A greeting (empty body, {}, empty, null or missing input) is not a server error",
        SDK,
    ),
    Clause("IN-3", "strict", "A greeting is answered with a stream", PROJECT),
    Clause(
        "IN-4",
        "documented",
        "An action (any other JSON object, unknown types too) is not a server error",
        SDK,
    ),
    Clause("IN-5", "strict", "An action is answered with a stream", PROJECT),
    Clause("IN-6", "strict", "An action reaches the agent verbatim", PROJECT),
    Clause(
        "IN-7",
        "strict",
        '{"message":"…"}, {"input":"…"} and text/plain are speech',
        INVOCATIONS,
    ),
    Clause(
        "IN-8",
        "strict",
        "Parameters of the content type, a missing content type and unknown fields "
        "don't change what is understood",
        PROJECT,
    ),
    # Bad input
    Clause("BAD-1", "strict", "Malformed JSON is refused with a status of 4xx", PROJECT),
    Clause("BAD-2", "strict", "Invalid UTF-8 is refused with a status of 4xx", PROJECT),
    Clause("BAD-3", "strict", "JSON that is not an object is refused with 4xx", PROJECT),
    Clause(
        "BAD-4", "strict", "An `input` or `message` of a wrong type is refused with 4xx", PROJECT
    ),
    Clause("BAD-5", "strict", "A body over 1 MiB is refused with 4xx", PROJECT),
    Clause(
        "BAD-6",
        "strict",
        "Hostile JSON (deep nesting, lone surrogates, huge numbers, duplicate keys, a byte order "
        "mark) is refused with 4xx or answered with a proper stream",
        PROJECT,
    ),
    Clause("BAD-7", "strict", "Bad input leaves the conversation untouched", PROJECT),
    # Ids and headers
    Clause(
        "ID-1",
        "documented",
        "POST /invocations answers with x-agent-invocation-id; a valid one that was sent is kept",
        INVOCATIONS,
        "container",
    ),
    Clause(
        "ID-2",
        "documented",
        "An invocation id that is invalid or longer than 256 characters is replaced by a valid one",
        INVOCATIONS,
        "container",
    ),
    Clause(
        "ID-3",
        "documented",
        "POST /invocations answers with x-agent-session-id; "
        "a valid one in the query's agent_session_id is kept",
        HOSTING,
    ),
    Clause(
        "ID-4",
        "documented",
        "An invalid agent_session_id is replaced by a valid session id",
        INVOCATIONS,
        "container",
    ),
    Clause(
        "ID-5",
        "strict",
        "Ids are matched in full: one that ends with a line feed is invalid",
        PROJECT,
        "container",
    ),
    Clause("ID-6", "documented", "No part of a request can add a header to the response", HTTP),
    Clause(
        "ID-7",
        "documented",
        "GET and cancel answer with x-agent-invocation-id as it stands in the path",
        INVOCATIONS,
        "container",
    ),
    Clause(
        "ID-8",
        "strict",
        "An invalid id in the path is answered with 4xx and the error envelope",
        PROJECT,
        "container",
    ),
    Clause(
        "ID-9",
        "strict",
        "GET and cancel don't answer with x-agent-session-id",
        INVOCATIONS,
        "container",
    ),
    Clause(
        "REQ-1",
        "documented",
        "Every response has x-request-id, readiness and errors too",
        CORE,
        "container",
    ),
    Clause(
        "REQ-2",
        "documented",
        "x-request-id is the trace id of a valid traceparent, also where x-request-id was sent",
        CORE,
        "container",
    ),
    Clause(
        "REQ-3",
        "documented",
        "Without a traceparent, the x-request-id that was sent comes back",
        CORE,
        "container",
    ),
    Clause(
        "SERVER-1",
        "documented",
        "Every response has x-platform-server: `name/version (python/x.y)`, "
        "segments joined by a space",
        CORE,
        "container",
    ),
    # Errors
    Clause(
        "ERR-1",
        "documented",
        'An error of a protocol endpoint has the JSON body {"error":{"code","message"}}',
        INVOCATIONS,
    ),
    Clause(
        "ERR-2",
        "documented",
        "An error of a protocol endpoint has x-platform-error-source: user, platform or upstream",
        HOSTING,
        "container",
        left="it marks the errors that it answers itself; set the header on an agent's own",
    ),
    Clause(
        "ERR-3",
        "strict",
        "The router's own 404 and 405 have the envelope and x-platform-error-source too",
        PROJECT,
        "container",
    ),
    Clause("ERR-4", "strict", "Bad input is x-platform-error-source: user", PROJECT, "container"),
    # Invocations by id
    Clause(
        "INV-1",
        "documented",
        "GET and cancel of an unknown invocation answer 404",
        INVOCATIONS,
    ),
    Clause(
        "INV-2",
        "documented",
        "Where GET knows an invocation, its `status` is running, completed, cancelled or failed",
        INVOCATIONS,
    ),
    Clause("INV-3", "strict", "GET of a completed turn says so, with its text", PROJECT),
    Clause(
        "INV-4",
        "strict",
        "Cancel ends a running turn: its stream ends properly, and GET says cancelled",
        PROJECT,
    ),
    Clause("INV-5", "strict", "Cancel of an ended turn answers with its state", PROJECT),
    Clause("INV-6", "strict", "GET of a turn whose agent failed says failed", PROJECT),
    Clause(
        "INV-7",
        "strict",
        "Nobody reads or cancels the turn of another user: it is unknown to them",
        PROJECT,
        "container",
    ),
    Clause(
        "INV-8",
        "documented",
        "A wrong method on /invocations or below answers 405 with Allow",
        INVOCATIONS,
        "container",
    ),
    Clause(
        "DOC-1",
        "documented",
        "GET /invocations/docs/openapi.json answers with a JSON object, or 404",
        INVOCATIONS,
    ),
    Clause(
        "DOC-2",
        "strict",
        "The OpenAPI document describes POST /invocations, its inputs and its event stream",
        PROJECT,
    ),
    # Turns and conversations
    Clause(
        "TURN-1",
        "documented",
        "After the caller has gone in mid-stream, the session's next turn is answered",
        CANCELLING,
    ),
    Clause(
        "TURN-2",
        "documented",
        "Two turns of one session at once: both streams are proper",
        VOICE_LIVE,
    ),
    Clause(
        "TURN-3",
        "strict",
        "A new turn supersedes the running one of its session, which ends at once",
        PROJECT,
    ),
    Clause(
        "TURN-4",
        "documented",
        "Many turns at once, each in its own session: every one is answered, with its own ids",
        HOSTING,
    ),
    Clause("TURN-5", "documented", "No word of one session reaches another session", HOSTING),
    Clause(
        "TURN-6",
        "documented",
        "No word of one x-agent-user-id reaches another in the same session",
        HOSTING,
        "container",
    ),
    Clause("TURN-7", "strict", "A session remembers its own earlier turns", PROJECT),
    Clause(
        "TURN-8",
        "strict",
        "When the caller goes, the agent stops: GET says cancelled, with what was delivered",
        PROJECT,
    ),
    # Failures behind the wire
    Clause(
        "FAIL-1",
        "strict",
        "An agent that raises, yields nothing or yields a wrong type is answered for: spoken "
        "apology, an agent.error event with code and message, then both ends of the stream",
        PROJECT,
    ),
    Clause("FAIL-2", "strict", "No caller gets an exception's text", PROJECT),
    # Keep-alive
    Clause(
        "KEEP-1",
        "documented",
        "With SSE_KEEPALIVE_INTERVAL, an idle stream carries comments",
        INVOCATIONS,
    ),
    # Drain
    Clause(
        "DRAIN-1",
        "documented",
        "After SIGTERM, a running stream still ends properly",
        HOSTING,
        "container",
    ),
    Clause(
        "DRAIN-2",
        "documented",
        "After SIGTERM, no new turn starts and readiness is not 200",
        HOSTING,
        "container",
    ),
    Clause(
        "DRAIN-3",
        "documented",
        "After SIGTERM and the end of its streams, the process ends",
        HOSTING,
        "container",
    ),
    Clause("DRAIN-4", "strict", "A drained process ends with exit status 0", PROJECT, "container"),
    Clause(
        "DRAIN-5",
        "strict",
        "A turn that outlasts the grace period is ended with a spoken sentence and a proper end",
        PROJECT,
        "container",
    ),
    Clause("LOG-1", "strict", "What was said does not reach the log", PROJECT, "container"),
)

_ALL = (*_INVOCATIONS_CLAUSES, *BRIDGE_CLAUSES, *RESPONSES_CLAUSES)
CLAUSES = {clause.id: clause for clause in _ALL}


def write_table() -> str:
    """The clauses as a Markdown table, as it stands in docs/reference/contract.md."""
    rows = [
        f"| {clause.id} | {clause.title} | {clause.level}"
        f"{', container' if clause.reach == 'container' else ''} | {clause.source} |"
        for clause in _ALL
    ]
    return "\n".join(["| clause | what it asks | level | source |", "|---|---|---|---|", *rows])


if __name__ == "__main__":
    print(write_table())
