"""Spoken form of a text: as an engine should read it, with the way back to the text as it stands.

Numbers, dates, money and the like are written out by the rules of the language's table
(``text.normalization``). Control characters, which some engines obey, become spaces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from voicelive_agent.emulator.tts.text.normalization.rules import Rule, find_rules
from voicelive_agent.wire.punctuation import CLOSERS

_ENDS = CLOSERS + " \n\t"
_Said = tuple[int, int, str]
"""Start and end of a written form, and what is said for it."""


@dataclass(frozen=True, slots=True)
class SpokenForm:
    text: str
    origins: Sequence[int]
    """For each character of ``text``, the index of the one it stands for."""

    def origin(self, position: int) -> int:
        if not self.origins:
            return 0
        return self.origins[min(max(position, 0), len(self.origins) - 1)]


def write_out(clause: str, language: str = "en") -> SpokenForm:
    """The spoken form of a clause in a language (BCP-47)."""
    text = "".join(map(_neutralise, clause))
    found: list[_Said] = []
    for rule in find_rules(language):
        found += _apply(rule, text, found)
    return _join(text, sorted(found))


def _neutralise(char: str) -> str:
    if char < " " and char not in "\n\t":
        return " "
    return " " if "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff" else char


def _apply(rule: Rule, text: str, taken: Sequence[_Said]) -> list[_Said]:
    """What a rule says of the text that no rule before it has taken."""
    found: list[_Said] = []
    position = 0
    while (match := rule.pattern.search(text, position)) is not None:
        start, end = match.span("said" if "said" in match.groupdict() else 0)
        position = match.start() + 1
        if start == end or any(start < other and begin < end for begin, other, _ in taken):
            continue
        said = rule.say(match)
        if said is not None:
            found.append((start, end, said))
            position = end
    return found


def _join(text: str, found: Sequence[_Said]) -> SpokenForm:
    """The text with what is said in the place of what is written."""
    pieces: list[str] = []
    origins: list[int] = []
    position, tail = 0, ""
    for start, end, said in found:
        pieces.append(text[position:start])
        tail = (tail + pieces[-1])[-1:]
        origins += range(position, start)
        if text[end - 1] == "." and not text[end:].strip(_ENDS):
            said = said.rstrip(".") + "."  # the stop of "etc." is that of its sentence too
        said = _part(tail, said, text[end:])
        tail = (tail + said)[-1:]
        pieces.append(said)
        # Words of a form of several words are spread over those.
        origins += (start + at * (end - start) // len(said) for at in range(len(said)))
        position = end
    return SpokenForm("".join([*pieces, text[position:]]), [*origins, *range(position, len(text))])


def _part(tail: str, said: str, behind: str) -> str:
    """What is said, with a space where it would grow together with its neighbours."""
    said = said.strip().replace("' ", "'")
    if not said:
        return " " if tail.isalnum() and behind[:1].isalnum() else ""
    if tail.isalnum() and said[:1].isalnum():
        said = f" {said}"
    return f"{said} " if behind[:1].isalnum() and said[-1:].isalnum() else said
