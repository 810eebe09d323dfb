"""Output items of a response: messages, spoken or written, and calls of functions and MCP tools.

Each opens with ``response.output_item.added`` and closes, whatever happens, with
``response.output_item.done``. The events in between are those of a cascade: text runs ahead of
the audio that it becomes.
"""

from typing import Any

from voicelive_agent.emulator.session.effects import CallMcpTool, StopMcpCall
from voicelive_agent.emulator.session.facts import ClauseAudio
from voicelive_agent.emulator.session.heard import Clause, SpokenText
from voicelive_agent.emulator.session.items import ConversationItem
from voicelive_agent.emulator.session.mcp_servers import McpTarget
from voicelive_agent.emulator.session.plan import Plan
from voicelive_agent.emulator.tts.text.clauses import ClauseSplitter

MAX_DELTA_BYTES = 1024 * 1024
"""Audio in one event: with base64 and the rest far below the client's 4 MiB for a frame."""


class Output:
    """One output item, from ``added`` to ``done``."""

    def __init__(
        self, plan: Plan, response_id: str, output_index: int, item: ConversationItem
    ) -> None:
        self._plan = plan
        self._response_id = response_id
        self._output_index = output_index
        self.item = item
        item.is_open = True

    @property
    def is_open(self) -> bool:
        return self.item.is_open

    def _send(self, type: str, *, audio: bytes = b"", **fields: Any) -> None:
        self._plan.send(
            type,
            audio=audio,
            response_id=self._response_id,
            item_id=self.item.id,
            output_index=self._output_index,
            **fields,
        )

    def tell_added(self) -> None:
        self._tell_item("response.output_item.added")

    def _close(self, status: str) -> None:
        self.item.fields["status"] = status
        self.item.is_open = False
        self._tell_item("response.output_item.done")

    def _tell_item(self, type: str) -> None:
        self._plan.send(
            type,
            response_id=self._response_id,
            output_index=self._output_index,
            item=self.item.describe(),
        )


class Message(Output):
    """An assistant's message; its text is complete before it is."""

    def __init__(self, plan: Plan, response_id: str, output_index: int, item_id: str) -> None:
        fields = {"type": "message", "role": "assistant", "status": "incomplete", "content": []}
        super().__init__(plan, response_id, output_index, ConversationItem(fields, item_id))
        self.is_text_complete = False

    def add_text(self, delta: str) -> None:
        raise NotImplementedError

    def complete_text(self) -> None:
        """No more text comes."""
        self.is_text_complete = True

    def close(self, status: str) -> None:
        raise NotImplementedError

    def _open_part(self, part: dict[str, Any]) -> None:
        self.item.fields["content"] = [dict(part)]
        self._send("response.content_part.added", content_index=0, part=part)


class WrittenMessage(Message):
    """A message of a text-only response."""

    def open_part(self) -> None:
        self._open_part({"type": "text", "text": ""})

    def add_text(self, delta: str) -> None:
        self.item.fields["content"][0]["text"] += delta
        self._send("response.text.delta", content_index=0, delta=delta)

    def close(self, status: str) -> None:
        text = self.item.fields["content"][0]["text"]
        self._send("response.text.done", content_index=0, text=text)
        # The service leaves the text of this part empty; recorded sessions show it.
        self._send("response.content_part.done", content_index=0, part={"type": "text", "text": ""})
        self._close(status)


