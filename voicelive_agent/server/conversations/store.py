"""The protocol of a conversation store, the records it keeps, and the limits it keeps to.

Text that is no valid Unicode (a lone surrogate, which JSON can carry) is stored with U+FFFD in
its place, character for character, so that lengths stay what they were.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from voicelive_agent.agent import PastTurn, TurnKind

_SECONDS_PER_DAY = 86_400

TurnStatus = Literal["running", "completed", "cancelled", "failed"]


class ConversationKey(NamedTuple):
    """Names one conversation: the session, within the user where the platform sends one."""

    user_id: str
    session_id: str


@dataclass(slots=True)
class TurnRecord:
    """One turn as it is stored. All times are Unix seconds."""

    invocation_id: str
    key: ConversationKey
    kind: TurnKind
    text: str = ""
    action: dict[str, Any] | None = None
    status: TurnStatus = "running"
    reason: str = ""
    """Why it ended: completed, superseded, cancelled, disconnected, draining, or an error code."""
    reply: str = ""
    """All that was delivered: the concatenation of the deltas."""
    heard: str | None = None
    """The heard part of ``reply``, where that is shorter; None: all of it, or nobody can say."""
    heard_is_known: bool = False
    """Whether a wire told what was heard; otherwise ``heard`` is an estimate."""
    marks: list[tuple[int, int]] = field(default_factory=list)
    """When the reply was delivered: (ms since ``started_at``, characters so far), ascending;
    empty for one that is read instead of heard."""
    events: list[tuple[int, str]] = field(default_factory=list)
    """What was delivered besides text: (characters of ``reply`` before it, JSON). For whoever asks
    for the turn again; the turns of a loaded ``Conversation`` come without."""
    untried: bool = False
    """Whether the agent was not asked: who asks for the turn again gets a new one."""
    notes: dict[str, Any] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)
    """Earlier turns that came with this one's request, as (said, answered), oldest first."""
    follows: int | None = None
    """``sequence`` of the turn that this one goes on from; None: the one before it."""
    request: dict[str, Any] | None = None
    """What its wire keeps of the request, for whoever asks for the turn again."""
    started_at: float = 0.0
    ended_at: float | None = None
    interrupted: bool = False
    sequence: int = 0
    """Its place in the conversation, ascending and independent of any clock; ``begin`` sets it."""

    @property
    def is_spent(self) -> bool:
        """Whether its invocation id belongs to it: an agent has answered it, or may be doing so.

        What the agent did before the turn failed or was cut, a booking say, is done.
        """
        return self.status == "running" or not self.untried


@dataclass(slots=True)
class Conversation:
    """A conversation as it was loaded when a turn began: settled turns, oldest first.

    Only the newest turn has its ``marks``.
    """

    turns: list[TurnRecord] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    language: str = ""
    past: dict[int, PastTurn] = field(default_factory=dict, compare=False, repr=False)
    """What an agent is told of turns that stay as they are, by ``sequence``. The engine puts it
    here, and a store may bring it back with the next turn."""


@dataclass(frozen=True)
class Limits:
    """What a store keeps; sizes in bytes. Raises ValueError for a value that makes no sense."""

    retention_days: float = 30
    """A conversation without a turn for so long is removed."""
    max_turns: int = 1_000
    """Turns kept of one conversation; the oldest go first."""
    conversation_bytes: int = 4 << 20
    """Size of the turns kept of one, likewise; the newest stays."""
    user_bytes: int = 64 << 20
    """Size of the conversations of one user that the platform names; those go first that have been
    quiet the longest."""
    max_conversations: int = 100_000
    """Conversations kept in all; those of the user who has the most go first."""
    max_bytes: int = 1 << 30
    """Size of all that is kept, likewise."""
    history_turns: int = 50
    """Turns loaded when a new one begins."""
    history_bytes: int = 256 << 10
    """Size of these turns, without the newest, which is always loaded."""

    def __post_init__(self) -> None:
        for name, least in (
            ("retention_days", 1 / 24),
            ("max_turns", 1),
            ("conversation_bytes", 1),
            ("user_bytes", 1),
            ("max_conversations", 1),
            ("max_bytes", 1 << 20),
            ("history_turns", 1),
            ("history_bytes", 1),
        ):
            if not getattr(self, name) >= least:
                raise ValueError(f"{name} must be at least {least:g}, not {getattr(self, name)}")

    @property
    def retention_seconds(self) -> float:
        return self.retention_days * _SECONDS_PER_DAY


