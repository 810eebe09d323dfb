"""Rules on whole lines: blocks of code, and the marks of a line's form, which are not said.

``begin_line`` reads what may stand at the start of a line; ``skip_code`` what is inside a block.
"""

from voicelive_agent.server.speakable import hidden_parts
from voicelive_agent.server.speakable import patterns as markup
from voicelive_agent.server.speakable.lookahead import Window
from voicelive_agent.server.speakable.state import Reading

# A fence without a language, or of these, may hold an answer or a tool call.
_UNSURE_FENCES = frozenset({"", "json", "xml"})


def begin_line(reading: Reading, window: Window) -> int | None:
    """Read one mark at the start of a line; None where the line's words begin."""
    text, start = window.text, window.start
    char = text[start]
    if char.isspace():
        return _read_blank(reading, window)
    if char in "`~-=_*":
        end = window.repeats(start)
        if end - start >= 3:
            return _read_fence_or_rule(reading, window, end)
    if char in markup.BULLETS:
        return _read_bullet(reading, window)
    if char == "#":
        return _read_heading(reading, window)
    if char == ">":
        following = window.char(start + 1)
        return start + 1 if following and following not in "=0123456789" else None
    if char == "|":
        return _read_row(reading, window)
    if char == "[":
        return _read_box_or_definition(reading, window)
    return None


def _read_blank(reading: Reading, window: Window) -> int:
    char = window.text[window.start]
    if char not in markup.LINE_BREAKS:
        if not reading.previous:
            reading.say_space(char)
    elif not (char == "\n" and reading.previous == "\r"):
        if not reading.spoken.is_structured:
            reading.end_paragraph()
        reading.end_line()
    return window.start + 1


def _read_fence_or_rule(reading: Reading, window: Window, end: int) -> int | None:
    text, start = window.text, window.start
    if text[start] in "`~":
        info_end = window.run(markup.FENCE_INFO, end)
        if text[start] == "`" and window.char(info_end) == "`":
            return None
        open_code(reading, text[start:end], text[end:info_end])
        return info_end
    rest = markup.TABLE_RULE if text[start] == "-" else markup.BLANKS
    rule_end = window.run(rest, end)
    if markup.ends_line(window.char(rule_end)):
        reading.spoken.is_structured = True
        return rule_end
    return end if text[start] in "-=" else None


def _read_bullet(reading: Reading, window: Window) -> int | None:
    start = window.start
    following = window.char(start + 1)
    if following:
        is_bullet = following.isspace() or window.text[start] not in "-*+"
    else:
        is_bullet = reading.spoken.is_structured
    if not is_bullet:
        return None
    reading.spoken.is_structured = True
    return start + 1


def _read_heading(reading: Reading, window: Window) -> int | None:
    end = window.repeats(window.start)
    if end - window.start > 6:
        return end
    if not window.char(end).isspace():
        return None
    reading.line.is_heading = True
    reading.spoken.is_structured = True
    return end


def _read_row(reading: Reading, window: Window) -> int:
    text, start = window.text, window.start
    rule_end = window.run(markup.TABLE_RULE, start)
    is_rule = "-" in text[start:rule_end] and markup.ends_line(window.char(rule_end))
    reading.spoken.is_structured = True
    reading.line.is_row = True
    reading.line.at_start = False
    return rule_end if is_rule else start + 1


def _read_box_or_definition(reading: Reading, window: Window) -> int | None:
    """The box of a task, or the definition of a note or link."""
    text, start = window.text, window.start
    end = window.run(markup.LABEL, start + 1)
    if window.char(end) != "]":
        return None
    label, following = text[start + 1 : end], window.char(end + 1)
    if reading.spoken.is_structured and label in (" ", "x", "X") and following.isspace():
        forms = reading.spoken.forms
        reading.spoken.say(forms.to_do if label == " " else forms.done)
        reading.spoken.pause()
        return end + 1
    if following != ":":
        return None
    target = window.run(markup.BLANKS, end + 2)
    prefixes = ("http", "www.", "<", "/", "#")
    if not (
        markup.CITATION.fullmatch(label)
        or any(window.starts(target, prefix) for prefix in prefixes)
    ):
        return None
    reading.skip = markup.TO_LINE_END
    reading.spoken.is_structured = True
    return end + 2


# Blocks of code


def open_code(reading: Reading, marks: str, language: str) -> None:
    """A fence of ``marks``. One around the answer itself, or that ends such a one, is ignored."""
    language = language.strip().lower()
    reading.spoken.is_structured = True
    if reading.in_text_fence and not language:
        reading.in_text_fence = False
    elif language in markup.TEXT_FENCES:
        reading.in_text_fence = True
    else:
        reading.fence = marks
        reading.fence_is_new = language in _UNSURE_FENCES
        reading.at_code_line_start = False
        if not (reading.fence_is_new or markup.HIDDEN_FENCE.match(language)):
            reading.spoken.say(reading.spoken.forms.code)


def _decide_code(reading: Reading, window: Window) -> int | None:
    """A block that may be an answer, or a tool call: say it, skip it or announce it."""
    start = window.run(markup.ANY_SPACE, window.start)
    if hidden_parts.is_call(window, start):
        reading.fence_is_new = False
        return None
    end = _end_short(reading.fence, window)
    reading.fence_is_new = False
    if end is None:
        reading.spoken.say(reading.spoken.forms.code)
        return None
    reading.fence = ""
    *lines, _ = window.text[window.start : end].splitlines()
    for line in lines:
        reading.spoken.is_structured = True
        reading.spoken.say(line.strip(" \t>"))
        reading.spoken.break_line()
    return end


def _end_short(fence: str, window: Window) -> int | None:
    """Where a block ends that holds a few words; None for a program."""
    index = window.start
    for _ in range(markup.FENCE_LINES + 2):
        line = window.run(markup.CODE_INDENT, index)
        end = window.run(markup.FENCE_LINE, line)
        if window.text[line:end].strip() and _closes(fence, window.text[line:end]):
            return end if index > window.start + 1 else None
        if not markup.SHORT_FENCE.fullmatch(window.text, line, end):
            return None
        if not window.char(end):
            return None
        index = end + 1
    return None


def _closes(fence: str, line: str) -> bool:
    marks = line.rstrip()
    return len(marks) >= len(fence) and marks == fence[0] * len(marks)


def skip_code(reading: Reading, window: Window) -> int:
    text, start = window.text, window.start
    if reading.fence_is_new and (end := _decide_code(reading, window)) is not None:
        return end
    if reading.at_code_line_start:
        indent = window.run(markup.CODE_INDENT, start)
        end = indent
        while window.char(end) == reading.fence[0]:
            end += 1
        if end - indent >= len(reading.fence):
            end = window.run(markup.BLANKS, end)
            if markup.ends_line(window.char(end)):
                reading.fence = ""
                return end
        reading.at_code_line_start = False
    line_end = text.find("\n", start)
    if line_end < 0:
        return len(text)
    reading.at_code_line_start = True
    return line_end + 1
