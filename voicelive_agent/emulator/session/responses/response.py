"""One response, from ``response.created`` to its one ``response.done``."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from voicelive_agent.emulator.agents import Usage
from voicelive_agent.emulator.session.conversation import ConversationItems
from voicelive_agent.emulator.session.effects import Speak
from voicelive_agent.emulator.session.facts import ClauseAudio
from voicelive_agent.emulator.session.heard import Clause, PlaybackEstimate, SpokenText
from voicelive_agent.emulator.session.mcp_servers import McpTarget
from voicelive_agent.emulator.session.plan import Plan
from voicelive_agent.emulator.session.responses.outputs import (
    CallOutput,
    McpCallOutput,
    Message,
    SpokenMessage,
    WrittenMessage,
)
from voicelive_agent.wire.audio.formats import spell_output_format
from voicelive_agent.wire.voice_live.session import LlmInterim, StaticInterim

# What the service counts for audio, and the usual estimate for text where nobody counts it.
_MS_PER_INPUT_TOKEN = 100
_MS_PER_OUTPUT_TOKEN = 50
_CHARS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class ResponseSettings:
    """How a response is given: the session's settings, as the request changed them."""

    modalities: Sequence[str]
    voice: Mapping[str, Any]
    output_audio_format: str
    temperature: float | None
    max_output_tokens: int | str
    metadata: Mapping[str, str] | None
    interim: StaticInterim | LlmInterim | None
    has_timestamps: bool
    has_visemes: bool
    conversation_id: str | None
    """None: out of band, so it leaves nothing in the conversation."""

    @property
    def is_spoken(self) -> bool:
        return "audio" in self.modalities


@dataclass(frozen=True, slots=True)
class InputSize:
    """How much a response answers, for its usage."""

    text_chars: int = 0
    audio_ms: float = 0


