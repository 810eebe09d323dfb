"""Errors in this project's own words: public, with a place, a next step and a foreign cause."""

import inspect
from typing import Any

from voicelive_agent.diagnostics.places import Place, find_places


class ExplainedError(Exception):
    """An error whose ``message`` is ours: it repeats no text of another program and nobody's words.

    ``because`` is the foreign exception that it is about; ``place`` where in the author's code to
    look, where that exception doesn't tell; ``step`` what to do next, a whole sentence. ``str`` is
    all of it.
    """

    def __init__(
        self,
        message: str,
        *,
        because: BaseException | None = None,
        place: Place | None = None,
        step: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.because = because
        self.place = place
        self.step = step

    def __str__(self) -> str:
        said, places = self.message, [self.place] if self.place else []
        if self.because is not None:
            said += f": {type(self.because).__qualname__}: {self.because}"
            places = find_places(self.because) or places
        place = f" ({places[-1]})" if places else ""
        return f"{said.removesuffix('.')}{place}.{self.step and f' {self.step}'}"


class WrongOutputError(ExplainedError):
    """The agent gave something that can't be said or shown."""


def wrong_output(verb: str, output: Any, place: Place | None = None) -> WrongOutputError:
    """For an agent that ``verb`` (yielded, returned) such an ``output``."""
    step = _advise(output)
    return WrongOutputError(f"the agent {verb} {_describe(output)}", place=place, step=step)


def _describe(output: Any) -> str:
    if inspect.iscoroutine(output):
        return "a coroutine that nobody has awaited"
    if output is None:
        return "None"
    if isinstance(output, type):
        return f"the class {output.__name__}, where an object is needed"
    return f"{type(output).__name__}, where text is needed"


def _advise(output: Any) -> str:
    if inspect.iscoroutine(output):
        # Nobody will, and Python would complain of that as well.
        output.close()
        return "`await` it."
    if inspect.isasyncgen(output):
        return "Yield what it yields: `async for text in …: yield text`."
    match output:
        case None:
            return "Give text (str) on each path of the function."
        case bytes() | bytearray():
            return "Decode it: `.decode()`."
        case type():
            return f"Make an object of it: {output.__name__}(…)."
        case list() | tuple():
            return "Yield what it holds, one after the other: `for one in …: yield one`."
        case dict():
            return "Yield its text to have it spoken, or a ClientEvent to have it shown."
    return "Give text (str) to have it spoken: `str(…)`, say; or yield a ClientEvent or EndCall."
