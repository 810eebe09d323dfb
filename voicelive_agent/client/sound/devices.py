"""Where the person's speech comes from and where the agent's goes.

A microphone and a loudspeaker can each be hardware (``hardware_devices``), a file or silence
(``file_devices``), so the same client talks to a person and checks an agent in CI.
Audio is PCM16 mono little-endian at the rate that the conversation asks for when it opens a
device; a device resamples to what its hardware or file has.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

BLOCK_MS = 20
"""How much audio moves at once, and so the most that is played after playback was stopped."""


class DeviceError(Exception):
    """A device can't be used; the text says what to do next."""


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of the person's audio. ``input_ended`` marks the last block of an input."""

    pcm: bytes
    input_ended: bool = False


def ignore(text: str) -> None:
    """Tell nobody."""


class Microphone(Protocol):
    """The person's side."""

    async def open(self, rate_hz: int, *, on_status: Callable[[str], None] = ignore) -> None:
        """Start. Raises DeviceError.

        ``on_status`` is called on the event loop when the device was lost, and when it is back.
        """

    async def read(self) -> Block | None:
        """The next block, about ``BLOCK_MS`` long, in real time unless the device is a file that
        is sent as fast as possible. None when there will be no more. Raises DeviceError.

        At most a second of audio waits to be read; older audio is dropped and counted.
        """
        ...

    def go_on(self) -> None:
        """The agent has answered an input: on with the next one, or the end."""

    @property
    def dropped_ms(self) -> int:
        """Audio that was dropped because it was not read in time."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Played:
    """How much of one item's audio has left the loudspeaker, in ms."""

    item_id: str
    content_index: int
    played_ms: int


class Loudspeaker(Protocol):
    """The agent's side. ``write`` never waits: answers come faster than they are spoken."""

    async def open(
        self,
        rate_hz: int,
        *,
        on_first_sound: Callable[[str], None] = ignore,
        on_status: Callable[[str], None] = ignore,
    ) -> None:
        """Start. Raises DeviceError.

        Both are called on the event loop: ``on_first_sound`` with the item id when an item's
        first sample is played, ``on_status`` when the device was lost, and when it is back.
        """

    def write(self, item_id: str, content_index: int, pcm: bytes) -> None:
        """Queue audio of an item behind what is queued."""

    def cut(self) -> Played | None:
        """Drop what is queued, at once; what was playing and how much of it was heard.

        None when nothing was queued, also where more of the answer is still on its way: ask
        ``played`` then.
        """
        ...

    def played(self, item_id: str, content_index: int) -> Played:
        """How much of an item was heard, also before its first sample and after its last."""
        ...

    def recent(self) -> bytes:
        """The last seconds that were played, silence included."""
        ...

    @property
    def queued_ms(self) -> int:
        """Audio that is queued and not yet heard."""
        ...

    async def drained(self) -> None:
        """Wait until everything queued has been heard, or was cut."""

    async def close(self) -> None: ...