class SpokenMessage(Message):
    """A message that is spoken, clause by clause."""

    def __init__(
        self,
        plan: Plan,
        response_id: str,
        output_index: int,
        item_id: str,
        *,
        has_timestamps: bool,
        has_visemes: bool,
    ) -> None:
        super().__init__(plan, response_id, output_index, item_id)
        self.spoken = self.item.spoken = SpokenText()
        self._splitter = ClauseSplitter()
        self._clause_chars = 0
        self.clauses: list[Clause] = []
        self._has_timestamps = has_timestamps
        self._has_visemes = has_visemes

    def open_part(self) -> None:
        self._open_part({"type": "audio", "transcript": ""})

    @property
    def is_everything_said(self) -> bool:
        return all(clause.is_spoken for clause in self.clauses)

    @property
    def has_pending_text(self) -> bool:
        """Whether there is text that no clause holds yet."""
        return bool(self._splitter.pending)

    def add_text(self, delta: str) -> None:
        self.spoken.text += delta
        self._send("response.audio_transcript.delta", content_index=0, delta=delta)

    def split(self, delta: str) -> list[Clause]:
        """The clauses that this text completes."""
        return [self._add_clause(text) for text in self._splitter.feed(delta)]

    def split_at_pause(self) -> list[Clause]:
        """The pending text as a clause, where the stream stands still and it reads as one."""
        text = self._splitter.pause()
        return [self._add_clause(text)] if text else []

    def split_rest(self) -> list[Clause]:
        """What is left of a text that is complete."""
        return [self._add_clause(text) for text in self._splitter.finish()]

    def _add_clause(self, text: str) -> Clause:
        clause = Clause(text, self._clause_chars)
        self._clause_chars += len(text)
        self.clauses.append(clause)
        return clause

    def add_audio(self, clause: Clause, fact: ClauseAudio) -> None:
        start_ms = self.spoken.begin_clause(clause)
        if self._has_timestamps:
            for word in fact.words:
                self._send(
                    "response.audio_timestamp.delta",
                    content_index=0,
                    audio_offset_ms=int(start_ms + word.offset_ms),
                    audio_duration_ms=word.duration_ms,
                    text=word.text,
                    timestamp_type="word",
                )
        if self._has_visemes:
            for viseme in fact.visemes:
                self._send(
                    "response.animation_viseme.delta",
                    content_index=0,
                    audio_offset_ms=int(start_ms + viseme.offset_ms),
                    viseme_id=viseme.viseme_id,
                )
        for start in range(0, len(fact.audio), MAX_DELTA_BYTES):
            piece = fact.audio[start : start + MAX_DELTA_BYTES]
            self._send("response.audio.delta", content_index=0, audio=piece)
        self.spoken.add_audio(clause, fact.duration_ms, fact.words)

    def close(self, status: str) -> None:
        if self._has_timestamps:
            self._send("response.audio_timestamp.done", content_index=0)
        if self._has_visemes:
            self._send("response.animation_viseme.done", content_index=0)
        self._send("response.audio.done", content_index=0)
        text = self.spoken.text
        self._send("response.audio_transcript.done", content_index=0, transcript=text)
        part = {"type": "audio", "transcript": text}
        self._send("response.content_part.done", content_index=0, part=part)
        self._close(status)


class CallOutput(Output):
    """A call of one of the client's functions."""

    def __init__(
        self, plan: Plan, response_id: str, output_index: int, call_id: str, name: str
    ) -> None:
        fields = {
            "type": "function_call",
            "status": "in_progress",
            "name": name,
            "call_id": call_id,
            "arguments": "",
        }
        super().__init__(
            plan, response_id, output_index, ConversationItem(fields, plan.new_id("item"))
        )

    @property
    def call_id(self) -> str:
        return str(self.item.fields["call_id"])

    def add_arguments(self, delta: str) -> None:
        self.item.fields["arguments"] += delta
        self._send("response.function_call_arguments.delta", call_id=self.call_id, delta=delta)

    def close(self, status: str) -> None:
        self._send(
            "response.function_call_arguments.done",
            call_id=self.call_id,
            name=self.item.fields["name"],
            arguments=self.item.fields["arguments"],
        )
        self._close(status)


class McpCallOutput(Output):
    """A call of a tool of an MCP server: its arguments, and then what the tool says."""

    def __init__(
        self,
        plan: Plan,
        response_id: str,
        output_index: int,
        call_id: str,
        name: str,
        target: McpTarget,
    ) -> None:
        """``name`` is what the model calls the tool."""
        fields = {
            "type": "mcp_call",
            "server_label": target.endpoint.label,
            "name": target.tool.name,
            "arguments": "",
            "output": None,
            "error": None,
            "approval_request_id": None,
        }
        item = ConversationItem(fields, plan.new_id("item"))
        item.function_name = name
        super().__init__(plan, response_id, output_index, item)
        self.call_id = call_id
        self.target = target
        self._has_arguments = False

    def add_arguments(self, delta: str) -> None:
        self.item.fields["arguments"] += delta
        self._send("response.mcp_call_arguments.delta", delta=delta)

    def complete_arguments(self) -> None:
        self._has_arguments = True
        arguments = self.item.fields["arguments"]
        self._send("response.mcp_call_arguments.done", arguments=arguments)

    def begin(self) -> None:
        """It is called now."""
        self._tell("in_progress")
        self._plan.do(
            CallMcpTool(
                self.item.id,
                self.target.endpoint,
                self.target.tool.name,
                self.item.fields["arguments"],
            )
        )

    def finish(self, output: str, *, is_error: bool) -> None:
        """The tool has said this, or could not be called."""
        if is_error:
            self.item.fields["error"] = {"type": "tool_execution_error", "message": output}
        else:
            self.item.fields["output"] = output
        self._tell("failed" if is_error else "completed")
        self._close("failed" if is_error else "completed")

    def close(self, status: str) -> None:
        """The response ends before the tool has said anything."""
        if not self._has_arguments:
            self.complete_arguments()
        self._plan.do(StopMcpCall(self.item.id))
        self._tell("failed")
        self._close(status)

    def _tell(self, step: str) -> None:
        self._plan.send(
            f"response.mcp_call.{step}", item_id=self.item.id, output_index=self._output_index
        )
