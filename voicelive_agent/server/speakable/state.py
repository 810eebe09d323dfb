"""State of one reading: what is open at this place of the text, and what a voice is given so far.

``Reading`` is what the rules share; ``Spoken``, within it, is the output: words, single spaces,
and stops where a line's form was one.
"""

from dataclasses import dataclass, field

from voicelive_agent.server.speakable import patterns as markup
from voicelive_agent.server.speakable.lookahead import Window
from voicelive_agent.server.speakable.model_marks import Part
from voicelive_agent.server.speakable.spoken_forms import SpokenForms

# As much of what was said as a rule looks back on: a word.
_REMEMBERED = 24


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
        self._is_break = False
        """Whether the gap is no more than a break between words, which punctuation needs not."""

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
    def has_begun(self) -> bool:
        """Whether any word was said."""
        return bool(self._last.strip())

    @property
    def ends_in_space(self) -> bool:
        return self._last[-1:].isspace()

    @property
    def last_word_char(self) -> str:
        """The last character that was said on this line before a space or now; empty for none."""
        return self._last.rstrip()[-1:] if self.on_line else ""

    @property
    def last_word(self) -> str:
        """The last word that was said, in lower case, where its line goes on."""
        words = self._last.split() if self.on_line else []
        return words[-1].strip("\"'“”„*").lower() if words else ""

    @property
    def at_pause(self) -> bool:
        """Whether nothing was said yet since the line, or the cell of a table, began."""
        return not self.on_line or self._gap == self.forms.pause

    def note(self, words: str) -> None:
        """Words were said without passing through here."""
        self._last = (self._last + words)[-_REMEMBERED:]
        self.on_line = True

    def say(self, words: str) -> None:
        if words:
            if not (self._is_break and words[0] in markup.CLOSING):
                self._append(self._gap)
            self._is_break = False
            self._append(words)
            self._gap = ""
            self.on_line = True

    def say_space(self, space: str) -> None:
        if self.is_structured:
            # It may be the last of its line, and a stop stands next to its word.
            if self.on_line and (self._is_break or not self._gap):
                self._gap, self._is_break = space, False
        elif not self.ends_in_space and (self._is_break or not self._gap):
            self._gap, self._is_break = "", False
            self._append(space)

    def pause(self) -> None:
        """Separate what was said on this line from what may follow on it."""
        if self.on_line:
            self._gap, self._is_break = self.forms.pause, False

    def break_words(self) -> None:
        """Something between two words was left out."""
        apart = self.ends_in_space or self._last[-1:] in markup.OPENING
        if self.on_line and not self._gap and not apart:
            self._gap, self._is_break = " ", True

    def end_phrase(self) -> None:
        """What follows is no part of the sentence before it."""
        if self.on_line and not self.ends_in_space:
            self._gap = " " if self._has_ended() else f"{self.forms.stop} "
            self._is_break = False

    def break_line(self) -> None:
        self._gap, self._is_break = "", False
        if self.is_structured and self.on_line and not self._has_ended():
            self._append(self.forms.stop)
        if self._last and not self._last[-1].isspace():
            self._append("\n")
        self.on_line = False
        self.is_structured = False

    def _has_ended(self) -> bool:
        """Whether the last word has its punctuation, within a closing quote or bracket too."""
        if self._last[-1] in "\"'”’»)]":
            return self._last[-2:-1] in tuple(markup.TERMINAL)
        return self._last[-1] in markup.TERMINAL or self._last[-1].isspace()

    def _append(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            self._last = (self._last + text)[-_REMEMBERED:]


@dataclass(slots=True)
class Line:
    """The line that is being read."""

    at_start: bool = True
    marker: str | None = ""
    """Its first characters, as long as they may be the number of a list item."""
    is_heading: bool = False
    is_row: bool = False
    code_ticks: int = 0
    """How many backticks close the code that is open; 0: none is."""


@dataclass(slots=True)
class Hidden:
    """What of the model's output is open that is not spoken."""

    part: Part | None = None
    """None: nothing is."""
    names: list[str] = field(default_factory=list)
    """The marks that are open, the outermost first."""
    header: str = ""
    """Who speaks, and after a line break on which channel."""
    is_token: bool = False
    """Whether a special token opened it."""
    is_fresh: bool = True
    """Whether only white space has followed the opening mark."""
    is_json: bool = False
    json_depth: int = 0
    in_json_string: bool = False
    is_escaped: bool = False
    has_spoken_thought: bool = False
    """Whether a thought was closed that had not been opened."""


@dataclass(slots=True)
class Reading:
    """The state that the rules share."""

    spoken: Spoken
    previous: str = ""
    """The last character that was read."""
    line: Line = field(default_factory=Line)
    skip: markup.Skip | None = None
    hidden: Hidden = field(default_factory=Hidden)
    fence: str = ""
    """The marks that opened the block of code that is being skipped."""
    fence_is_new: bool = False
    """Whether it is open what the block is: nothing of it was read."""
    at_code_line_start: bool = False
    in_text_fence: bool = False
    emphasis: dict[str, int] = field(default_factory=lambda: {"*": 0, "_": 0, "~": 0})
    """How many marks of each kind are open."""
    passes_marks: bool = False
    """Whether the last run of such marks was left in the text."""
    has_menu: bool = False
    """Whether a number in brackets was said, as in ``Press [1]``; others then are no sources."""
    links: int = 0
    """How many labels are open whose bracket was dropped."""

    @property
    def flows(self) -> bool:
        """Whether the next words are in the middle of plain text."""
        line = self.line
        return (
            not (
                self.skip
                or self.hidden.part
                or self.fence
                or line.at_start
                or line.marker is not None
                or line.code_ticks
            )
            and self.spoken.flows
        )

    def pass_on(self, window: Window, end: int) -> int:
        """Say the text up to ``end`` as it is."""
        self.spoken.say(window.text[window.start : end])
        return end

    def say_space(self, space: str) -> None:
        self.spoken.say_space(" " if space < " " else space)

    def end_line(self) -> None:
        self.spoken.break_line()
        self.line = Line()

    def end_paragraph(self) -> None:
        """What was not closed in a paragraph was no opening."""
        self.emphasis = dict.fromkeys(self.emphasis, 0)
        self.links = 0
