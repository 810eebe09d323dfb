"""Listening sockets of the servers: bound before anything says that it is ready."""

import errno
import os
import random
import socket
from typing import Any

from voicelive_agent.wire.net import is_this_machine

_BACKLOG = 2048
# Never seeded, as tests seed the common one: those that run side by side would choose the same.
_random = random.SystemRandom()


class ListenError(Exception):
    """An address can't be listened on; the message says what to do."""


def bind(host: str, port: int, *, names: str = "--port", shared: bool = False) -> socket.socket:
    """A listening socket. ``names`` is how the port is set, for messages. Raises ListenError.

    ``shared``: with others of this user, among which the system spreads connections (Linux).
    """
    try:
        family, _, _, _, address = _resolve(host, port)[0]
    except OSError as error:
        raise ListenError(
            f"there is no address {host!r} here: choose another with --host"
        ) from error
    # Only for sockets that name their protocol does asyncio turn Nagle's delay off, which would
    # hold small frames back for up to 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # On Windows the option would let two servers share a port.
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ListenError(
                f"port {port} is taken: stop what listens there, or choose another with {names}"
            ) from error
        raise ListenError(
            f"can't listen on {host}:{port} ({error.strerror or error}): "
            f"choose another with --host or {names}"
        ) from error
    listener.setblocking(False)
    return listener


def is_reachable_by_others(host: str) -> bool:
    """Whether somebody on another machine can reach what ``bind`` binds for ``host``.

    A name that has no address is said by ``bind`` itself.
    """
    try:
        return any(not is_this_machine(str(found[4][0])) for found in _resolve(host, 0))
    except OSError:
        return False


def _resolve(host: str, port: int) -> list[tuple[Any, ...]]:
    return [
        *socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    ]


def url_of(listener: socket.socket, host: str, *, is_tls: bool = False) -> str:
    """The URL that somebody on this machine uses."""
    port = listener.getsockname()[1]
    if host in ("0.0.0.0", ""):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    elif ":" in host:
        host = "[::1]" if host == "::" else f"[{host}]"
    return f"http{'s' if is_tls else ''}://{host}:{port}"


def find_free_port() -> int:
    """A port of 127.0.0.1 that is free, and that no outgoing connection takes before a server
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
