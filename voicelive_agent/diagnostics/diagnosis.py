"""A diagnosis: the causes of an exception, their places in the author's code, the next step.

Whatever was raised, and however often it was wrapped (``__cause__``, ``__context__``, exception
groups), at most two things are worth a line: what reached us, and what it began with. Texts of
foreign exceptions may repeat what was said: ``texts=False`` leaves them out, and keeps types,
places, HTTP status and host.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from voicelive_agent.diagnostics.explained import ExplainedError
from voicelive_agent.diagnostics.http import find_http
from voicelive_agent.diagnostics.next_steps import find_next_step
from voicelive_agent.diagnostics.places import Place, find_places

_MAX_TEXT = 300
_MAX_CHAIN = 50
_OURS = "voicelive_agent."


@dataclass(frozen=True, slots=True)
class Cause:
    """One exception: what it says, and the places of the author's code that it passed."""

    text: str
    places: tuple[Place, ...] = ()

    def __str__(self) -> str:
        return f"{self.text} ({self.places[-1]})" if self.places else self.text


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What reached us first, what it began with last."""

    causes: tuple[Cause, ...]
    step: str = ""
    """What to do next; empty where nothing is known."""

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        said = ", caused by ".join(map(str, self.causes)).rstrip(".")
        return f"{said}. {self.step}" if self.step else f"{said}."

    @property
    def screen(self) -> str:
        """The same for a terminal: a few lines, with those of the author's code."""
        lines: list[str] = []
        for number, cause in enumerate(self.causes):
            lines.append(f"  {'caused by ' if number else ''}{cause.text}")
            lines += _show_places(cause.places)
        if self.step:
            lines.append(f"  Next: {self.step}")
        return "\n".join(lines)


def diagnose(error: BaseException, *, texts: bool = True) -> Diagnosis:
    """Why ``error`` was raised. Without ``texts``, nothing of a foreign exception's own text."""
    chain = list(unchain(error))
    step = _find_step(error, chain) if texts else _own_step(chain)
    causes = [describe_alone(one, texts=texts) for one in _choose(chain)]
    if not any(cause.places for cause in causes):
        causes[0] = replace(causes[0], places=tuple(_find_places_of_groups(error)))
    return Diagnosis(tuple(causes), step)


def unchain(error: BaseException | None, *, hidden: bool = False) -> Iterator[BaseException]:
    """An exception, what it was raised for, and so on; of a group, the first one.

    With ``hidden``, what was raised ``from None`` as well.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen and len(seen) < _MAX_CHAIN:
        seen.add(id(error))
        if not isinstance(error, BaseExceptionGroup):
            yield error
        error = _before(error, hidden)


def _find_places_of_groups(error: BaseException | None) -> list[Place]:
    """Where a group was raised whose members passed none of the author's lines."""
    while error is not None:
        if isinstance(error, BaseExceptionGroup) and (places := find_places(error)):
            return places
        error = _before(error, hidden=False)
    return []


def _before(error: BaseException, hidden: bool) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):
        return error.exceptions[0]
    if isinstance(error, ExplainedError) and error.because is not None:
        return error.because
    shown = hidden or not error.__suppress_context__
    return error.__cause__ or (error.__context__ if shown else None)


def is_ours(error: BaseException) -> bool:
    """Whether an exception's text is this project's own."""
    return type(error).__module__.startswith(_OURS)


def _choose(chain: list[BaseException]) -> list[BaseException]:
    """The exceptions worth a line: the first, and the one that it all began with.

    Below one of the author's own lines, what libraries raised for each other says less.
    """
    first, last = chain[0], chain[-1]
    if first is last or (is_ours(first) and not isinstance(first, ExplainedError)):
        return [first]
    if isinstance(first, ExplainedError) and first.because is None:
        return [first]
    in_authors = [one for one in chain if find_places(one)]
    if in_authors and in_authors[-1] is not first:
        last = in_authors[-1]
    return [first] if _says_the_same(first, last) else [first, last]


def _says_the_same(first: BaseException, last: BaseException) -> bool:
    text = _read_text(last)
    alike = type(first).__name__ == type(last).__name__
    return first is last or (bool(text) and alike and text in _read_text(first))


def describe_alone(error: BaseException, *, texts: bool) -> Cause:
    """An exception without those before it."""
    places = tuple(find_places(error))
    if isinstance(error, ExplainedError):
        if not places and error.place is not None:
            places = (error.place,)
        return Cause(error.message, places)
    name = type(error).__qualname__
    if is_ours(error):
        return Cause(_one_line(str(error)), places)
    if texts:
        text = error.msg if isinstance(error, SyntaxError) else _read_text(error)
        return Cause(": ".join(filter(None, (name, _one_line(text)))), places)
    return Cause(f"{name}{describe_http(error)}", places)


def describe_http(error: BaseException) -> str:
    """`` (HTTP 404 from host)`` for the failure of a request, which is nobody's words."""
    status, url = find_http(error)
    if not status and not url:
        return ""
    what = f"HTTP {status}" if status else "HTTP"
    return f" ({what} from {url.netloc})" if url else f" ({what})"


def _find_step(error: BaseException, chain: list[BaseException]) -> str:
    if isinstance(error, ExplainedError) and error.because is None:
        return error.step
    if is_ours(error) and not isinstance(error, ExplainedError):
        # Its text says what to do.
        return ""
    # Libraries hide what tells their failures apart, as httpcore does a refused connection.
    return find_next_step([*chain, *unchain(error, hidden=True)])


def _own_step(chain: list[BaseException]) -> str:
    return next((one.step for one in chain if isinstance(one, ExplainedError) and one.step), "")


def _read_text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        # An author's own __str__ may fail as well.
        return ""


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_TEXT else f"{line[: _MAX_TEXT - 1]}…"


def _show_places(places: tuple[Place, ...]) -> list[str]:
    if not places:
        return []
    *outer, inner = places
    lines = [f"    {inner}", *([f"      {inner.source[:100]}"] if inner.source else ())]
    if outer and outer[-1] != inner:
        lines.append(f"    called at {outer[-1]}")
    if len(outer) > 1:
        lines.append(f"    called at {outer[0]}")
    return lines
