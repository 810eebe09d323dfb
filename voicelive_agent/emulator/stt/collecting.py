"""Recognition by engines that hear whole utterances: audio is collected, and heard at its end."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ, Transcript

PART_LIMIT_MS = 120_000
"""What lasts longer is heard in parts, to bound memory."""
_BYTES_PER_MS = SAMPLE_RATE_HZ * 2 // 1000


class CollectedRecognition:
    """A ``Recognition`` over ``transcribe``; it has no text before a part is complete."""

    def __init__(self, transcribe: Callable[[bytes], Awaitable[Transcript]]) -> None:
        self._transcribe = transcribe
        self._audio = bytearray()
        self._heard: list[Transcript] = []
        self._heard_ms = 0

    async def take(self, pcm: bytes) -> str:
        self._audio += pcm
        if len(self._audio) >= PART_LIMIT_MS * _BYTES_PER_MS:
            await self._hear_part()
        return _join(self._heard)

    async def end(self) -> Transcript:
        if self._audio or not self._heard:
            await self._hear_part()
        known = [part.confidence for part in self._heard if part.confidence is not None]
        return replace(
            self._heard[-1],
            text=_join(self._heard),
            words=tuple(word for part in self._heard for word in part.words),
            confidence=sum(known) / len(known) if known else None,
        )

    async def abandon(self) -> None:
        self._audio.clear()

    async def _hear_part(self) -> None:
        pcm = bytes(self._audio)
        self._audio.clear()
        part = await self._transcribe(pcm)
        words = (replace(word, offset_ms=word.offset_ms + self._heard_ms) for word in part.words)
        self._heard.append(replace(part, words=tuple(words)))
        self._heard_ms += len(pcm) // _BYTES_PER_MS


def _join(parts: list[Transcript]) -> str:
    return " ".join(part.text for part in parts if part.text)
