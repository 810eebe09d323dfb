"""What the person types: a terminal's prompt, or plain lines from a pipe."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable
from typing import TextIO

TOOLBAR_INTERVAL_S = 0.2


async def read_lines(stream: TextIO) -> AsyncIterator[str]:
    """The lines of a stream, to its end."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def put(line: str | None) -> None:
        # The loop may be closed by the time a line comes.
        if not loop.is_closed():
            loop.call_soon_threadsafe(lines.put_nowait, line)

    def read() -> None:
        try:
            for line in stream:
                put(line.rstrip("\n"))
        except (OSError, ValueError):
            pass
        finally:
            put(None)

    # A read can't be interrupted, so it must not keep the process from ending.
    threading.Thread(target=read, name="typed lines", daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line


async def prompt_lines(toolbar: Callable[[], str] | None = None) -> AsyncIterator[str]:
    """What is typed at a terminal, while other output scrolls above; ends with Ctrl-D.

    ``toolbar`` gives the line below the prompt.
    """
    from prompt_toolkit import ANSI, PromptSession
    from prompt_toolkit.patch_stdout import patch_stdout

    session: PromptSession[str] = PromptSession(
        erase_when_done=True,
        bottom_toolbar=(lambda: ANSI(toolbar())) if toolbar else None,
        refresh_interval=TOOLBAR_INTERVAL_S,
    )
    with patch_stdout(raw=True):
        while True:
            try:
                yield await session.prompt_async("> ", handle_sigint=False)
            except (EOFError, KeyboardInterrupt):
                yield "/quit"
                return


def is_terminal() -> bool:
    """Whether a person can type here."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
