"""The Invocations protocol: names of its events and ids, how events are written, read and judged.

One turn is ``POST /invocations`` with a JSON object; its answer is ``text/event-stream``, each
event one line ``data: <JSON object>`` and an empty line: any number of ``DELTA``, one
``SPEECH_DONE`` whose ``text`` is their concatenation, one ``DONE`` at the end. Events of other
types go to the client ("Use Voice Live with hosted agents", aka.ms/VoiceLive-HostedAgent).
``wire.invocations_schema`` holds the same shapes as pydantic models.

Three programs use this: the agent server writes events (``write_delta``, ``write_event``); the
emulator reads an answer line by line (``AnswerReader``), and ends it at the first
``UnreadableError``; the contract kit reads a whole body (``check_answer``) and takes every
``Finding``, whatever its weight, for a breach of the clause that the finding names (with a
recursion limit raised by what its own stack takes, for JSON that is nested as deep as allowed).
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NoReturn

from voicelive_agent.wire.json_values import MAX_DEPTH, find_excess, name_json_type

TRANSCRIPTION: Final = "input_audio.transcription"
"""Type of the input that is speech."""
DELTA: Final = "output_audio_transcription.delta"
SPEECH_DONE: Final = "output_audio_transcription.done"
DONE: Final = "done"
AGENT_ERROR: Final = "agent.error"
END_CALL: Final = "agent.end_call"

SPOKEN_EVENT_TYPES = frozenset({DELTA, SPEECH_DONE, DONE})
"""Event types that Voice Live itself reads; all others go to the client."""

SESSION_QUERY: Final = "agent_session_id"
INVOCATION_HEADER: Final = "x-agent-invocation-id"
SESSION_HEADER: Final = "x-agent-session-id"
USER_HEADER: Final = "x-agent-user-id"
CALL_HEADER: Final = "x-agent-foundry-call-id"
ID_PATTERN: Final = r"[a-zA-Z0-9\-_.:]{1,256}"
"""Of the ids of sessions and invocations."""

GREETING_INPUT: Mapping[str, Any] = {"type": TRANSCRIPTION, "input": ""}
"""The input of a turn in which nobody has said anything yet. What Voice Live sends then is not
documented; an agent should treat empty, absent and unknown input alike."""


def speech_input(text: str) -> dict[str, Any]:
    """The input that Voice Live sends for what a person said."""
    return {"type": TRANSCRIPTION, "input": text}


# Writing

_encode_string = json.encoder.encode_basestring
_encode_object = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

KEEP_ALIVE: Final = b": keep-alive\n\n"
"""A comment: readers skip it, and proxies see that the stream is alive."""
LAST_EVENT: Final = f'data: {{"type":"{DONE}"}}\n\n'
_SPEECH_DONE_HEAD: Final = f'data: {{"type":"{SPEECH_DONE}","text":'
_DELTA_HEAD: Final = f'data: {{"type":"{DELTA}","delta":'


def write_delta(text: str) -> str:
    """The lines of a ``DELTA``: the event of which there are many."""
    return f"{_DELTA_HEAD}{_encode_string(text)}}}\n\n"


def write_speech_done(text: str) -> str:
    """The lines of a ``SPEECH_DONE``, which each answer has."""
    return f"{_SPEECH_DONE_HEAD}{_encode_string(text)}}}\n\n"


def write_event(event: Mapping[str, Any]) -> str:
    """The lines of any event. Raises ValueError or TypeError for what is no JSON."""
    return write_encoded_event(_encode_object(event))


def write_encoded_event(event: str) -> str:
    """The lines of an event that is JSON already, without line breaks."""
    return f"data: {event}\n\n"


# Reading

Weight = Literal["unreadable", "breach", "warning", "form"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with an answer.

    - ``unreadable``: nobody can tell what the answer is from here on;
    - ``breach``: the answer is clear, and breaks the protocol all the same;
    - ``warning``: likewise, but samples of Microsoft's do so;
    - ``form``: readers of server-sent events take it, Voice Live's documents don't print it.
    """

    clause: str
    """``SSE-…``: the clause of the contract kit that it breaks."""
    weight: Weight
    message: str
    """What is wrong and what to send instead; nothing that was said."""


