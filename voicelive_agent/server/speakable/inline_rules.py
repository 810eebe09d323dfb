"""Rules within a line: emphasis, cells, escapes, code, links, marks of sources, HTML.

Links and images are said by their label, addresses by their host. A rule takes the reading and
the window, and returns where what it has read ends.
"""

import html
import string

from voicelive_agent.server.speakable import formulas
from voicelive_agent.server.speakable import patterns as markup
from voicelive_agent.server.speakable.block_rules import open_code
from voicelive_agent.server.speakable.lookahead import Window
from voicelive_agent.server.speakable.state import Reading


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
    if char == "~" and (struck := _end_struck(window, end)):
        reading.spoken.break_words()
        return struck
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


def _end_struck(window: Window, end: int) -> int | None:
    """Where struck text ends that ``~~`` or ``~`` before ``end`` opens; None if it is none."""
    length = end - window.start
    if length > 2 or markup.is_space(window.char(end)):
        return None
    close = window.run(markup.UP_TO_MARK["~"] if length == 2 else markup.STRUCK_BY_ONE, end)
    if window.char(close) != "~" or window.text[close - 1].isspace():
        return None
    closed = window.repeats(close)
    if closed - close != length or (length == 1 and markup.is_word(window.char(closed))):
        return None
    return closed


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
    if (end := formulas.read_backslash(reading, window)) is not None:
        return end
    start = window.start
    following = window.char(start + 1)
    if following and following in string.punctuation:
        reading.spoken.say(following)
        reading.passes_marks = True
        return start + 2
    if following and following in markup.LINE_BREAKS:
        return start + 1
    return reading.pass_on(window, start + 1)


def read_ticks(reading: Reading, window: Window) -> int:
    """Backticks within a line."""
    text, start, line = window.text, window.start, reading.line
    end = window.repeats(start)
    if line.code_ticks:
        if end - start >= line.code_ticks:
            line.code_ticks = 0
        return end
    if end - start == 1 and markup.is_word(reading.previous):
        return reading.pass_on(window, end)
    if end - start >= 3:
        info_end = window.run(markup.FENCE_INFO, end)
        following = window.char(info_end)
        if following and following in markup.LINE_BREAKS:
            open_code(reading, text[start:end], text[end:info_end])
            return info_end
    line.code_ticks = end - start
    return end


# Links, images and marks of sources


def read_address(reading: Reading, window: Window) -> int:
    """A web address in plain text, from its first character on."""
    text, start = window.text, window.start
    end = window.run(markup.ADDRESS, start)
    host = markup.find_host(text[start:end])
    if window.is_cut(end):
        reading.skip = markup.TO_ADDRESS_END
    else:
        end = start + len(markup.trim_address(text[start:end]))
    if not host:
        return reading.pass_on(window, end)
    reading.spoken.say(host)
    return end


def open_bracket(reading: Reading, window: Window) -> int:
    text, start = window.text, window.start
    end = window.run(markup.LABEL, start + 1)
    label, closing = text[start + 1 : end], window.char(end)
    if closing == "[":
        if label == "!":
            reading.links += 1
            return start + 1
        if not label:
            inner_end = window.run(markup.LABEL, end + 1)
            is_double = window.char(inner_end) == "]" and window.char(inner_end + 1) == "]"
            if is_double and markup.CITATION.fullmatch(text[end + 1 : inner_end]):
                return _end_target(reading, window, inner_end + 2) or inner_end + 2
    elif closing == "]":
        if markup.CITATION.fullmatch(label):
            target = _end_target(reading, window, end + 1)
            if target or _is_citation(reading, window, label, end + 1):
                return target or end + 1
            reading.has_menu = True
            reading.spoken.say(label)
            return end + 1
        if window.char(end + 1) == "(" or _end_reference(window, end + 1):
            reading.links += 1
            return start + 1
    return reading.pass_on(window, start + 1)


def _is_citation(reading: Reading, window: Window, label: str, end: int) -> bool:
    """Whether ``[label]`` before ``end`` leads to a source, unlike ``Press [1]``.

    A mark of a source follows a phrase that is complete.
    """
    spoken, previous = reading.spoken, reading.previous
    if not label[0].isdigit():
        return True
    if not spoken.on_line:
        return False
    following = window.char(end)
    if following == "[":
        return True
    if not markup.is_space(previous):
        return previous not in markup.BEFORE_VALUES
    if reading.has_menu or spoken.last_word in markup.BEFORE_NUMBERS:
        return False
    if spoken.last_word_char in markup.BEFORE_VALUES:
        return False
    return markup.ends_line(following) or following in markup.CLOSING


def close_bracket(reading: Reading, window: Window) -> int:
    start = window.start
    end = _end_target(reading, window, start + 1)
    if not reading.links:
        return end or reading.pass_on(window, start + 1)
    end = end or _end_reference(window, start + 1) or start + 1
    reading.links -= 1
    return end


def open_image(reading: Reading, window: Window) -> int:
    start, previous = window.start, reading.previous
    may_open = markup.is_space(previous) or previous in markup.OPENING
    if may_open and window.char(start + 1) == "[":
        end = window.run(markup.LABEL, start + 2)
        if window.char(end) == "]" and window.char(end + 1) in ("(", "["):
            reading.links += 1
            return start + 2
    return reading.pass_on(window, start + 1)


