"""The session: what it is asked to be, what the service agreed to, and what was said in it.

Members of ``session.update`` that nobody set are left out, so the service's defaults hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from voicelive_agent.client.core.protocol import read_mapping, read_number, read_text
from voicelive_agent.client.core.screen import Who
from voicelive_agent.client.session_settings import VOICE_DETAILS
from voicelive_agent.client.settings import Settings

LOCAL_NAME = "local"
"""Of an agent, and of its project, of which an emulator is told nothing else."""


def describe_session(settings: Settings, tools: list[dict[str, Any]]) -> dict[str, Any]:
    """The ``session`` of ``session.update``; ``tools`` are those of a model.

    An agent owns instructions, temperature and tools itself. For a microphone, noise and echo
    are taken out unless told otherwise; a file is left as it is.
    """
    described: dict[str, Any] = {
        "modalities": ["text"] if settings.text_only else ["text", "audio"],
        "input_audio_format": settings.input_format,
        "input_audio_sampling_rate": settings.sent_rate_hz,
        "output_audio_format": settings.output_format,
        "turn_detection": _describe_turn_detection(settings),
        "input_audio_transcription": _describe_transcription(settings),
        **_given(
            {
                "voice": _describe_voice(settings),
                "interim_response": _describe_interim(settings),
                "input_audio_noise_reduction": _describe_noise_reduction(settings),
                "input_audio_echo_cancellation": _describe_echo_cancellation(settings),
            }
        ),
    }
    if settings.model is not None:
        described |= _given(
            {
                "instructions": settings.instructions,
                "temperature": settings.temperature,
                "max_response_output_tokens": settings.max_output_tokens,
                "reasoning_effort": settings.reasoning_effort,
                "tools": tools or None,
            }
        )
    return described | settings.session


def describe_query(settings: Settings) -> dict[str, str]:
    """Whom the connection is to, as its URL says it."""
    if settings.model:
        return {"model": settings.model}
    query = {
        "agent-name": settings.agent_name or LOCAL_NAME,
        "agent-project-name": settings.project_name or LOCAL_NAME,
        "agent-version": settings.agent_version,
    }
    return {name: value for name, value in query.items() if value is not None}


def describe_mcp_servers(settings: Settings) -> list[dict[str, Any]]:
    """The MCP servers as tools of a session."""
    return [
        {
            "type": "mcp",
            "server_label": label,
            "server_url": url,
            "require_approval": settings.mcp_approval,
        }
        for label, _, url in (server.partition("=") for server in settings.mcp_server)
    ]


def _describe_voice(settings: Settings) -> dict[str, Any] | None:
    if settings.voice is None:
        return None
    details = {wire: getattr(settings, field) for field, wire in VOICE_DETAILS.items()}
    return {"type": settings.voice_kind, "name": settings.voice, **_given(details)}


def _describe_turn_detection(settings: Settings) -> dict[str, Any] | None:
    if settings.is_manual:
        return None
    end_of_utterance = settings.end_of_utterance and _given(
        {
            "model": settings.end_of_utterance,
            "threshold_level": settings.end_of_utterance_threshold,
            "timeout_ms": settings.end_of_utterance_timeout_ms,
        }
    )
    return _given(
        {
            "type": settings.turn_detection,
            "threshold": settings.threshold,
            "prefix_padding_ms": settings.prefix_padding_ms,
            "silence_duration_ms": settings.silence_duration_ms,
            "speech_duration_ms": settings.speech_duration_ms,
            "remove_filler_words": settings.remove_filler_words,
            "languages": list(settings.turn_language) or None,
            "end_of_utterance_detection": end_of_utterance,
            "create_response": settings.create_response,
            "interrupt_response": settings.interrupt_response,
            "auto_truncate": settings.auto_truncate,
        }
    )


def _describe_transcription(settings: Settings) -> dict[str, Any] | None:
    if settings.transcription_model == "none":
        return None
    # Speech-to-speech models bring transcription models of their own.
    default_model = "whisper-1" if "realtime" in (settings.model or "") else "azure-speech"
    return _given(
        {
            "model": settings.transcription_model or default_model,
            "language": settings.language,
            "phrase_list": list(settings.phrase) or None,
        }
    )


def _describe_interim(settings: Settings) -> dict[str, Any] | None:
    if settings.interim in (None, "none"):
        return None
    return _given(
        {
            "type": f"{settings.interim}_interim_response",
            "triggers": list(settings.interim_trigger) or None,
            "latency_threshold_ms": settings.interim_after_ms,
            "texts": list(settings.interim_text) or None,
            "instructions": settings.interim_instructions,
        }
    )


def _describe_noise_reduction(settings: Settings) -> dict[str, Any] | None:
    default = "azure_deep_noise_suppression" if settings.uses_hardware else "none"
    type = settings.noise_reduction or default
    return None if type == "none" else {"type": type}


def _describe_echo_cancellation(settings: Settings) -> dict[str, Any] | None:
    wanted = settings.echo_cancellation
    is_on = settings.uses_hardware if wanted is None else wanted
    return {"type": "server_echo_cancellation"} if is_on else None


def _given(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


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


@dataclass(slots=True)
class HistoryLine:
    """What one item says, as far as it was said."""

    who: Who
    item_id: str
    text: str


class History:
    """The lines of a conversation, in the order of the service's items.

    A transcript may come after the answer to it, so the place of what a person says is kept from
    the moment at which the service has an item for it.
    """

    def __init__(self) -> None:
        self.lines: list[HistoryLine] = []
        self._by_item: dict[str, HistoryLine] = {}

    def put(self, who: Who, item_id: str, text: str) -> None:
        """Note or replace the text of an item."""
        line = self._by_item.get(item_id)
        if line is None:
            line = self._by_item[item_id] = HistoryLine(who, item_id, text)
            self.lines.append(line)
        line.text = text

    def keep_place(self, item_id: str, previous_item_id: str) -> None:
        """An item of the person's that the service has behind ``previous_item_id`` ("": last)."""
        if not item_id or item_id in self._by_item:
            return
        line = self._by_item[item_id] = HistoryLine("you", item_id, "")
        before = self._by_item.get(previous_item_id)
        place = len(self.lines) if before is None else self.lines.index(before) + 1
        self.lines.insert(place, line)

    def as_items(self) -> list[dict[str, Any]]:
        """Items for ``conversation.item.create``, for a service that remembers nothing."""
        parts = {"you": ("user", "input_text"), "agent": ("assistant", "text")}
        return [
            {
                "type": "message",
                "role": parts[line.who][0],
                "content": [{"type": parts[line.who][1], "text": line.text}],
            }
            for line in self.lines
            if line.text
        ]
