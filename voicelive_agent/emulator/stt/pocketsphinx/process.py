"""One process that pocketsphinx runs in.

Run with ``python -m`` it serves one recogniser on stdin and stdout. With ``--control FD``
it loads the models once and then forks a process for each socket that it is sent: a fork shares
the models and takes milliseconds, and nothing but this small program is copied.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
from typing import BinaryIO

from voicelive_agent.emulator.stt.pocketsphinx.messages import HEAD, PROCESS_ID, pack
from voicelive_agent.emulator.stt.pocketsphinx.recogniser import SphinxDecoder

_WARM_UP_MS = 500


def serve(recogniser: SphinxDecoder, requests: BinaryIO, answers: BinaryIO) -> None:
    """Recognise utterances until the other side goes."""

    def answer(kind: bytes, body: bytes = b"") -> None:
        answers.write(pack(kind, body))
        answers.flush()

    answer(b"R")
    while head := requests.read(HEAD.size):
        kind, size = HEAD.unpack(head)
        body = requests.read(size)
        if kind == b"B":
            begin = json.loads(body)
            recogniser.begin(begin["cmn"], begin["phrases"])
            answer(b"B")
        elif kind == b"A":
            answer(b"P", recogniser.feed(body).encode())
        elif kind == b"E":
            answer(b"F", json.dumps(recogniser.finish().to_json()).encode())
        elif kind == b"D":
            recogniser.discard()
            answer(b"D")


def fork_for_sockets(recogniser: SphinxDecoder, control: socket.socket) -> None:
    """Fork a process for each socket that comes, until the other side goes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control.sendall(PROCESS_ID.pack(os.getpid()))
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not descriptors:
            return
        process_id = os.fork()
        if process_id == 0:
            control.close()
            _serve_socket(recogniser, socket.socket(fileno=descriptors[0]))
            os._exit(0)
        os.close(descriptors[0])
        control.sendall(PROCESS_ID.pack(process_id))


def _serve_socket(recogniser: SphinxDecoder, connection: socket.socket) -> None:
    # The other side may go while an answer is on its way.
    with contextlib.suppress(OSError):
        serve(recogniser, connection.makefile("rb"), connection.makefile("wb"))


def _warm_up(recogniser: SphinxDecoder) -> None:
    """The first utterance would otherwise pay for reading the models' pages."""
    recogniser.begin(None, ())
    recogniser.feed(bytes(32 * _WARM_UP_MS))
    recogniser.finish()


def main() -> None:
    parser = argparse.ArgumentParser(description="Recognise speech for the emulator.")
    parser.add_argument("--accurate", action="store_true")
    parser.add_argument("--control", type=int, metavar="FD")
    options = parser.parse_args()
    # Ctrl+C in a terminal reaches every process; the emulator ends this one when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    recogniser = SphinxDecoder(accurate=options.accurate)
    _warm_up(recogniser)
    if options.control is None:
        serve(recogniser, sys.stdin.buffer, sys.stdout.buffer)
    else:
        # The other side may go without having read all answers.
        with contextlib.suppress(ConnectionError):
            fork_for_sockets(recogniser, socket.socket(fileno=options.control))


if __name__ == "__main__":
    main()
