"""The clauses of agents of the Responses protocol."""

from functools import partial

from voicelive_agent.contract.clauses.clause import (
    CORE,
    HOSTING,
    PROJECT,
    RESPONSES,
    Clause,
)

_clause = partial(Clause, protocol="responses")
_STORE = "isolation to its store: the one for a developer's machine has none until 2.4.0b1"

RESPONSES_CLAUSES: tuple[Clause, ...] = (
    _clause(
        "RS-1",
        "documented",
        "POST /responses answers 200 with a completed response as JSON, also without `stream`",
        RESPONSES,
    ),
    _clause(
        "RS-2",
        "documented",
        "With `stream` it answers text/event-stream: `event:` and `data:` of each event, its type "
        "the same in both",
        RESPONSES,
    ),
    _clause(
        "RS-3",
        "documented",
        "The events come in the protocol's order, from response.created to one end",
        RESPONSES,
    ),
    _clause("RS-4", "documented", "sequence_number counts from 0 without a gap", RESPONSES),
    _clause(
        "RS-5",
        "documented",
        "The text of a part that is done is the concatenation of its deltas, and stands in the "
        "completed response",
        RESPONSES,
    ),
    _clause(
        "RS-6",
        "documented",
        "Ids of responses and items are caresp_ and msg_ with the same partition key",
        RESPONSES,
    ),
    _clause(
        "RS-7",
        "documented",
        "`input` may be a text, a list of messages, empty or missing",
        RESPONSES,
    ),
    _clause(
        "RS-8",
        "documented",
        "Broken JSON, an input of another type and metadata beyond its bounds get 400",
        RESPONSES,
    ),
    _clause(
        "RS-9",
        "documented",
        'An error is {"error":{"code","message","type"}} with a code and a message',
        RESPONSES,
    ),
    _clause(
        "RS-10",
        "documented",
        "Errors have x-platform-error-source: user, platform or upstream",
        HOSTING,
        "container",
    ),
    _clause("RS-11", "documented", "metadata and model come back as they were sent", RESPONSES),
    _clause(
        "RS-12",
        "documented",
        "GET gives a stored response as it was answered, and 404 for an unknown one",
        RESPONSES,
    ),
    _clause(
        "RS-13",
        "documented",
        "DELETE removes a stored response: it is unknown afterwards",
        RESPONSES,
    ),
    _clause(
        "RS-14",
        "documented",
        "GET …/input_items lists what was sent, newest first, with `limit`",
        RESPONSES,
    ),
    _clause(
        "RS-15",
        "documented",
        "store: false keeps nothing: the response is unknown afterwards",
        RESPONSES,
    ),
    _clause(
        "RS-16",
        "documented",
        "A response that is not in the background can't be cancelled (400); an unknown one is 404",
        RESPONSES,
    ),
    _clause(
        "RS-17",
        "documented",
        "background needs store, and stream_options needs stream (400)",
        RESPONSES,
    ),
    _clause(
        "RS-18",
        "documented",
        "A malformed previous_response_id and a malformed id in the path get 400",
        RESPONSES,
    ),
    _clause(
        "RS-19",
        "documented",
        "After the caller has gone in mid-stream, the conversation's next turn is answered",
        RESPONSES,
    ),
    _clause(
        "RS-20",
        "documented",
        "Many turns at once, each in its own conversation: every one is answered, with its own id",
        HOSTING,
    ),
    _clause(
        "RS-21",
        "documented",
        "No user reads, continues or deletes the response of another",
        HOSTING,
        "container",
        left=_STORE,
    ),
    _clause(
        "RS-22",
        "documented",
        "The answer has x-request-id, x-platform-server and x-agent-session-id",
        CORE,
        "container",
    ),
    _clause(
        "RS-23",
        "strict",
        "previous_response_id and conversation bring the turns before",
        PROJECT,
        left="the history to the agent, which has to ask for it",
    ),
    _clause(
        "RS-24",
        "strict",
        "An agent that raises is a failed response without its exception's text",
        PROJECT,
    ),
    _clause(
        "RS-25",
        "documented",
        "After SIGTERM, a running stream still ends by its last event",
        HOSTING,
        "container",
    ),
    _clause(
        "RS-26",
        "documented",
        "After SIGTERM, no new turn starts",
        HOSTING,
        "container",
    ),
    _clause(
        "RS-27",
        "documented",
        "After SIGTERM and the end of its streams, the process ends",
        HOSTING,
        "container",
    ),
    _clause(
        "RS-28",
        "strict",
        "After SIGTERM, a running answer is given whole",
        PROJECT,
        "container",
        left="the drain: it cuts the answer, as response.incomplete",
    ),
)