MAX_FINDINGS: Final = 20
"""Of one clause and weight; what an agent does wrong in each line is known by then."""


class UnreadableError(Exception):
    """The answer can't be read on. Its ``finding`` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class AgentError(Exception):
    """In place of an event stands an error of the agent's own, in ``event``."""

    def __init__(self, event: dict[str, Any]) -> None:
        super().__init__("the agent reports an error")
        self.event = event


@dataclass
class AnswerReader:
    """Reads the lines of one answer, without their ends, and collects what is wrong with them."""

    findings: list[Finding] = field(default_factory=list)
    """In the order in which they were found, each once, and so many of a kind that they help."""
    done: bool = False
    """Whether the last event has come."""
    _line: int = 0
    _spoken: list[str] = field(default_factory=list)
    _speech_done: bool = False
    _half: str = ""
    """The first half of a surrogate pair that the last delta ended with."""

    def read_line(self, line: str) -> dict[str, Any] | None:
        """The event in a line; None where there is none, or one that has to be ignored.

        Raises UnreadableError or AgentError. Reading may go on after either.
        """
        self._line += 1
        event = self._parse(line)
        if event is None:
            return None
        kind = event.get("type")
        if kind == DELTA:
            return self._read_delta(event)
        if kind == SPEECH_DONE:
            return self._read_speech_done(event)
        if kind == DONE:
            self.done = True
        elif not isinstance(kind, str) or not kind:
            self.note("SSE-5", "warning", "an event has no type: give it a non-empty string")
            if "error" in event:
                raise AgentError(event)
        if kind != DONE and find_excess(event):
            message = f"an event is nested more than {MAX_DEPTH} levels deep: flatten it"
            self.note("SSE-5", "breach", message)
            return None
        return event

    def note_more_after_done(self) -> None:
        """Something but comments follows the last event."""
        self.note("SSE-7", "warning", f'something follows {{"type":"{DONE}"}}: it is ignored')

    def finish(self) -> None:
        """The lines have ended. Raises UnreadableError where the answer has no end."""
        if not self.done and not self._speech_done:
            self._give_up(
                "SSE-7",
                f'the stream ended without {{"type":"{DONE}"}}: nobody can tell whether the answer'
                f" is complete; send {SPEECH_DONE} and {DONE} last, also when the agent fails",
            )
        if not self.done:
            self.note(
                "SSE-7", "breach", f'the stream ended without {{"type":"{DONE}"}}: send it last'
            )
        elif not self._speech_done:
            self.note(
                "SSE-6",
                "breach",
                f"no {SPEECH_DONE} came before {DONE}: send it once, with the whole text",
            )

    def note(self, clause: str, weight: Weight, message: str) -> Finding:
        """Add a finding, unless it is there already or there are many of its kind."""
        finding = Finding(clause, weight, message)
        alike = [one for one in self.findings if (one.clause, one.weight) == (clause, weight)]
        if finding not in alike and len(alike) < MAX_FINDINGS:
            self.findings.append(finding)
        return finding

    def _give_up(self, clause: str, message: str) -> NoReturn:
        raise UnreadableError(self.note(clause, "unreadable", message))

    def _parse(self, line: str) -> dict[str, Any] | None:
        if not line.strip() or line.startswith(":"):
            return None
        name, _, value = line.partition(":")
        if name != "data":
            self._judge_other_field(line, name)
            return None
        if self.done:
            self.note_more_after_done()
        if not value.startswith(" "):
            self.note("SSE-3", "form", f"line {self._line} has no space after 'data:'")
        if value.strip() == "[DONE]":
            message = f'"data: [DONE]" is not of this protocol: send {{"type":"{DONE}"}}'
            self.note("SSE-5", "warning", message)
            return None
        try:
            event = json.loads(value, parse_constant=_reject_constant)
        except (ValueError, RecursionError):
            self._give_up(
                "SSE-5",
                f"line {self._line} is not JSON: each event is one 'data:' line with a whole JSON"
                " object",
            )
        if not isinstance(event, dict):
            found = name_json_type(event)
            self._give_up("SSE-5", f"line {self._line} is not a JSON object but {found}")
        return event

    def _judge_other_field(self, line: str, name: str) -> None:
        if line.lstrip().startswith(("{", "[")):
            message = f"line {self._line} lacks its prefix: write each event as 'data: <JSON>'"
            self._give_up("SSE-3", message)
        weight: Weight = "form" if name in ("id", "retry") else "warning"
        clause = "SSE-4" if name == "event" else "SSE-3"
        self.note(clause, weight, f"a line begins with {name[:20]!r}: write 'data:' lines only")

    def _read_delta(self, event: dict[str, Any]) -> dict[str, Any] | None:
        delta = event.get("delta")
        if not isinstance(delta, str):
            found = name_json_type(delta)
            self._give_up("SSE-10", f"the delta of a {DELTA} is not a string but {found}")
        if self._speech_done:
            message = f"a {DELTA} follows {SPEECH_DONE}: it is not spoken; send it before"
            self.note("SSE-8", "breach", message)
            return None
        self._spoken.append(delta)
        text = join_halves(self._half + delta)
        # JavaScript, C# and Java cut between the halves of an emoji.
        self._half = text[-1:] if _is_first_half(text[-1:]) else ""
        text = text.removesuffix(self._half) if self._half else text
        return {**event, "delta": _LONE_HALF.sub("\ufffd", text)}

    def _read_speech_done(self, event: dict[str, Any]) -> dict[str, Any] | None:
        text = event.get("text")
        if not isinstance(text, str):
            found = name_json_type(text)
            self._give_up("SSE-6", f"the text of {SPEECH_DONE} is not a string but {found}")
        if self._speech_done:
            self.note("SSE-6", "breach", f"{SPEECH_DONE} came more than once: send it once")
            return None
        self._speech_done = True
        spoken = join_halves("".join(self._spoken))
        if (text := join_halves(text)) != spoken:
            # Microsoft's own samples differ in their spaces.
            self.note(
                "SSE-9",
                "warning" if text.split() == spoken.split() else "breach",
                f"the text of {SPEECH_DONE} is not the concatenation of the deltas: the deltas are"
                " what is spoken",
            )
        return event