def read_lenticular(reading: Reading, window: Window) -> int:
    start = window.start
    end = window.run(markup.LENTICULAR, start + 1)
    is_mark = markup.CITATION.fullmatch(window.text, start + 1, end)
    if is_mark and window.char(end) == "】":
        return end + 1
    return reading.pass_on(window, start + 1)


def read_private_mark(reading: Reading, window: Window) -> int:
    reading.skip = markup.TO_PRIVATE_MARK_END
    return window.start + 1


def _end_reference(window: Window, index: int) -> int | None:
    """Where ``[label]`` at ``index`` ends; None if it isn't there."""
    if window.char(index) != "[":
        return None
    end = window.run(markup.LABEL, index + 1)
    return end + 1 if window.char(end) == "]" else None


def _end_target(reading: Reading, window: Window, index: int) -> int | None:
    """Where ``(destination "title")`` at ``index`` ends; None if it isn't there."""
    if window.char(index) != "(":
        return None
    end = window.run(markup.BLANKS, index + 1)
    if window.char(end) == "<":
        end = window.run(markup.ANGLE_DESTINATION, end + 1)
        if window.char(end) != ">":
            return None
        end += 1
    else:
        found = _end_destination(window, end)
        if found is None:
            return None
        end = found
        if window.is_cut(end):
            reading.skip = markup.TO_TARGET_END
            return end
    title = window.run(markup.BLANKS, end)
    quote = window.char(title)
    if title > end and quote in markup.LINK_TITLES:
        end = window.run(markup.LINK_TITLES[quote], title + 1)
        if window.char(end) != quote:
            return None
        title = window.run(markup.BLANKS, end + 1)
    return title + 1 if window.char(title) == ")" else None


def _end_destination(window: Window, end: int) -> int | None:
    """Where a destination ends that may hold brackets in pairs, a few deep."""
    depth = 0
    while depth <= 3:
        end = window.run(markup.DESTINATION, end)
        char = window.char(end)
        if char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
        else:
            return end
        end += 1
    return None


# HTML: tags, comments, entities, and links in angle brackets


def read_entity(reading: Reading, window: Window) -> int:
    start = window.start
    end = window.run(markup.ENTITY_NAME, start + 1)
    entity = window.text[start : end + 1]
    if window.char(end) == ";" and (char := html.unescape(entity)) != entity:
        if char.isspace():
            reading.say_space(" ")
        else:
            reading.spoken.say(markup.DROPPED.sub("", char))
        return end + 1
    return reading.pass_on(window, start + 1)


def read_angle(reading: Reading, window: Window) -> int:
    text, start = window.text, window.start
    if window.starts(start, "<!--"):
        reading.skip = markup.TO_COMMENT_END
        return start + 4
    end = window.run(markup.AUTOLINK, start + 1)
    words = markup.say_autolink(text[start + 1 : end])
    if words and window.char(end) == ">":
        reading.spoken.say(words)
        return end + 1
    name_start = start + (2 if window.char(start + 1) == "/" else 1)
    name_end = window.run(markup.TAG_NAME, name_start)
    tag_end = _end_tag(window, name_end) if name_end > name_start else None
    if tag_end is None:
        return reading.pass_on(window, start + 1)
    name = text[name_start:name_end].lower()
    if name in markup.STRUCK_TAGS and (struck := _end_struck_tag(reading, window, name, tag_end)):
        reading.spoken.break_words()
        return struck
    _apply_tag(reading, name, closes=name_start == start + 2)
    return tag_end


def _end_struck_tag(reading: Reading, window: Window, name: str, end: int) -> int | None:
    """Where the element ends whose text is struck; None where it is none."""
    # At the start of a text, ``<s>`` is how some models begin one.
    close = window.run(markup.UP_TO_TAG, end) if reading.previous else end
    if close == end or not window.starts(close, f"</{name}"):
        return None
    return _end_tag(window, close + 2 + len(name))


def _end_tag(window: Window, end: int) -> int | None:
    """Where the tag ends whose name ends at ``end``; None if it is no tag."""
    while True:
        attribute = window.run(markup.ANY_SPACE, end)
        if window.char(attribute) == "/":
            return attribute + 2 if window.char(attribute + 1) == ">" else None
        if window.char(attribute) == ">":
            return attribute + 1
        equals = window.run(markup.ATTRIBUTE_NAME, attribute)
        if attribute == end or equals == attribute or window.char(equals) != "=":
            return None
        quote = window.char(equals + 1)
        if quote in markup.QUOTED_VALUES:
            end = window.run(markup.QUOTED_VALUES[quote], equals + 2) + 1
            if window.char(end - 1) != quote:
                return None
        else:
            end = window.run(markup.BARE_VALUE, equals + 1)


def _apply_tag(reading: Reading, name: str, *, closes: bool) -> None:
    """Do what the form of the page would have done."""
    if name in markup.CELL_TAGS or (reading.line.is_row and name in markup.BREAKING_TAGS):
        reading.spoken.pause()
    elif name in markup.BREAKING_TAGS:
        reading.end_line()
        reading.spoken.is_structured = name in markup.STRUCTURE_TAGS and not closes


RULES = {
    "*": read_emphasis,
    "_": read_emphasis,
    "~": read_emphasis,
    "|": read_cell_end,
    "#": read_hash,
    "\\": read_escape,
    "$": formulas.read_dollar,
    "[": open_bracket,
    "]": close_bracket,
    "!": open_image,
    "【": read_lenticular,
    "\ue200": read_private_mark,
    "<": read_angle,
    "&": read_entity,
}
"""By the character that each begins with."""
