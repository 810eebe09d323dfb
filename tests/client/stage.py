"""A conversation on a stage: a screen, a loudspeaker and a link that note what happens to them."""

import asyncio
import base64
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from voicelive_agent.client.core.cards import Card
from voicelive_agent.client.core.conversation import Conversation
from voicelive_agent.client.core.latency import Summary, TurnTimes
from voicelive_agent.client.core.screen import (
    Failure,
    Interrupted,
    Notice,
    ProtocolEvent,
    ScreenEvent,
    Speaking,
    Status,
    Told,
    Transcript,
    Who,
)
from voicelive_agent.client.core.tool_calls.functions import Functions
from voicelive_agent.client.settings import load_settings
from voicelive_agent.client.sound.devices import Played, ignore

RATE_HZ = 24_000


def pcm(ms: float) -> bytes:
    return b"\x01\x02" * int(RATE_HZ * ms / 1000)


class NotingScreen:
    """Notes everything that is shown."""

    def __init__(self) -> None:
        self.statuses: list[str] = []
        self.notices: list[str] = []
        self.errors: list[str] = []
        self.transcripts: list[tuple[Who, str, str, bool]] = []
        self.speech: list[tuple[str, str]] = []
        self.cuts: list[tuple[str, str]] = []
        self.cards: list[Mapping[str, Any]] = []
        self.turns: list[TurnTimes] = []
        self.events: list[tuple[str, Mapping[str, Any]]] = []
        self.summaries: list[Summary] = []

    def show(self, event: ScreenEvent) -> None:
        match event:
            case Status():
                self.statuses.append(event.text)
            case Notice() | Told():
                self.notices.append(event.text)
            case Failure():
                self.errors.append(event.text)
            case Transcript():
                self.transcripts.append((event.who, event.item_id, event.text, event.final))
            case Speaking():
                self.speech.append((event.heard, event.rest))
            case Interrupted():
                self.cuts.append((event.item_id, event.heard))
            case Card():
                self.cards.append(event.event)
            case TurnTimes():
                self.turns.append(event)
            case ProtocolEvent():
                self.events.append((event.direction, event.event))
            case Summary():
                self.summaries.append(event)

    @property
    def shown(self) -> str:
        """Every word on it."""
        return "\n".join([*self.statuses, *self.notices, *self.errors])


class NotingLoudspeaker:
    """Plays when it is told to, so a test decides how much was heard."""

    def __init__(self) -> None:
        self.on_first_sound: Callable[[str], None] = ignore
        self.heard = b""
        self.written: list[tuple[str, bytes]] = []
        self._queue: list[tuple[str, int, bytes]] = []
        self._played: dict[tuple[str, int], int] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    async def open(
        self,
        rate_hz: int,
        *,
        on_first_sound: Callable[[str], None] = ignore,
        on_status: Callable[[str], None] = ignore,
    ) -> None:
        assert rate_hz > 0
        self.on_first_sound = on_first_sound

    async def close(self) -> None:
        self.cut()

    def write(self, item_id: str, content_index: int, pcm: bytes) -> None:
        self.written.append((item_id, pcm))
        self._queue.append((item_id, content_index, pcm))
        self._empty.clear()

    def play(self, ms: float) -> None:
        """Let so much be heard."""
        wanted = int(ms * RATE_HZ / 1000) * 2
        while wanted and self._queue:
            item_id, index, audio = self._queue.pop(0)
            if (item_id, index) not in self._played:
                self._played[item_id, index] = 0
                self.on_first_sound(item_id)
            taken, rest = audio[:wanted], audio[wanted:]
            self._played[item_id, index] += len(taken)
            self.heard += taken
            wanted -= len(taken)
            if rest:
                self._queue.insert(0, (item_id, index, rest))
        if not self._queue:
            self._empty.set()

    def cut(self) -> Played | None:
        if not self._queue:
            return None
        item_id, index, _ = self._queue[0]
        self._queue.clear()
        self._empty.set()
        return self.played(item_id, index)

    def played(self, item_id: str, content_index: int) -> Played:
        played_bytes = self._played.get((item_id, content_index), 0)
        return Played(item_id, content_index, played_bytes * 1000 // (2 * RATE_HZ))

    def recent(self) -> bytes:
        return self.heard[-3 * 2 * RATE_HZ :]

    @property
    def queued_ms(self) -> int:
        return -(-sum(len(audio) for _, _, audio in self._queue) * 1000 // (2 * RATE_HZ))

    async def drained(self) -> None:
        await self._empty.wait()


class NotingLink:
    """Notes what is sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send(self, event: dict[str, Any]) -> None:
        self.sent.append(event)

    async def send_audio(self, audio: bytes) -> None:
        self.sent.append({"type": "input_audio_buffer.append", "audio": audio})

    def of(self, type: str) -> list[dict[str, Any]]:
        return [event for event in self.sent if event["type"] == type]


class Stage:
    """A conversation whose session is ready, and short ways to play the service's part."""

    def __init__(
        self,
        functions: Functions | None = None,
        *,
        turn_detection: dict[str, Any] | None = None,
        ready: bool = True,
        **options: Any,
    ) -> None:
        self.settings = load_settings(options)
        self.screen = NotingScreen()
        self.loudspeaker = NotingLoudspeaker()
        self.link = NotingLink()
        self.now_s = 0.0
        self.tasks: list[asyncio.Task[None]] = []
        self.turn_detection = turn_detection or {"type": "server_vad"}
        self.talk = Conversation(
            self.settings,
            self.screen,
            self.loudspeaker,
            start=self._start,
            functions=functions,
            now=lambda: self.now_s,
        )
        self.loudspeaker.on_first_sound = self.talk.on_first_sound
        if ready:
            self.connect()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.create_task(work))

    def connect(self, **session: Any) -> None:
        self.talk.connect(self.link)
        self.get(
            "session.updated",
            session={
                "turn_detection": self.turn_detection,
                "agent": {"thread_id": "t1"},
                **session,
            },
        )

    async def settle(self) -> None:
        """Let everything that can run, run."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def finish(self) -> None:
        """Run what was started to its end."""
        self.loudspeaker.play(1e9)
        await asyncio.gather(*self.tasks)

    def get(self, type: str, **members: Any) -> None:
        self.talk.handle({"type": type, **members})

    def begin(self, response_id: str) -> None:
        self.get("response.created", response={"id": response_id, "status": "in_progress"})

    def text(self, response_id: str, text: str, item_id: str | None = None) -> None:
        self.get(
            "response.audio_transcript.delta",
            response_id=response_id,
            item_id=item_id or f"item_{response_id}",
            delta=text,
        )

    def audio(self, response_id: str, ms: float, item_id: str | None = None) -> None:
        self.get(
            "response.audio.delta",
            response_id=response_id,
            item_id=item_id or f"item_{response_id}",
            content_index=0,
            delta=base64.b64encode(pcm(ms)).decode(),
        )

    def done(self, response_id: str, status: str = "completed", **members: Any) -> None:
        self.get("response.done", response={"id": response_id, "status": status, **members})

    def speak(self, item_id: str = "u1") -> None:
        self.get("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=0)

    def hush(self, item_id: str = "u1", end_ms: int = 0) -> None:
        self.get("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=end_ms)

    def heard(self, text: str, item_id: str = "u1") -> None:
        self.get(
            "conversation.item.input_audio_transcription.completed",
            item_id=item_id,
            content_index=0,
            transcript=text,
        )
