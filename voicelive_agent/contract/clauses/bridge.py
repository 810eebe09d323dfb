"""The clauses of agents that Voice Live reaches over its Bridge."""

from functools import partial

from voicelive_agent.contract.clauses.clause import (
    BRIDGE_DESIGN,
    CORE,
    HOSTING,
    INVOCATIONS,
    PROJECT,
    WEBSOCKET,
    Clause,
)

_clause = partial(Clause, protocol="bridge")
_NO_ORDER = "the order of a session's messages: the callback is called whatever came before"

BRIDGE_CLAUSES: tuple[Clause, ...] = (
    _clause(
        "BR-1",
        "documented",
        "A WebSocket is taken at /voice_conversation_engine or /invocations_ws",
        INVOCATIONS,
    ),
    _clause(
        "BR-2",
        "documented",
        "session.start is answered by one session.ready, before anything else",
        INVOCATIONS,
    ),
    _clause(
        "BR-3",
        "documented",
        "Each message is a text frame: one JSON object with type, id and ts, its fields as the "
        "protocol has them",
        INVOCATIONS,
    ),
    _clause(
        "BR-4",
        "documented",
        "Each input is settled exactly once, by response.created or response.none",
        BRIDGE_DESIGN,
    ),
    _clause(
        "BR-5",
        "documented",
        "A response is created, then its items one after another, each done, then response.done",
        BRIDGE_DESIGN,
    ),
    _clause(
        "BR-6",
        "documented",
        "The text of an item that is done is the concatenation of its deltas",
        BRIDGE_DESIGN,
    ),
    _clause("BR-7", "documented", "No response id is used twice", BRIDGE_DESIGN),
    _clause(
        "BR-8", "documented", "Messages and fields of a later version are ignored", INVOCATIONS
    ),
    _clause(
        "BR-9",
        "documented",
        "What is no message (no JSON, no object, no id, a key twice, null where a field may be "
        "left out) closes with 1002",
        INVOCATIONS,
    ),
    _clause(
        "BR-10",
        "documented",
        "A binary frame, and a message that agents of text don't take, closes with 1003",
        INVOCATIONS,
    ),
    _clause(
        "BR-11",
        "documented",
        "A frame of 1,048,576 bytes is read; a longer one closes with 1009",
        INVOCATIONS,
    ),
    _clause(
        "BR-12",
        "documented",
        "Malformed or repeated headers don't fail the upgrade",
        INVOCATIONS,
        "container",
    ),
    _clause(
        "BR-13",
        "documented",
        "The answer to the upgrade has x-platform-server",
        CORE,
        "container",
    ),
    _clause(
        "BR-14",
        "documented",
        "After barge_in nothing more comes of that response, and the next turn is answered",
        BRIDGE_DESIGN,
        left="what a barge-in stops: it calls a callback and goes on",
    ),
    _clause(
        "BR-15",
        "documented",
        "barge_in after response.done, and of an unknown response, is taken",
        BRIDGE_DESIGN,
    ),
    _clause(
        "BR-16",
        "documented",
        "user.no_input is settled as any input is",
        BRIDGE_DESIGN,
        left="user.no_input: without a callback nobody settles it",
    ),
    _clause(
        "BR-17",
        "documented",
        "An input that comes twice is answered once",
        BRIDGE_DESIGN,
        left="inputs that come twice",
    ),
    _clause(
        "BR-18",
        "documented",
        "Nothing is answered before session.start",
        BRIDGE_DESIGN,
        left=_NO_ORDER,
    ),
    _clause(
        "BR-19",
        "strict",
        "A second session.start closes with 1008",
        BRIDGE_DESIGN,
        left=_NO_ORDER,
    ),
    _clause(
        "BR-20",
        "documented",
        "After response.timeout nothing more comes of that response, and the next turn is answered",
        BRIDGE_DESIGN,
        left="what a timeout stops",
    ),
    _clause(
        "BR-21",
        "strict",
        "Another protocol version gets session.rejected (protocol_mismatch, not retriable)",
        BRIDGE_DESIGN,
        left="the version",
    ),
    _clause("BR-22", "documented", "A reconnection (without a greeting) is taken", INVOCATIONS),
    _clause("BR-23", "documented", "Pings are answered while it speaks", WEBSOCKET),
    _clause(
        "BR-24",
        "documented",
        "Many calls at once, each in its own session: every one is answered",
        HOSTING,
    ),
    _clause("BR-25", "documented", "No word of one session reaches another session", HOSTING),
    _clause(
        "BR-26",
        "documented",
        "A call that breaks off takes no other with it, and its session can be called again",
        HOSTING,
    ),
    _clause("BR-27", "strict", "session.end closes the connection with 1000", PROJECT),
    _clause(
        "BR-28",
        "strict",
        "A session remembers what was said, and of an answer that was cut what was heard",
        PROJECT,
        left="the history, and what was heard of it",
    ),
    _clause(
        "BR-29",
        "strict",
        "An input while a response is open supersedes it: it ends by response.cancel",
        PROJECT,
    ),
    _clause(
        "BR-30",
        "documented",
        "After SIGTERM, the answer that is being made is still given to its end",
        HOSTING,
        "container",
    ),
    _clause(
        "BR-31",
        "strict",
        "After SIGTERM, a call is closed with 1001 once its answer is done",
        WEBSOCKET,
        "container",
        left="the drain: it holds its calls for 30 s and closes them with 1011",
    ),
    _clause(
        "BR-32",
        "documented",
        "After SIGTERM and the end of its calls, the process ends",
        HOSTING,
        "container",
    ),
)
