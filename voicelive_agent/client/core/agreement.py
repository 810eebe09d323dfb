"""What the service has agreed to: the session as it tells it."""

from collections.abc import Mapping
from typing import Any

from voicelive_agent.client.core.events import read_mapping, read_number, read_text


class Agreement:
    """The members of ``session.created`` and ``session.updated`` that the client acts on."""

    def __init__(self, thread_id: str | None = None) -> None:
        self.thread_id = thread_id
        """The agent's conversation, to go on with it on another connection."""
        self.expires_at_s: float | None = None
        """When the service ends the session, in Unix time."""
        self.interrupts = True
        """Whether the person's speech cuts the agent short."""
        self.answers_speech = True
        """Whether each turn of the person is answered unasked."""
        self.truncates = False
        """Whether the service itself reckons what was heard of a cut answer."""

    def read(self, session: Mapping[str, Any], *, is_updated: bool) -> None:
        """``session.created`` tells of limits only; the rules hold from ``session.updated`` on."""
        expires_at_s = read_number(session, "expires_at")
        if expires_at_s is not None and expires_at_s > 0:
            self.expires_at_s = float(expires_at_s)
        if not is_updated:
            return
        self.thread_id = read_text(read_mapping(session, "agent"), "thread_id") or self.thread_id
        detection = read_mapping(session, "turn_detection")
        self.interrupts = bool(detection) and detection.get("interrupt_response") is not False
        self.answers_speech = bool(detection) and detection.get("create_response") is not False
        self.truncates = detection.get("auto_truncate") is True
