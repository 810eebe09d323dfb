"""A port for a server of a test."""

import random
import socket

# Not seeded by hypothesis: workers that run side by side would choose the same.
_random = random.SystemRandom()


def find_free_port() -> int:
    """A port of 127.0.0.1 that is free, and that no outgoing connection takes before the server
    listens: systems take theirs from 32768 on.
    """
    while True:
        port = _random.randrange(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
