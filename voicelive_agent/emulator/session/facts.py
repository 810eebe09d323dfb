"""Facts: what a session is told, the inputs of ``Session.handle``.

The shell tells these in the order in which they happened. A fact about a response, an utterance
or a timer that is no more is allowed and changes nothing.
"""

from dataclasses import dataclass
from typing import Any

from voicelive_agent.emulator import agents
from voicelive_agent.emulator.mcp import McpTool
from voicelive_agent.emulator.stt import Transcript
from voicelive_agent.emulator.tts import SpokenWord, Viseme
from voicelive_agent.emulator.vad import SpeechStarted as SpeechStarted
from voicelive_agent.emulator.vad import SpeechStopped as SpeechStopped


@dataclass(frozen=True, slots=True)
class ClientSent:
    """The client sent an event: the parsed JSON, whatever it is."""

    event: Any


# Input audio; ``SpeechStarted`` and ``SpeechStopped`` are as turn detection tells them.


@dataclass(frozen=True, slots=True)
class PartialTranscript:
    """The recogniser's text so far of an utterance: all of it, and it may be revised."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class FinalTranscript:
    """The recogniser's last word on a finished utterance."""

    item_id: str
    transcript: Transcript


@dataclass(frozen=True, slots=True)
class TranscriptionFailed:
    """The recogniser failed on an utterance; ``message`` is for the developer."""

    item_id: str
    message: str


# The agent.


@dataclass(frozen=True, slots=True)
class AgentSent:
    """The next event of the answer, ``AnswerFinished`` included."""

    response_id: str
    event: agents.AgentEvent


@dataclass(frozen=True, slots=True)
class AnswerFailed:
    """No answer, or one that breaks off: ``code`` and ``message`` of a ``AnswerError``."""

    response_id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class AgentCalled:
    """What the agent of a call wants unasked."""

    event: agents.CallEvent


@dataclass(frozen=True, slots=True)
class InterimWritten:
    """What to say until the answer comes; empty where the model gave nothing."""

    response_id: str
    text: str


# MCP servers.


@dataclass(frozen=True, slots=True)
class McpListed:
    """What a server offers; None where it can't be asked, and ``message`` says why."""

    item_id: str
    tools: tuple[McpTool, ...] | None
    message: str = ""


@dataclass(frozen=True, slots=True)
class McpCalled:
    """What a tool said; ``is_error``: it failed, or could not be called."""

    item_id: str
    output: str
    is_error: bool = False


# Output audio. Clauses are numbered by ``Speak.clause`` within a response.


@dataclass(frozen=True, slots=True)
class ClauseAudio:
    """The next piece of a clause's audio, in the format of its ``Speak``.

    ``words`` and ``visemes`` count from the start of the clause, as ``emulator.tts`` says;
    each is told once, with or before the audio that it belongs to.
    """

    response_id: str
    clause: int
    audio: bytes
    duration_ms: float
    words: tuple[SpokenWord, ...] = ()
    visemes: tuple[Viseme, ...] = ()


@dataclass(frozen=True, slots=True)
class ClauseSpoken:
    """All audio of a clause has been told."""

    response_id: str
    clause: int


@dataclass(frozen=True, slots=True)
class SynthesisFailed:
    """The speech engine failed on a response; ``message`` is for the developer."""

    response_id: str
    message: str


# Everything else.


@dataclass(frozen=True, slots=True)
class Warned:
    """Something to warn the client about: what can't be had, say a voice."""

    message: str
    code: str | None = None
    param: str | None = None


@dataclass(frozen=True, slots=True)
class TimerExpired:
    """A timer set with ``SetTimer`` ran out."""

    name: str


@dataclass(frozen=True, slots=True)
class SessionExpired:
    """The session has reached its limit."""


Fact = (
    ClientSent
    | SpeechStarted
    | SpeechStopped
    | PartialTranscript
    | FinalTranscript
    | TranscriptionFailed
    | AgentSent
    | AnswerFailed
    | AgentCalled
    | InterimWritten
    | McpListed
    | McpCalled
    | ClauseAudio
    | ClauseSpoken
    | SynthesisFailed
    | Warned
    | TimerExpired
    | SessionExpired
)
