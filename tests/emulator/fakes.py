"""Engines that a test holds in its hand: they keep the protocols and do what they are told."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import numpy as np

from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerError,
    AnswerFinished,
    TextDelta,
)
from voicelive_agent.emulator.stt import SttError, Transcript
from voicelive_agent.emulator.tts import SpokenChunk, SpokenWord, TtsError, Viseme, Voice

WORD_MS = 200


class FakeUtterance:
    def __init__(self, recognizer: "FakeRecognizer", on_partial: Callable[[str], None]) -> None:
        self._ear = recognizer
        self.on_partial = on_partial
        self.audio = bytearray()
        self.discarded = False
        self.pauses: list[int | None] = []
        """How much was fed when it paused; None where it went on."""

    def feed(self, pcm: bytes) -> None:
        self.audio += pcm

    def pause(self) -> None:
        self.pauses.append(len(self.audio))

    def resume(self) -> None:
        self.pauses.append(None)

    is_full = False

    async def drain(self) -> None: ...

    async def text_so_far(self) -> str:
        return self._ear.stt.so_far

    async def finish(self) -> Transcript:
        await self._ear.stt.gate.wait()
        text = self._ear.stt.texts.pop(0) if self._ear.stt.texts else "hello"
        if text.startswith("!"):
            raise SttError(text[1:])
        return Transcript(text, notice=self._ear.stt.notice, source="fake")

    def discard(self) -> None:
        self.discarded = True


class FakeRecognizer:
    def __init__(self, stt: "FakeSpeechToText") -> None:
        self.stt = stt
        self.utterances: list[FakeUtterance] = []
        self.phrases: Sequence[str] = ()
        self.closed = False

    def begin(self, on_partial: Callable[[str], None]) -> FakeUtterance:
        utterance = FakeUtterance(self, on_partial)
        self.utterances.append(utterance)
        return utterance

    def configure(self, *, language: str, phrases: Sequence[str]) -> str | None:
        self.phrases = phrases
        return None if language.startswith("en") else "these ears know English only"

    async def close(self) -> None:
        self.closed = True


class FakeSpeechToText:
    """Hears ``texts`` one after another; ``!reason`` is a failure."""

    name = "fake ears"
    advice: str | None = None

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.so_far = ""
        self.notice = ""
        self.recognizers: list[FakeRecognizer] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def open_recognizer(self) -> FakeRecognizer:
        recognizer = FakeRecognizer(self)
        self.recognizers.append(recognizer)
        return recognizer


class FakeTextToSpeech:
    """Speaks each word as a tone of ``WORD_MS``; a clause with "broken" fails."""

    name = "fake voice"
    sample_rate_hz = 16_000

    def __init__(self) -> None:
        self.speaking = 0
        self.spoken: list[str] = []
        self.visemes: tuple[int, ...] = ()
        """Those of each word, at even distances."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def voice_names(self) -> Sequence[str]:
        return ["tone"]

    def resolve_voice(self, voice: Mapping[str, Any]) -> tuple[Voice, str | None]:
        name = str(voice.get("name", ""))
        return Voice("tone"), f"no voice {name}" if name == "nobody" else None

    async def speak(self, clause: str, voice: Voice) -> AsyncGenerator[SpokenChunk, None]:
        self.speaking += 1
        try:
            self.spoken.append(clause)
            if "broken" in clause:
                raise TtsError("the voice is broken")
            end = 0
            samples = self.sample_rate_hz * WORD_MS // 1000
            tone = (8000 * np.sin(np.arange(samples) * 0.2)).astype("<i2").tobytes()
            for number, word in enumerate(clause.split()):
                end = clause.index(word, end) + len(word)
                await asyncio.sleep(0)
                start_ms = number * WORD_MS
                shapes = (
                    Viseme(one, start_ms + index * WORD_MS // len(self.visemes))
                    for index, one in enumerate(self.visemes)
                )
                yield SpokenChunk(tone, (SpokenWord(word, end, start_ms, WORD_MS),), tuple(shapes))
        finally:
            self.speaking -= 1


class FakeAgentSession:
    def __init__(self, backend: "FakeAgentBackend", session_id: str, conversation_id: str) -> None:
        self._backend = backend
        self.session_id = session_id
        self.conversation_id = conversation_id
        self.closed = False

    async def answer(self, request: AgentRequest) -> AsyncGenerator[AgentEvent, None]:
        self._backend.requests.append(request)
        self._backend.answering += 1
        try:
            async for agent_event in self._backend.answer(request):
                yield agent_event
        finally:
            self._backend.answering -= 1
            self._backend.stopped.set()

    async def close(self) -> None:
        self.closed = True


async def echo(request: AgentRequest) -> AsyncIterator[AgentEvent]:
    """The default answer: what was said."""
    if request.text == "fail":
        raise AnswerError("agent_error", "the agent answered 500")
    yield TextDelta(f"You said {request.text or request.kind}.")
    yield AnswerFinished()


class FakeAgentBackend:
    """Answers with ``answer``; counts what runs."""

    name = "fake agent"

    def __init__(self) -> None:
        self.answer: Callable[[AgentRequest], AsyncIterator[AgentEvent]] = echo
        self.requests: list[AgentRequest] = []
        self.sessions: list[FakeAgentSession] = []
        self.answering = 0
        self.stopped = asyncio.Event()

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def open_session(self, session_id: str, *, conversation_id: str = "") -> FakeAgentSession:
        session = FakeAgentSession(self, session_id, conversation_id)
        self.sessions.append(session)
        return session


class FakeVoiceActivity:
    """Speech is what is loud."""

    frame_bytes = 1024
    frame_ms = 32
    onset_lag_ms = 0
    release_lag_ms = 0

    def probability(self, frame: bytes) -> float:
        return 0.99 if np.abs(np.frombuffer(frame, "<i2").astype(int)).max() > 1000 else 0.01

    def reset(self) -> None: ...