def check_answer(body: bytes) -> dict[str, list[Finding]]:
    """All that is wrong with a whole answer, by clause."""
    reader = AnswerReader()
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        reader.note("SSE-2", "unreadable", f"the stream is not UTF-8: {error}")
    else:
        _check_form(reader, text)
        for line in text.split("\n"):
            with suppress(UnreadableError, AgentError):
                reader.read_line(line)
        with suppress(UnreadableError):
            reader.finish()
    found = defaultdict(list)
    for finding in reader.findings:
        found[finding.clause].append(finding)
    return found


def _check_form(reader: AnswerReader, text: str) -> None:
    """Each event is one line and an empty one; between events there are comments at most."""
    if "\r" in text:
        reader.note("SSE-3", "form", "a carriage return: end each line with a line feed alone")
    if not text.endswith("\n\n"):
        reader.note("SSE-3", "form", "the last event does not end with two line feeds")
    for block in text.removesuffix("\n\n").split("\n\n"):
        lines = [line for line in block.split("\n") if not line.startswith((":", "event:"))]
        if len(lines) > 1:
            reader.note(
                "SSE-3", "form", f"an event of {len(lines)} lines: write 'data: <JSON>' on one"
            )


_LONE_HALF = re.compile("[\ud800-\udfff]")


def join_halves(text: str) -> str:
    """Text in which halves of surrogate pairs that meet are the characters that they stand for.

    JSON is written in UTF-16's terms, so texts that are the same there count as the same.
    """
    if not _LONE_HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _is_first_half(character: str) -> bool:
    return "\ud800" <= character <= "\udbff"


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
