"""Effects: what a session wants done, the outputs of ``Session.handle``, in their order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from voicelive_agent.emulator.agents import AgentRequest, CallBegan, CallNote
from voicelive_agent.emulator.mcp import McpEndpoint
from voicelive_agent.wire.audio.formats import AudioFormat
from voicelive_agent.wire.voice_live.session import EchoCancellation, NoiseReduction
from voicelive_agent.wire.voice_live.turn_detection import ServerVad


@dataclass(frozen=True, slots=True)
class Send:
    """Send this event to the client; none may be dropped or reordered."""

    event: dict[str, Any]
    audio: bytes = b""
    """The audio of a ``response.audio.delta`` as it was before base64, for the journal."""


# Input audio.


@dataclass(frozen=True, slots=True)
class ConfigureInput:
    """How to hear from now on; the first effect of this kind comes with ``open``."""

    format: AudioFormat
    channels: int
    """2: interleaved, the microphone and then what the loudspeaker plays."""
    turn_detection: ServerVad | None
    """None: turns are ended by the client."""
    language: str
    """BCP-47; one of them where the session names several."""
    phrases: tuple[str, ...]
    noise_reduction: NoiseReduction | None
    echo_cancellation: EchoCancellation | None


@dataclass(frozen=True, slots=True)
class CheckVoice:
    """Warn of what can't be met of a voice, before anything is said with it."""

    voice: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ProcessInput:
    """Audio from the client in the configured input format; it moves the timeline on."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class BeginUtterance:
    """Give the recogniser a new utterance, from this point of the timeline on.

    ``start_ms`` None: from the start of the input buffer, which is where it was last cleared
    or the last utterance ended.
    """

    item_id: str
    start_ms: int | None


@dataclass(frozen=True, slots=True)
class FinishUtterance:
    """The utterance has all its audio (to ``end_ms`` and a little after, None: all received).

    Answered by one ``FinalTranscript`` or ``TranscriptionFailed``.
    """

    item_id: str
    end_ms: int | None


@dataclass(frozen=True, slots=True)
class DiscardUtterance:
    """Drop the utterance, before or after it is finished."""

    item_id: str


@dataclass(frozen=True, slots=True)
class ClearInput:
    """Forget buffered input audio, and let voice activity begin anew."""


@dataclass(frozen=True, slots=True)
class TranscribeAudio:
    """Recognise a recording that came with an item, apart from the microphone's timeline.

    It is in the configured input format. Answered by one ``FinalTranscript`` or
    ``TranscriptionFailed``.
    """

    item_id: str
    audio: bytes


# The agent.


@dataclass(frozen=True, slots=True)
class AskAgent:
    """Ask the agent. Told back as ``AgentSent`` until ``AnswerFinished``, or ``AnswerFailed``."""

    response_id: str
    request: AgentRequest


@dataclass(frozen=True, slots=True)
class StopAgent:
    """Close the agent's stream at once."""

    response_id: str


@dataclass(frozen=True, slots=True)
class TellHeard:
    """Tell the agent that its answer was interrupted, and what was heard of it."""

    response_id: str
    text: str


@dataclass(frozen=True, slots=True)
class TellAgent:
    """Tell an agent that is called what happens besides turns; others are told nothing."""

    note: CallBegan | CallNote


@dataclass(frozen=True, slots=True)
class WriteInterim:
    """Ask a model what to say until the answer comes. Told back as one ``InterimWritten``."""

    response_id: str
    request: AgentRequest


@dataclass(frozen=True, slots=True)
class StopInterim:
    """Nothing is to be said in the meantime any more."""

    response_id: str


# MCP servers.


@dataclass(frozen=True, slots=True)
class ListMcpTools:
    """Ask a server what it offers. Told back as one ``McpListed``."""

    item_id: str
    endpoint: McpEndpoint


@dataclass(frozen=True, slots=True)
class CallMcpTool:
    """Call a tool of a server. Told back as one ``McpCalled``, unless it is stopped."""

    item_id: str
    endpoint: McpEndpoint
    tool: str
    arguments: str
    """JSON, as the model wrote it."""


@dataclass(frozen=True, slots=True)
class StopMcpCall:
    """Nobody waits for the result any more."""

    item_id: str


# Output audio.


@dataclass(frozen=True, slots=True)
class Speak:
    """Speak this clause after those before it. Told back as ``ClauseAudio``…, ``ClauseSpoken``.

    A clause without a speakable character may be answered by ``ClauseSpoken`` alone.
    """

    response_id: str
    item_id: str
    clause: int
    """Counts from 0 within the response."""
    text: str
    voice: Mapping[str, Any]
    """The ``voice`` object of the session or of the response."""
    output_format: str
    """``pcm16`` (24 kHz), ``pcm16_8000hz``…, ``g711_ulaw`` or ``g711_alaw``: new spelling."""


@dataclass(frozen=True, slots=True)
class StopSpeaking:
    """Drop all clauses of this response, the one being spoken and audio not yet sent too."""

    response_id: str


# Everything else.


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Tell ``TimerExpired`` after ``ms`` of the session's clock; replaces one of that name."""

    name: str
    ms: int


@dataclass(frozen=True, slots=True)
class ClearTimer:
    """Forget the timer; nothing happens where there is none."""

    name: str


@dataclass(frozen=True, slots=True)
class ExpireAfter:
    """Tell ``SessionExpired`` after so long by the machine's clock, which ``expires_at`` tells."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Close:
    """Close the WebSocket; the last effect of a session."""

    code: int
    reason: str


Effect = (
    Send
    | ConfigureInput
    | CheckVoice
    | ProcessInput
    | BeginUtterance
    | FinishUtterance
    | DiscardUtterance
    | ClearInput
    | TranscribeAudio
    | AskAgent
    | StopAgent
    | TellHeard
    | TellAgent
    | WriteInterim
    | StopInterim
    | ListMcpTools
    | CallMcpTool
    | StopMcpCall
    | Speak
    | StopSpeaking
    | SetTimer
    | ClearTimer
    | ExpireAfter
    | Close
)