class StoreError(Exception):
    """The store can't be reached or can't write. Its text is for the log, never for a caller."""


class TurnExistsError(Exception):
    """The conversation has a turn with this invocation id already: ``record``."""

    def __init__(self, record: TurnRecord) -> None:
        super().__init__(record.invocation_id)
        self.record = record


StopTurn = Callable[[ConversationKey, str, str], None]
"""Called with (key, invocation id, reason) when another replica asks to stop a turn.

May be called more than once for a turn, and for one that has just ended. Invocation ids are only
unique within a user, hence the key.
"""


class ConversationStore(Protocol):
    """Keeps conversations. Every method raises StoreError when the store itself fails.

    A store may be shared by several replicas. ``begin`` is where one active turn per
    conversation is enforced among them: it asks the replica that runs an older turn to stop it
    (through that replica's ``on_stop``), waits until that turn is settled or its lease has
    expired, and returns the conversation with it. Within one process the engine has already
    settled the older turn before it calls ``begin``.
    """

    def now(self) -> float:
        """Unix seconds by the clock that all who share the store go by; turns are dated by it."""
        ...

    async def open(self, on_stop: StopTurn) -> None:
        """Connect, prepare, and settle as failed what a dead process left running."""

    async def close(self) -> None:
        """Flush and release everything."""

    async def ready(self) -> bool:
        """Whether turns can be stored now; what readiness reports."""

    async def begin(self, record: TurnRecord, *, is_new: bool = False) -> Conversation:
        """Store a running turn, set its ``sequence``, and return the conversation before it.

        ``is_new`` says that the session's id was made for this turn, so that nobody else can have
        used it: then nothing is before it, and a store need not look.

        Raises TurnExistsError, and changes nothing, where the conversation has a turn with this
        invocation id that ``is_spent``.
        """

    async def read(self, key: ConversationKey) -> Conversation:
        """The settled turns of a conversation as ``begin`` would return them; changes nothing."""

    async def settle(
        self, record: TurnRecord, conversation: Conversation, *, heard_before: TurnRecord | None
    ) -> None:
        """Store an ended turn with the conversation's state and language, atomically.

        ``heard_before`` is the turn before it, where this turn has shown that less of it was
        heard than had been delivered.

        A turn that lost its place to a newer one changes nothing but its own record. Notes or a
        state that are no JSON raise StoreError too, but the turn is stored without them.
        """

    async def find(
        self, user_id: str, invocation_id: str, session_id: str | None = None
    ) -> TurnRecord | None:
        """The newest turn with this id, of one session or of all; running ones of all replicas
        included. It has its ``events``.
        """

    async def stop_elsewhere(self, record: TurnRecord, reason: str) -> TurnRecord:
        """Ask the replica that runs this turn to stop it; return it as settled.

        ``record`` comes from ``find``. A replica that doesn't settle it in time loses it.
        """

    async def amend(self, record: TurnRecord) -> None:
        """Store an ended turn anew, of which more has become known.

        Nothing changes where it is stored no more, or has not ended. ``record`` is ``find``'s.
        """

    async def erase(self, record: TurnRecord) -> None:
        """Remove an ended turn; with its last one, the conversation. ``record`` is ``find``'s."""

    def list_keys(self) -> AsyncIterator[ConversationKey]:
        """Every stored conversation, in no order that means anything."""
        ...

    def export(self, key: ConversationKey | None = None) -> AsyncIterator[dict[str, Any]]:
        """Stored turns as JSON objects: of one conversation, or of one after the other.

        The turns of each conversation come oldest first.
        """
        ...

    async def purge(self, key: ConversationKey | None = None) -> int:
        """Apply the limits now, or remove one conversation; return how many were removed."""
        ...
