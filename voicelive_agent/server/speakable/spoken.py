"""What a voice is given of a text: words, single spaces, and stops where a line's form was one."""

from dataclasses import dataclass

from voicelive_agent.server.speakable import markup


@dataclass(frozen=True, slots=True)
class SpokenForms:
    """What is said in place of things that have no words of their own."""

    code: str = "(a piece of code)"
    """For a block of code; empty to leave it out."""
    pause: str = ", "
    """Between the cells of a table."""
    stop: str = "."
    """After a heading, list item or table row that ends without punctuation."""


class Spoken:
    """Collects what is said. White space is said once: the first of a run stands for all."""

    def __init__(self, forms: SpokenForms) -> None:
        self.forms = forms
        self.on_line = False
        """Whether anything was said on the current line."""
        self.is_structured = False
        """Whether the current line is a heading, item, row or the like, so that it needs a stop."""
        self._pieces: list[str] = []
        self._last = ""
        self._gap = ""

    def take(self) -> str:
        """What was said since the last call."""
        said = "".join(self._pieces)
        self._pieces.clear()
        return said

    @property
    def flows(self) -> bool:
        """Whether words would be said as they are, right after what was said."""
        return not (self._pieces or self._gap or self.is_structured)

    @property
    def ends_in_space(self) -> bool:
        return self._last[-1:].isspace()

    def note(self, words: str) -> None:
        """Words were said without passing through here."""
        self._last = (self._last + words)[-2:]
        self.on_line = True

    def say(self, words: str) -> None:
        if words:
            self._append(self._gap)
            self._append(words)
            self._gap = ""
            self.on_line = True

    def say_space(self, space: str) -> None:
        if self.is_structured:
            # It may be the last of its line, and a stop stands next to its word.
            if self.on_line and not self._gap:
                self._gap = space
        elif not self.ends_in_space:
            self._append(space)

    def pause(self) -> None:
        """Separate what was said on this line from what may follow on it."""
        if self.on_line:
            self._gap = self.forms.pause

    def break_line(self) -> None:
        self._gap = ""
        if self.is_structured and self.on_line and not self._has_ended():
            self._append(self.forms.stop)
        if self._last and not self._last[-1].isspace():
            self._append("\n")
        self.on_line = False
        self.is_structured = False

    def _has_ended(self) -> bool:
        """Whether the last word has its punctuation, within a closing quote or bracket too."""
        if self._last[-1] in "\"'”’»)]":
            return self._last[0] in markup.TERMINAL
        return self._last[-1] in markup.TERMINAL or self._last[-1].isspace()

    def _append(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            self._last = (self._last + text)[-2:]
