"""A spoken turn for the clients here: audio that the fake ears take for speech, and a pause."""

import math
import struct

RATE_HZ = 24_000


def spoken_turn() -> bytes:
    samples = [int(12_000 * math.sin(0.2 * n)) for n in range(RATE_HZ * 4 // 5)]
    return struct.pack(f"<{len(samples)}h", *samples) + bytes(2 * RATE_HZ * 3 // 2)
