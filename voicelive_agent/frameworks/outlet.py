"""How a framework's tools speak, show cards or end the call within a turn.

A framework calls its tools somewhere inside its own run, so a tool can't ``yield``. An ``Outlet``
is where its outputs go instead; ``perform`` makes an agent's stream of outputs of it::

    run (a task) ──say──▶ outlet ──▶ perform ──yield──▶ engine
      └─ tool ─────show────▶┘
"""

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Awaitable, Callable

from voicelive_agent.agent import ClientEvent, EndCall, Output, Turn
from voicelive_agent.diagnostics import ExplainedError
from voicelive_agent.frameworks.history import HISTORY_REFUSED, may_be_refused_for_history
from voicelive_agent.frameworks.model_stops import find_stop
from voicelive_agent.wire.punctuation import CLOSERS, SENTENCE_ENDS, WIDE_SENTENCE_ENDS

# After a colon something else may be said as well.
_ENDS = f"{SENTENCE_ENDS}{WIDE_SENTENCE_ENDS}:："

_current: contextvars.ContextVar["Outlet"] = contextvars.ContextVar("current outlet")


def current_turn() -> Turn:
    """The turn that is being answered, for a tool of any framework.

    Raises LookupError outside of a turn that an adapter runs.
    """
    return current_outlet().turn


def show(event: ClientEvent) -> None:
    """Send a client event at once, from inside a tool of any framework or from its thread.

    After the turn has ended it does nothing. Raises LookupError outside of a turn.
    """
    if not isinstance(event, ClientEvent):
        raise TypeError(f"show() takes a ClientEvent, not {type(event).__name__}")
    current_outlet().put(event)


def end_call(reason: str = "completed") -> None:
    """End the call once all that this turn says has been spoken. Raises LookupError likewise."""
    current_outlet().ending = EndCall(reason)


def current_outlet() -> "Outlet":
    try:
        return _current.get()
    except LookupError:
        raise LookupError(
            "no turn is being answered here: call this from a tool of an agent that the server"
            " runs (a generator agent yields its client events and has its turn as argument)"
        ) from None


class Outlet:
    """Where one run puts what is for the caller."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.ending: EndCall | None = None
        self._loop = asyncio.get_running_loop()
        self.started = self._loop.time()
        self._queue: asyncio.Queue[Output | None] = asyncio.Queue()
        self._on_end: list[Callable[[], None]] = []
        self._last = ""
        self._apart = False
        self.is_unused = True

    @property
    def mid_sentence(self) -> bool:
        """Whether what was said so far breaks off inside a sentence."""
        said = self._last.rstrip().rstrip(CLOSERS)
        return bool(said) and said[-1] not in _ENDS

    def begin(self) -> None:
        """A new message begins: what it says is set apart from what was said before it."""
        self._apart = True

    def say(self, text: str) -> None:
        if not text:
            return
        if self._apart and self._last and not self._last[-1].isspace() and not text[0].isspace():
            text = " " + text
        self._apart = False
        # Only the end matters, and a token may be a lone space.
        self._last = (self._last + text)[-80:]
        self.is_unused = False
        self._queue.put_nowait(text)

    def on_end(self, callback: Callable[[], None]) -> None:
        """Call this when the run has ended, however it did."""
        self._on_end.append(callback)

    def end(self) -> None:
        for callback in self._on_end:
            callback()
        self.put(None)

    def put(self, output: Output | None) -> None:
        """Hand over an output from any thread; None ends the stream."""
        self.is_unused = False
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if here:
            self._queue.put_nowait(output)
        else:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, output)

    async def take(self) -> Output | None:
        return await self._queue.get()


async def perform(
    turn: Turn, run: Callable[[Outlet], Awaitable[None]]
) -> AsyncGenerator[Output, None]:
    """What ``run`` gives to its outlet, as it gives it; raises what ``run`` raises.

    ``run`` is cancelled when this generator is cancelled or closed, and has ended when it has. It
    is called a second time, without the history, where a content filter may have refused that.
    """
    outlet = Outlet(turn)
    context = contextvars.copy_context()
    context.run(_current.set, outlet)

    async def run_to_end() -> None:
        try:
            try:
                await run(outlet)
            except Exception as error:
                if not _may_do_without_history(outlet, error):
                    raise
                turn.notes[HISTORY_REFUSED] = True
                await run(outlet)
        except (SystemExit, KeyboardInterrupt) as error:
            # Out of a task, these two would end the event loop, and the server with it.
            raise ExplainedError("the agent tried to end the process", because=error) from error
        finally:
            outlet.end()

    task = asyncio.create_task(run_to_end(), context=context)
    # Where nobody waits for its outcome any more, a failure while it stops goes nowhere.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        while (output := await outlet.take()) is not None:
            yield output
        await task
        if outlet.ending is not None:
            yield outlet.ending
    finally:
        await _end(task)


def _may_do_without_history(outlet: Outlet, error: Exception) -> bool:
    filtered = outlet.is_unused and find_stop(error) == "content_filtered"
    return filtered and may_be_refused_for_history(outlet.turn)


async def _end(task: asyncio.Task[None]) -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
