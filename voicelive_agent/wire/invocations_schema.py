"""The shapes of the Invocations protocol as pydantic models, for its OpenAPI description.

A module of its own: whoever writes or reads events (``wire.invocations``) need not import pydantic.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel


class SpeechInput(BaseModel):
    """Speech, as Voice Live sends it."""

    type: Literal["input_audio.transcription"]
    input: str | None = None


class MessageInput(BaseModel):
    """Speech, for curl."""

    model_config = ConfigDict(extra="forbid")

    message: str | None


class BareInput(BaseModel):
    """Speech, for curl."""

    model_config = ConfigDict(extra="forbid")

    input: str | None


class GreetingInput(BaseModel):
    """A greeting is asked for."""

    model_config = ConfigDict(extra="forbid")


class TurnInput(RootModel[Any]):
    """What a turn is asked with; a greeting also by no body at all."""

    root: (
        SpeechInput
        | MessageInput
        | BareInput
        | GreetingInput
        | Annotated[
            dict[str, Any],
            Field(
                title="ActionInput",
                description="An action: what a client sent as invoke_input, verbatim.",
                min_length=1,
            ),
        ]
    )


class DeltaEvent(BaseModel):
    """Text to be spoken."""

    type: Literal["output_audio_transcription.delta"]
    delta: str = Field(min_length=1)


class SpeechDoneEvent(BaseModel):
    """All of the text, once."""

    type: Literal["output_audio_transcription.done"]
    text: str


class DoneEvent(BaseModel):
    """The end, once."""

    type: Literal["done"]


class ErrorDetail(BaseModel):
    """A code for programs, and a sentence for people."""

    code: str
    message: str


class AgentErrorEvent(BaseModel):
    """The turn failed."""

    type: Literal["agent.error"]
    error: ErrorDetail


class EndCallEvent(BaseModel):
    """The agent ends the call."""

    type: Literal["agent.end_call"]
    reason: str


class ScreenEvent(BaseModel):
    """An event of the agent's own, for the client's screen."""

    model_config = ConfigDict(extra="allow")

    type: str


class StreamEvent(RootModel[Any]):
    """One event of an answer."""

    root: DeltaEvent | SpeechDoneEvent | DoneEvent | AgentErrorEvent | EndCallEvent | ScreenEvent


class TurnState(BaseModel):
    """How a turn stands, as GET and cancel report it."""

    invocation_id: str
    session_id: str
    status: Literal["running", "completed", "cancelled", "failed"]
    text: str = Field(description="What was delivered so far.")
    interrupted: bool
    error: ErrorDetail | None = Field(None, description="Of a turn that failed.")


class Error(BaseModel):
    """The envelope of every error (Foundry, hosted agent contract)."""

    error: ErrorDetail


class Health(BaseModel):
    """This container takes turns."""

    status: Literal["healthy"]
