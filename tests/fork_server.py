"""Fork server: programs of Python as processes of their own, which begin with the imports done.

``python -m tests.fork_server MODULE…`` imports the modules and reads JSON lines: ``arguments``
(those of ``python``: ``-m MODULE …`` or ``-c CODE …``), ``cwd``, ``environment``, and the files
``given`` (stdin), ``output`` (stdout) and ``errors`` (stderr), which may be the same. For each it
writes the id of the process, and the id with the exit code once that has ended.
``tests.forked_processes`` is who asks.
"""

import atexit
import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path


class Ending:
    """How a program ends: with its exit code, as soon as what it registered for its end has run.

    Taking apart all that was imported would take longer than most programs.
    """

    code = 0

    def __call__(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.code)


def serve() -> None:
    ending = Ending()
    # Before anything is imported, so after all that registers itself.
    atexit.register(ending)
    for name in sys.argv[1:]:
        importlib.import_module(name)
    if program := _fork_each():
        try:
            _run(**json.loads(program))
        except SystemExit as error:
            ending.code = error.code if isinstance(error.code, int) else int(error.code is not None)
            raise
        except BaseException:
            ending.code = 1
            raise


def _fork_each() -> str:
    """In each process that is forked, the line that asks for it; "" in this one, at its end."""
    running: set[int] = set()
    with _note_ends() as ends:
        while True:
            ready, _, _ = select.select([sys.stdin, ends], [], [])
            if ends in ready:
                ends.recv(4096)
                _reap(running)
            if sys.stdin in ready:
                # One at a time: who asks waits for the answer.
                line = sys.stdin.readline()
                if not line:
                    break
                pid = os.fork()
                if pid == 0:
                    return line
                running.add(pid)
                _tell(pid)
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    return ""


@contextlib.contextmanager
def _note_ends() -> Iterator[socket.socket]:
    """A socket with something to read whenever a process has ended."""
    reading, writing = socket.socketpair()
    with reading, writing:
        writing.setblocking(False)
        signal.set_wakeup_fd(writing.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        yield reading
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)


def _reap(running: set[int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        running.discard(pid)
        _tell(pid, os.waitstatus_to_exitcode(status))


def _tell(*numbers: int) -> None:
    sys.stdout.write(" ".join(map(str, numbers)) + "\n")
    sys.stdout.flush()


def _run(
    arguments: list[str],
    cwd: str,
    environment: dict[str, str],
    given: str,
    output: str,
    errors: str,
) -> None:
    """As ``python`` does, in a process whose files, directory and environment are its own."""
    for number, path, mode in ((0, given, "rb"), (1, output, "ab"), (2, errors, "ab")):
        with Path(path).open(mode) as file:
            os.dup2(file.fileno(), number)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    further = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[0:1] = [cwd, *filter(None, further)]
    importlib.invalidate_caches()
    option, what, *rest = arguments
    sys.argv = [what if option == "-m" else option, *rest]
    if option == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    serve()
