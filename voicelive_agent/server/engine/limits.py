"""What one turn may take, and how its server speaks."""

from dataclasses import dataclass, field

from voicelive_agent.server.engine.heard import SpeakingRate


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """Times in seconds."""

    first_delta_seconds: float = 10.0
    idle_seconds: float = 15.0
    total_seconds: float = 120.0
    closing_seconds: float = 3.0
    max_active_turns: int = 2000
    speakable: bool = True
    """Whether Markdown and the like are made speakable (``server.speakable``)."""
    language: str = "en-US"
    apology: str = ""
    closing: str = ""
    speaking_rate: SpeakingRate = field(default_factory=SpeakingRate)
