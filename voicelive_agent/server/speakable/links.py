"""Links and images, which are said by their label; addresses, by their host; marks of sources."""

from voicelive_agent.server.speakable import markup
from voicelive_agent.server.speakable.lookahead import Window
from voicelive_agent.server.speakable.reading import Reading


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
            return _end_target(reading, window, end + 1) or end + 1
        if window.char(end + 1) == "(" or _end_reference(window, end + 1):
            reading.links += 1
            return start + 1
    return reading.pass_on(window, start + 1)


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


RULES = {
    "[": open_bracket,
    "]": close_bracket,
    "!": open_image,
    "【": read_lenticular,
    "\ue200": read_private_mark,
}
