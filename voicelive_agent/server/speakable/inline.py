"""Marks within a line: emphasis, cells, escapes."""

import string

from voicelive_agent.server.speakable import markup
from voicelive_agent.server.speakable.lookahead import Window
from voicelive_agent.server.speakable.reading import Reading


def read_emphasis(reading: Reading, window: Window) -> int:
    """A run of ``*``, ``_`` or ``~``.

    An opening one goes without a look for its end, so that the words after it need not wait.
    """
    text, start = window.text, window.start
    char, previous = text[start], reading.previous
    is_open = reading.emphasis[char]
    if previous == char:
        # A run that is decided goes on.
        return reading.pass_on(window, start + 1) if reading.passes_marks else start + 1
    if markup.is_word(previous) and not is_open:
        reading.passes_marks = True
        return reading.pass_on(window, start + 1)
    end = window.repeats(start)
    length, following = end - start, window.char(end)
    if length >= 4 and char != "~":
        reading.passes_marks = False
        return end
    closes = is_open and not markup.is_space(previous) and previous not in markup.OPENING
    if markup.is_word(previous) and markup.is_word(following):
        closes = closes and length == is_open and char != "_"
    opens = not markup.is_space(following) and not markup.is_word(previous)
    opens = opens and (length > 1 or _opens_single(window, end))
    reading.passes_marks = not (closes or opens) or (char == "~" and length != 2)
    if reading.passes_marks:
        return reading.pass_on(window, end)
    if closes and (length <= is_open or not opens):
        reading.emphasis[char] = max(0, is_open - length)
    else:
        reading.emphasis[char] += length
    return end


def _opens_single(window: Window, end: int) -> bool:
    """Whether a single mark before ``end`` opens emphasis, unlike that of ``*.txt`` or ``*67``."""
    char, following = window.text[window.start], window.char(end)
    if following.isdigit() or following == "#":
        close = window.run(markup.UP_TO_MARK[char], end)
        return (
            window.char(close) == char
            and not window.text[close - 1].isspace()
            and not markup.is_word(window.char(close + 1))
        )
    return following.isalpha() or not following.isascii() or following in markup.EMPHASISED


def read_cell_end(reading: Reading, window: Window) -> int:
    start = window.start
    if reading.line.is_row:
        reading.spoken.pause()
        return start + 1
    if markup.is_space(reading.previous) and markup.is_space(window.char(start + 1)):
        reading.spoken.say(reading.spoken.forms.pause.rstrip())
        return start + 1
    return reading.pass_on(window, start + 1)


def read_hash(reading: Reading, window: Window) -> int:
    start = window.start
    if reading.line.is_heading and reading.previous.isspace():
        end = window.run(markup.BLANKS, window.repeats(start))
        if markup.ends_line(window.char(end)):
            return end
    return reading.pass_on(window, start + 1)


def read_escape(reading: Reading, window: Window) -> int:
    start = window.start
    following = window.char(start + 1)
    if following and following in string.punctuation:
        reading.spoken.say(following)
        reading.passes_marks = True
        return start + 2
    if following and following in markup.LINE_BREAKS:
        return start + 1
    return reading.pass_on(window, start + 1)


RULES = {
    "*": read_emphasis,
    "_": read_emphasis,
    "~": read_emphasis,
    "|": read_cell_end,
    "#": read_hash,
    "\\": read_escape,
}
