"""How far a text was read: what is open at this place of it."""

from dataclasses import dataclass, field

from voicelive_agent.server.speakable.lookahead import Window
from voicelive_agent.server.speakable.markup import Skip
from voicelive_agent.server.speakable.spoken import Spoken


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
class Reading:
    """The state that the rules share."""

    spoken: Spoken
    previous: str = ""
    """The last character that was read."""
    line: Line = field(default_factory=Line)
    skip: Skip | None = None
    fence: str = ""
    """The marks that opened the block of code that is being skipped."""
    at_code_line_start: bool = False
    in_text_fence: bool = False
    emphasis: dict[str, int] = field(default_factory=lambda: {"*": 0, "_": 0, "~": 0})
    """How many marks of each kind are open."""
    passes_marks: bool = False
    """Whether the last run of such marks was left in the text."""
    links: int = 0
    """How many labels are open whose bracket was dropped."""

    @property
    def flows(self) -> bool:
        """Whether the next words are in the middle of plain text."""
        line = self.line
        return (
            not (
                self.skip
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
