"""The person's speech as the service reports it: begin, end, transcript."""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable

from voicelive_agent.client.core.latency import Turns
from voicelive_agent.client.core.protocol import (
    Event,
    Handler,
    read_mapping,
    read_number,
    read_text,
)
from voicelive_agent.client.core.screen import Notice, Screen, Status, Transcript
from voicelive_agent.client.core.session import History
from voicelive_agent.client.settings import Settings
from voicelive_agent.client.sound.devices import Loudspeaker
from voicelive_agent.client.sound.own_voice import Ear, sounds_like
from voicelive_agent.client.troubles import hide_secrets

REMEMBERED_BLOCKS = 6000
"""Two minutes of 20 ms blocks: no turn detection looks back further."""


class SentTimeline:
    """When each millisecond of the session's audio was sent."""

    def __init__(self) -> None:
        self.sent_ms = 0.0
        self._ends_ms: deque[float] = deque(maxlen=REMEMBERED_BLOCKS)
        self._times_s: deque[float] = deque(maxlen=REMEMBERED_BLOCKS)

    def add(self, duration_ms: float, now_s: float) -> None:
        self.sent_ms += duration_ms
        self._ends_ms.append(self.sent_ms)
        self._times_s.append(now_s)

    def when(self, ms: float) -> float | None:
        """The time at which audio up to ``ms`` had been sent; None before and after memory."""
        if not self._ends_ms or ms > self.sent_ms:
            return None
        index = bisect_left(self._ends_ms, ms)
        return self._times_s[index]


class Hearing:
    """The person's side of a conversation.

    ``on_speech`` is called when the person begins to speak, and gives back the text of the answer
    that this cut short, or None. ``fail`` tells of what can't be transcribed.
    """

    def __init__(
        self,
        settings: Settings,
        screen: Screen,
        loudspeaker: Loudspeaker,
        history: History,
        turns: Turns,
        *,
        on_speech: Callable[[], str | None],
        fail: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._screen = screen
        self._loudspeaker = loudspeaker
        self._history = history
        self._turns = turns
        self._on_speech = on_speech
        self._fail = fail
        self._ear = Ear(settings.sent_rate_hz) if settings.uses_hardware else None
        self._partial: dict[str, str] = {}
        self._cut_text: dict[str, str] = {}
        self._has_warned_of_echo = False
        self.timeline = SentTimeline()
        self.is_speaking = False
        """Whether the person speaks right now."""
        self.handlers: dict[str, Handler] = {
            "input_audio_buffer.speech_started": self._on_speech_started,
            "input_audio_buffer.speech_stopped": self._on_speech_stopped,
            "conversation.item.input_audio_transcription.delta": self._on_partial,
            "conversation.item.input_audio_transcription.completed": self._on_transcript,
            "conversation.item.input_audio_transcription.failed": self._on_failure,
        }

    def restart(self) -> None:
        """A new connection: the audio's timeline begins anew, and nobody speaks."""
        self.timeline = SentTimeline()
        self.is_speaking = False

    def note_sent(self, pcm: bytes, now_s: float) -> None:
        """This much of the person's audio has left."""
        self.timeline.add(len(pcm) / 2 / self._settings.sent_rate_hz * 1000, now_s)
        if self._ear:
            self._ear.hear(pcm)

    def _on_speech_started(self, event: Event) -> None:
        self.is_speaking = True
        self._screen.show(Status("listening"))
        cut_text = self._on_speech()
        if cut_text is None:
            return
        played = self._loudspeaker.recent()
        if self._ear and self._ear.hears(played, self._settings.received_rate_hz):
            self._warn_of_echo()
        else:
            self._cut_text[read_text(event, "item_id")] = cut_text

    def _on_speech_stopped(self, event: Event) -> None:
        self.is_speaking = False
        end_ms = read_number(event, "audio_end_ms")
        ended_s = None if end_ms is None else self.timeline.when(end_ms)
        self._turns.begin(ended_s=ended_s, item_id=read_text(event, "item_id") or None)
        self._screen.show(Status("thinking"))

    def _on_partial(self, event: Event) -> None:
        item_id = read_text(event, "item_id")
        text = self._partial[item_id] = self._partial.get(item_id, "") + read_text(event, "delta")
        self._screen.show(Transcript("you", item_id, text, final=False))

    def _on_transcript(self, event: Event) -> None:
        item_id, text = read_text(event, "item_id"), read_text(event, "transcript").strip()
        self._partial.pop(item_id, None)
        self._turns.transcribed(item_id)
        cut_text = self._cut_text.pop(item_id, "")
        if not text:
            # Nothing was said, so nothing will be answered.
            if self._turns.open and self._turns.open.item_id == item_id:
                self._turns.close()
            return
        self._history.put("you", item_id, text)
        self._screen.show(Transcript("you", item_id, text, final=True))
        if not cut_text:
            return
        if sounds_like(text, cut_text):
            self._warn_of_echo()
        else:
            self._has_warned_of_echo = False

    def _on_failure(self, event: Event) -> None:
        self._partial.pop(read_text(event, "item_id"), None)
        message = read_text(read_mapping(event, "error"), "message")
        reason = hide_secrets(message, self._settings) or "no reason given"
        self._fail(f"What you said could not be transcribed: {reason}")

    def _warn_of_echo(self) -> None:
        """Once, until a person interrupts."""
        if self._has_warned_of_echo:
            return
        self._has_warned_of_echo = True
        self._screen.show(
            Notice(
                "The agent was interrupted by its own voice: use headphones, turn the loudspeaker "
                "down, or add --echo-cancellation."
            )
        )
