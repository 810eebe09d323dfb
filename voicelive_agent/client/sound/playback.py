"""The queue between answers and the loudspeaker: what is played next, and how far it got.

Pure: no device, no clock. ``read`` may be called from an audio thread while the event loop
writes and cuts; a lock is held for as long as it takes to move one block.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable

from voicelive_agent.client.sound.devices import Played
from voicelive_agent.wire.audio.formats import BYTES_PER_SAMPLE

RECENT_S = 3
REMEMBERED_ITEMS = 64
"""Positions are kept for so many items after they were played or cut."""

ItemKey = tuple[str, int]


class Playback:
    """PCM16 mono of items in the order in which it was written.

    ``on_first_sample`` gets the item id, in the thread that reads, before ``read`` returns.
    """

    def __init__(self, rate_hz: int, on_first_sample: Callable[[str], None] | None = None) -> None:
        self._bytes_per_s = rate_hz * BYTES_PER_SAMPLE
        self._on_first_sample = on_first_sample
        self._lock = threading.Lock()
        self._packets: deque[tuple[ItemKey, memoryview]] = deque()
        self._queued_bytes = 0
        self._played_bytes: OrderedDict[ItemKey, int] = OrderedDict()
        self._half_sample: tuple[ItemKey, bytes] | None = None
        self._recent = bytearray()

    def write(self, item_id: str, content_index: int, pcm: bytes) -> None:
        """Queue audio. A sample that is split between two packets of an item stays whole."""
        key = (item_id, content_index)
        with self._lock:
            if self._half_sample and self._half_sample[0] == key:
                pcm = self._half_sample[1] + pcm
            whole = len(pcm) - len(pcm) % BYTES_PER_SAMPLE
            self._half_sample = (key, pcm[whole:]) if whole < len(pcm) else None
            if whole:
                self._packets.append((key, memoryview(pcm)[:whole]))
                self._queued_bytes += whole

    def read(self, n_bytes: int) -> bytes:
        """Exactly ``n_bytes`` to play now, with silence where nothing is queued."""
        begun = []
        out = bytearray()
        with self._lock:
            while self._packets and len(out) < n_bytes:
                key, pcm = self._packets[0]
                taken = pcm[: n_bytes - len(out)]
                out += taken
                if key not in self._played_bytes:
                    begun.append(key[0])
                    self._remember(key)
                self._played_bytes[key] += len(taken)
                if len(taken) == len(pcm):
                    self._packets.popleft()
                else:
                    self._packets[0] = (key, pcm[len(taken) :])
            self._queued_bytes -= len(out)
            out.extend(bytes(n_bytes - len(out)))
            self._remember_sound(out)
        if self._on_first_sample:
            for item_id in begun:
                self._on_first_sample(item_id)
        return bytes(out)

    def recent(self) -> bytes:
        """The last ``RECENT_S`` seconds that were read, silence included."""
        with self._lock:
            return bytes(self._recent[-RECENT_S * self._bytes_per_s :])

    def cut(self) -> Played | None:
        """Drop all that is queued; where it was, or None if nothing was queued."""
        with self._lock:
            self._half_sample = None
            if not self._packets:
                return None
            key = self._packets[0][0]
            self._packets.clear()
            self._queued_bytes = 0
            return self._position(key)

    def played(self, item_id: str, content_index: int) -> Played:
        """How much of an item was played, also when all of it was."""
        with self._lock:
            return self._position((item_id, content_index))

    @property
    def queued_bytes(self) -> int:
        return self._queued_bytes

    @property
    def queued_ms(self) -> int:
        """Rounded up, so that 0 means empty."""
        return -(-self._queued_bytes * 1000 // self._bytes_per_s)

    def _remember_sound(self, pcm: bytearray) -> None:
        self._recent += pcm
        # Seldom, as what is behind moves up.
        if len(self._recent) > 2 * RECENT_S * self._bytes_per_s:
            del self._recent[: -RECENT_S * self._bytes_per_s]

    def _remember(self, key: ItemKey) -> None:
        self._played_bytes[key] = 0
        if len(self._played_bytes) > REMEMBERED_ITEMS:
            self._played_bytes.popitem(last=False)

    def _position(self, key: ItemKey) -> Played:
        played_ms = self._played_bytes.get(key, 0) * 1000 // self._bytes_per_s
        return Played(item_id=key[0], content_index=key[1], played_ms=played_ms)
