"""The ways in which a turn fails: codes for callers, sentences for the log."""

from voicelive_agent.server.engine.events import Shown

FAILURES = {
    "agent_failed": "the agent raised",
    "agent_no_output": "the agent yielded nothing",
    "agent_wrong_type": "the agent yielded something that is no text, ClientEvent or EndCall",
    "first_delta_timeout": "the agent said nothing before the first-delta deadline",
    "idle_timeout": "the agent said nothing more before the idle deadline",
    "turn_timeout": "the turn took longer than its total deadline",
    "conversation_unavailable": "the conversation store could not be read",
    "conversation_not_saved": "the conversation store could not be written",
    "internal_error": "the server itself failed",
}
"""What the log says of each code; a caller hears an apology only."""


def describe_failure(code: str) -> Shown:
    """The client event of a failure: a code and a sentence, nothing of what is inside."""
    return Shown(
        {"type": "agent.error", "error": {"code": code, "message": f"This turn failed: {code}."}}
    )
