"""How much of conversations is kept, and how much of one is loaded for a turn."""

from dataclasses import dataclass

_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class Limits:
    """What a store keeps. Raises ValueError for a value that makes no sense."""

    retention_days: float = 30
    """A conversation without a turn for so long is removed."""
    max_turns: int = 1_000
    """Turns kept of one conversation; the oldest go first."""
    max_conversations: int = 100_000
    """Conversations kept; those go first that have been quiet the longest."""
    max_bytes: int = 1 << 30
    """Size of all that is kept, likewise."""
    history_turns: int = 50
    """Turns loaded when a new one begins."""

    def __post_init__(self) -> None:
        for name, least in (
            ("retention_days", 1 / 24),
            ("max_turns", 1),
            ("max_conversations", 1),
            ("max_bytes", 1 << 20),
            ("history_turns", 1),
        ):
            if not getattr(self, name) >= least:
                raise ValueError(f"{name} must be at least {least:g}, not {getattr(self, name)}")

    @property
    def retention_seconds(self) -> float:
        return self.retention_days * _SECONDS_PER_DAY
