"""Reader of one answer on its way from a model to a voice: takes deltas, applies the rules."""

import re

from voicelive_agent.server.speakable import (
    block_rules,
    hidden_parts,
    inline_rules,
    model_marks,
    symbols,
)
from voicelive_agent.server.speakable import patterns as markup
from voicelive_agent.server.speakable.lookahead import Wait, Window
from voicelive_agent.server.speakable.spoken_forms import SpokenForms
from voicelive_agent.server.speakable.state import Reading, Spoken

SLICE_CHARS = 4096
"""A longer delta is read in slices, so that no rule ever looks at more than one.

For one that may be longer still, who must not hold up others feeds slices itself.
"""


def speakable(
    text: str, forms: SpokenForms | None = None, *, starts_in_thought: bool = False
) -> str:
    """A whole text made speakable."""
    stream = SpeakableText(forms, starts_in_thought=starts_in_thought)
    return stream.feed(text) + stream.finish()


class SpeakableText:
    """Takes an answer by ``feed``, delta after delta, then ``finish``.

    What the calls return, put together, is the spoken text. Nothing is fed after ``finish``.
    ``starts_in_thought``: the model's thought began in its prompt, so only its end is in the text.
    """

    def __init__(
        self, forms: SpokenForms | None = None, *, starts_in_thought: bool = False
    ) -> None:
        self._reading = Reading(Spoken(forms or SpokenForms()))
        if starts_in_thought:
            hidden_parts.start_in_thought(self._reading)
        self._waiting = ""
        self._half_pair = ""
        self._flows = False
        """Whether words would be said as they are; mere prose leaves it so."""

    @property
    def waiting_chars(self) -> int:
        """How much of the text waits for what follows it."""
        return len(self._waiting) + len(self._half_pair)

    @property
    def advice(self) -> str:
        """After ``finish``: what a developer should know of it; empty for nothing."""
        return hidden_parts.advise(self._reading)

    def feed(self, delta: str) -> str:
        """Take the next piece of the text; return what can be said now."""
        if len(delta) > SLICE_CHARS:
            starts = range(0, len(delta), SLICE_CHARS)
            return "".join(self.feed(delta[start : start + SLICE_CHARS]) for start in starts)
        if self._is_mere_prose(delta):
            self._reading.previous = delta[-1]
            self._reading.spoken.note(delta)
            return delta
        delta = self._half_pair + delta
        self._half_pair = ""
        if markup.SURROGATE.search(delta):
            if "\ud800" <= delta[-1] <= "\udbff":
                delta, self._half_pair = delta[:-1], delta[-1]
            delta = markup.SURROGATE_PAIR.sub(_join_pair, delta)
        return self._read(self._waiting + delta, final=False)

    def _is_mere_prose(self, delta: str) -> bool:
        """Whether no rule can have anything to do with this piece: most are like that."""
        if not (self._flows and markup.PROSE.fullmatch(delta)):
            return False
        # Mere prose holds no slash, so an address can only begin as ``www.``, or be cut off.
        return not (
            (delta[0] == " " and self._reading.spoken.ends_in_space)
            or ("." in delta and markup.ADDRESS_START.search(delta))
            or (delta[-1] in markup.ADDRESS_START_ENDS and markup.ADDRESS_START_CUT.search(delta))
        )

    def finish(self) -> str:
        """The text has ended: return the rest of what is to be said."""
        self._half_pair = ""
        return self._read(self._waiting, final=True)

    def _read(self, text: str, *, final: bool) -> str:
        window = Window(text, final=final)
        position = 0
        try:
            while position < len(text):
                window.move(position)
                end = _step(self._reading, window)
                # A step that only changes the state reads nothing.
                if end > position:
                    self._reading.previous = text[end - 1]
                    position = end
        except Wait:
            pass
        self._waiting = text[position:]
        said = self._reading.spoken.take()
        self._flows = not (self._waiting or self._half_pair) and self._reading.flows
        return said


def _step(reading: Reading, window: Window) -> int:
    """Apply the rule for what comes next; return where that ends."""
    text, start = window.text, window.start
    if reading.skip:
        return _skip(reading, window, reading.skip)
    if reading.hidden.part:
        return hidden_parts.skip_hidden(reading, window)
    if reading.fence:
        return block_rules.skip_code(reading, window)
    if (end := _read_hidden(reading, window)) is not None:
        return end
    if reading.line.at_start:
        end = block_rules.begin_line(reading, window)
        if end is not None:
            return end
        reading.line.at_start = False
    if plain := markup.PLAIN.match(text, start):
        return _read_plain(reading, window, plain.end())
    char = text[start]
    if char.isspace():
        return _read_space(reading, window)
    if char == "`":
        return inline_rules.read_ticks(reading, window)
    if char in inline_rules.RULES and not reading.line.code_ticks:
        return inline_rules.RULES[char](reading, window)
    if markup.SYMBOL.match(char):
        return symbols.read_symbol(reading, window)
    if markup.DROPPED.match(char):
        return start + 1
    if char == "\u200d" and markup.PICTURE.match(reading.previous):
        return start + 1
    return reading.pass_on(window, start + 1)


def _read_hidden(reading: Reading, window: Window) -> int | None:
    """Read what begins or ends a part that is not spoken; None where nothing does."""
    char = window.text[window.start]
    end = None
    if not reading.previous:
        end = hidden_parts.read_compact_start(reading, window)
    if end is None and reading.line.at_start:
        end = hidden_parts.read_line_start(reading, window)
    if end is None and char in model_marks.OPENERS:
        end = hidden_parts.read_mark(reading, window)
    if end is None and char in "{[" and not reading.line.code_ticks:
        end = hidden_parts.read_bare_call(reading, window)
    return end


def _read_plain(reading: Reading, window: Window, end: int) -> int:
    text, start = window.text, window.start
    address = _find_at_word(markup.ADDRESS_START, reading, text, start, end)
    if address == start:
        return inline_rules.read_address(reading, window)
    if address is not None:
        end = address
    elif end == len(text) and not window.final:
        cut = _find_at_word(markup.ADDRESS_START_CUT, reading, text, start, end)
        if cut == start:
            raise Wait
        end = end if cut is None else cut
    if reading.line.marker is not None:
        reading.line.marker = (reading.line.marker + text[start : min(end, start + 6)])[:6]
    return reading.pass_on(window, end)


def _find_at_word(
    pattern: re.Pattern[str], reading: Reading, text: str, start: int, end: int
) -> int | None:
    """Where ``pattern`` first matches at the start of a word."""
    match = pattern.search(text, start, end)
    if match and match.start() == 0 and markup.SPACED_WORD.match(reading.previous):
        match = pattern.search(text, 1, end)
    return match.start() if match else None


def _read_space(reading: Reading, window: Window) -> int:
    char = window.text[window.start]
    if char in markup.LINE_BREAKS:
        reading.end_line()
    else:
        if reading.line.marker and markup.ORDERED_MARKER.fullmatch(reading.line.marker):
            reading.spoken.is_structured = True
        reading.line.marker = None
        reading.say_space(char)
    return window.start + 1


def _skip(reading: Reading, window: Window, skip: markup.Skip) -> int:
    terminator, cut_chars = skip
    if match := terminator.search(window.text, window.start):
        reading.skip = None
        return match.end()
    end = len(window.text) if window.final else len(window.text) - cut_chars
    if end <= window.start:
        raise Wait
    return end


def _join_pair(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")
