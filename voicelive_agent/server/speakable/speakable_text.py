"""Reader of one answer on its way from a model to a voice: takes deltas, applies the rules."""

import re
from functools import lru_cache

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
from voicelive_agent.server.speakable.turning_words import find_cut_word, find_turning_word

SLICE_CHARS = 4096
"""A longer delta is read in slices, so that no rule ever looks at more than one.

For one that may be longer still, who must not hold up others feeds slices itself.
"""


# Of what a model writes at a time, most is words that it has written before. To know these saves a
# fifth of all the calls of a turn (``benchmarks.turn_calls``).
_WORD_CHARS = 24
_KNOWN_WORDS = 8_192


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
        length = len(delta)
        if self._flows and not self._waiting and length <= _WORD_CHARS and _is_plain(delta):
            spoken = self._reading.spoken
            if not (delta[0] == " " and spoken.ends_in_space):
                self._reading.previous = delta[-1]
                spoken.note(delta)
                return delta
        if length > SLICE_CHARS:
            starts = range(0, len(delta), SLICE_CHARS)
            return "".join(self.feed(delta[start : start + SLICE_CHARS]) for start in starts)
        if self._is_mere_prose(text := self._waiting + delta):
            return self._pass_prose(text)
        delta = self._half_pair + delta
        self._half_pair = ""
        if markup.SURROGATE.search(delta):
            if "\ud800" <= delta[-1] <= "\udbff":
                delta, self._half_pair = delta[:-1], delta[-1]
            delta = markup.SURROGATE_PAIR.sub(_join_pair, delta)
        return self._read(self._waiting + delta, final=False)

    def _is_mere_prose(self, text: str) -> bool:
        """Whether no rule can have anything to do with this text: most are like that."""
        if not (self._flows and markup.PROSE.fullmatch(text)):
            return False
        if text[0] == " " and self._reading.spoken.ends_in_space:
            return False
        return find_turning_word(text, 0, len(text), self._reading.previous) is None

    def _pass_prose(self, text: str) -> str:
        """Say mere prose as it is, but for a last word that may become something else."""
        stop = find_cut_word(text, 0, len(text), self._reading.previous)
        said, self._waiting = (text, "") if stop is None else (text[:stop], text[stop:])
        if said:
            self._reading.previous = said[-1]
            self._reading.spoken.note(said)
        return said

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
                    # The name of a channel that begins a message is no word before its first.
                    begins = self._reading.line.at_start and text[end - 1].isalnum()
                    self._reading.previous = "\n" if begins else text[end - 1]
                    position = end
        except Wait:
            pass
        self._waiting = text[position:]
        said = self._reading.spoken.take()
        self._flows = not (self._waiting or self._half_pair) and self._reading.flows
        return said


@lru_cache(maxsize=_KNOWN_WORDS)
def _is_plain(delta: str) -> bool:
    """Whether a piece is mere prose, wherever it stands, and nothing after it can change that."""
    end = len(delta)
    return (
        markup.PROSE.fullmatch(delta) is not None
        and find_turning_word(delta, 0, end, "") is None
        and find_cut_word(delta, 0, end, "") is None
    )


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
    if end is None and reading.line.at_start and not reading.spoken.has_begun:
        end = hidden_parts.read_steps(reading, window)
    if end is None and char in model_marks.OPENERS:
        end = hidden_parts.read_mark(reading, window)
    if end is None and char in "{[" and not reading.line.code_ticks:
        end = hidden_parts.read_bare_call(reading, window)
    return end


def _read_plain(reading: Reading, window: Window, end: int) -> int:
    text, start = window.text, window.start
    word = find_turning_word(text, start, end, reading.previous)
    if word and word.start() == start:
        if word["address"]:
            return inline_rules.read_address(reading, window)
        after = hidden_parts.read_turning_word(reading, window, word[0])
        if after is not None:
            return after
        word = find_turning_word(text, start + 1, end, reading.previous)
    stop = word.start() if word else None
    if stop is None and not window.final:
        stop = find_cut_word(text, start, end, reading.previous)
        if stop == start:
            raise Wait
    end = end if stop is None else stop
    if reading.line.marker is not None:
        reading.line.marker = (reading.line.marker + text[start : min(end, start + 6)])[:6]
    return reading.pass_on(window, end)


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
        if skip is markup.TO_COMPACT_MESSAGE:
            hidden_parts.begin_message(reading)
        return match.end()
    end = len(window.text) if window.final else len(window.text) - cut_chars
    if end <= window.start:
        raise Wait
    return end


def _join_pair(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")