class Response:
    """A response and its outputs; ``begin`` is called first and ``end`` last."""

    def __init__(
        self,
        settings: ResponseSettings,
        plan: Plan,
        conversation: ConversationItems,
        playback: PlaybackEstimate,
    ) -> None:
        self.id = plan.new_id("resp")
        self.settings = settings
        self.input_size = InputSize()
        self.awaits_agent = False
        """Whether more of the agent's answer may come."""
        self.asked_text = ""
        """What the person said, which it answers."""
        self.awaits_interim = False
        """Whether a model is asked what to say in the meantime."""
        self.incomplete_reason: str | None = None
        self.failure: Mapping[str, Any] | None = None
        """What was wrong with an answer that is spoken all the same."""
        self.usage = Usage()
        self._plan = plan
        self._conversation = conversation
        self._playback = playback
        self._outputs: list[Message | CallOutput | McpCallOutput] = []
        self._interims: set[str] = set()
        self._clauses: list[tuple[SpokenMessage, Clause]] = []
        self._message: Message | None = None

    def begin(self) -> None:
        self._plan.send("response.created", response=self._describe("in_progress", None, None))

    # What is answered.

    @property
    def has_answered(self) -> bool:
        """Whether there is any of the answer itself."""
        return any(output.item.id not in self._interims for output in self._outputs)

    @property
    def has_called(self) -> bool:
        """Whether it called functions, and every call is complete."""
        calls = [output for output in self._outputs if isinstance(output, CallOutput)]
        return bool(calls) and not any(call.is_open for call in calls)

    @property
    def is_speech_due(self) -> bool:
        """Whether there is something yet to be spoken."""
        return any(not clause.is_spoken for _, clause in self._clauses)

    @property
    def is_complete(self) -> bool:
        return not self.awaits_agent and not any(output.is_open for output in self._outputs)

    def spoken_messages(self) -> Iterator[SpokenMessage]:
        """Those that are still open."""
        for output in self._outputs:
            if isinstance(output, SpokenMessage) and output.is_open:
                yield output

    def is_among(self, cut_short: Sequence[SpokenText]) -> bool:
        """Whether one of its messages is."""
        return any(output.item.spoken in cut_short for output in self._answers())

    def heard_text(self) -> str:
        """What was heard of it by now: of a message that was cut, the words before the cut."""
        return "".join(
            output.item.spoken.text_before_cut()
            if output.item.spoken is not None
            else output.item.fields["content"][0]["text"]
            for output in self._answers()
        )

    def _answers(self) -> Iterator[Message]:
        for output in self._outputs:
            if isinstance(output, Message) and output.item.id not in self._interims:
                yield output

    def change_voice(self, voice: Mapping[str, Any]) -> None:
        """What is said from here on has this voice."""
        if isinstance(self._message, SpokenMessage):
            self._speak(self._message, self._message.split_at_pause())
        self.settings = replace(self.settings, voice=voice)

    def add_text(self, delta: str, item_id: str | None = None) -> bool:
        """The next text of the answer; whether some of it waits for the rest of its clause."""
        if not delta:
            return False
        message = self._message
        if message is None:
            message = self._message = self._open_message(item_id or self._plan.new_id("item"))
        message.add_text(delta)
        if not isinstance(message, SpokenMessage):
            return False
        self._speak(message, message.split(delta))
        return message.has_pending_text

    def pause(self) -> None:
        """The text stands still: speak what reads as a clause."""
        if isinstance(self._message, SpokenMessage):
            self._speak(self._message, self._message.split_at_pause())

    def complete_text(self) -> None:
        """The message at hand has all its text."""
        message, self._message = self._message, None
        if message is None:
            return
        if isinstance(message, SpokenMessage):
            self._speak(message, message.split_rest())
        message.complete_text()
        self._close_finished()

    def add_interim(self, text: str) -> None:
        """Say something while the answer is on its way; it is not part of the conversation."""
        message = self._open_message(self._plan.new_id("interim"), is_interim=True)
        message.add_text(text)
        if isinstance(message, SpokenMessage):
            self._speak(message, [*message.split(text), *message.split_rest()])
        message.complete_text()
        self._close_finished()

    def add_event(self, payload: Mapping[str, Any]) -> None:
        """An event of the agent for the client's screen."""
        self._plan.send("response.invocation.delta", delta=dict(payload))

    def begin_call(self, call_id: str, name: str) -> CallOutput:
        self.complete_text()
        call = CallOutput(self._plan, self.id, len(self._outputs), call_id, name)
        self._outputs.append(call)
        call.tell_added()
        self._announce(call)
        return call

    def begin_mcp_call(self, call_id: str, name: str, target: McpTarget) -> McpCallOutput:
        self.complete_text()
        call = McpCallOutput(self._plan, self.id, len(self._outputs), call_id, name, target)
        self._outputs.append(call)
        call.tell_added()
        self._announce(call)
        return call

    def find_call(self, call_id: str) -> CallOutput | McpCallOutput | None:
        """An open call of this id."""
        for output in self._outputs:
            if isinstance(output, Message) or not output.is_open:
                continue
            if output.call_id == call_id:
                return output
        return None

    def find_mcp_call(self, item_id: str) -> McpCallOutput | None:
        """An open call of a tool of an MCP server, by its item's id."""
        for output in self._outputs:
            if isinstance(output, McpCallOutput) and output.is_open and output.item.id == item_id:
                return output
        return None

    def complete_call(self, call_id: str, name: str, arguments: str) -> McpCallOutput | None:
        """A call is complete: its arguments are those that were streamed, with any rest.

        One of an MCP server's tool, which is yet to be made.
        """
        call = self.find_call(call_id) or self.begin_call(call_id, name)
        streamed = call.item.fields["arguments"]
        if arguments.startswith(streamed) and len(arguments) > len(streamed):
            call.add_arguments(arguments[len(streamed) :])
        if isinstance(call, McpCallOutput):
            call.complete_arguments()
            return call
        call.close("completed")
        return None

    # What is spoken.

    def add_audio(self, fact: ClauseAudio) -> None:
        clause = self._find_clause(fact.clause)
        if clause is not None:
            self._playback.add(clause[0].spoken, fact.duration_ms, self._plan.now_ms)
            clause[0].add_audio(clause[1], fact)

    def end_clause(self, number: int) -> None:
        clause = self._find_clause(number)
        if clause is not None:
            clause[0].spoken.end_clause(clause[1])
            self._close_finished()

    # The end.

    def close_outputs(self) -> None:
        """Close what is still open, as incomplete."""
        for output in self._outputs:
            if output.is_open:
                output.close("incomplete")

    def end(self, status: str, details: Mapping[str, Any] | None = None) -> None:
        """``response.done``; every output is closed by now."""
        self._plan.send(
            "response.done", response=self._describe(status, details, self._count_tokens())
        )

    def _find_clause(self, number: int) -> tuple[SpokenMessage, Clause] | None:
        if not 0 <= number < len(self._clauses):
            return None
        message, clause = self._clauses[number]
        return None if clause.is_spoken or not message.is_open else (message, clause)

    def _open_message(self, item_id: str, *, is_interim: bool = False) -> Message:
        message: WrittenMessage | SpokenMessage
        index = len(self._outputs)
        if self.settings.is_spoken:
            message = SpokenMessage(
                self._plan,
                self.id,
                index,
                item_id,
                has_timestamps=self.settings.has_timestamps,
                has_visemes=self.settings.has_visemes,
            )
        else:
            message = WrittenMessage(self._plan, self.id, index, item_id)
        self._outputs.append(message)
        message.tell_added()
        if is_interim:
            self._interims.add(item_id)
        else:
            self._announce(message)
        message.open_part()
        return message

    def _announce(self, output: Message | CallOutput | McpCallOutput) -> None:
        if self.settings.conversation_id is not None:
            self._conversation.append(output.item)
            self._conversation.announce(output.item)

    def _speak(self, message: SpokenMessage, clauses: list[Clause]) -> None:
        for clause in clauses:
            self._plan.do(
                Speak(
                    self.id,
                    message.item.id,
                    len(self._clauses),
                    clause.text,
                    self.settings.voice,
                    spell_output_format(self.settings.output_audio_format),
                )
            )
            self._clauses.append((message, clause))

    def _close_finished(self) -> None:
        for output in self._outputs:
            if isinstance(output, Message) and output.is_open and output.is_text_complete:
                if isinstance(output, SpokenMessage) and not output.is_everything_said:
                    continue
                output.close("incomplete" if self.incomplete_reason else "completed")

    def _describe(
        self, status: str, details: Mapping[str, Any] | None, usage: dict[str, Any] | None
    ) -> dict[str, Any]:
        settings = self.settings
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [
                output.item.describe()
                for output in self._outputs
                if output.item.id not in self._interims
            ],
            "usage": usage,
            "conversation_id": settings.conversation_id,
            "modalities": list(settings.modalities),
            "voice": dict(settings.voice),
            "output_audio_format": settings.output_audio_format,
            "temperature": settings.temperature,
            "max_output_tokens": settings.max_output_tokens,
            "metadata": settings.metadata and dict(settings.metadata),
        }

    def _count_tokens(self) -> dict[str, Any]:
        spoken = [output.item.spoken for output in self._outputs if output.item.spoken is not None]
        written_chars = sum(len(item.text) for item in spoken) + sum(
            len(output.item.fields.get("arguments", ""))
            + sum(len(part.get("text", "")) for part in output.item.fields.get("content", ()))
            for output in self._outputs
        )
        text_in = self.usage.input_tokens or math.ceil(
            self.input_size.text_chars / _CHARS_PER_TOKEN
        )
        text_out = self.usage.output_tokens or math.ceil(written_chars / _CHARS_PER_TOKEN)
        audio_in = math.ceil(self.input_size.audio_ms / _MS_PER_INPUT_TOKEN)
        audio_out = math.ceil(sum(item.audio_ms for item in spoken) / _MS_PER_OUTPUT_TOKEN)
        cached = self.usage.cached_tokens
        return {
            "total_tokens": text_in + audio_in + text_out + audio_out,
            "input_tokens": text_in + audio_in,
            "output_tokens": text_out + audio_out,
            "input_token_details": {
                "cached_tokens": cached,
                "text_tokens": text_in,
                "audio_tokens": audio_in,
                "image_tokens": 0,
                "cached_tokens_details": {
                    "text_tokens": cached,
                    "audio_tokens": 0,
                    "image_tokens": 0,
                },
            },
            "output_token_details": {
                "text_tokens": text_out,
                "audio_tokens": audio_out,
                "reasoning_tokens": self.usage.reasoning_tokens,
            },
        }
