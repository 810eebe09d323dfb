"""HTML: tags, comments, entities, and links in angle brackets."""

import html

from voicelive_agent.server.speakable import markup
from voicelive_agent.server.speakable.lookahead import Window
from voicelive_agent.server.speakable.reading import Reading


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
    _apply(reading, text[name_start:name_end].lower(), closes=name_start == start + 2)
    return tag_end


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


def _apply(reading: Reading, name: str, *, closes: bool) -> None:
    """Do what the form of the page would have done."""
    if name in markup.THOUGHT_TAGS and not closes:
        reading.skip = markup.TO_THOUGHT_END
    elif name in markup.CELL_TAGS or (reading.line.is_row and name in markup.BREAKING_TAGS):
        reading.spoken.pause()
    elif name in markup.BREAKING_TAGS:
        reading.end_line()
        reading.spoken.is_structured = name in markup.STRUCTURE_TAGS and not closes


RULES = {"<": read_angle, "&": read_entity}
