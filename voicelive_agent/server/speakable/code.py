"""Code: its words within a line, a phrase for a block."""

from voicelive_agent.server.speakable import markup
from voicelive_agent.server.speakable.lookahead import Window
from voicelive_agent.server.speakable.reading import Reading


def open_block(reading: Reading, marks: str, language: str) -> None:
    """A fence of ``marks``. One around the answer itself, or that ends such a one, is ignored."""
    language = language.strip().lower()
    reading.spoken.is_structured = True
    if reading.in_text_fence and not language:
        reading.in_text_fence = False
    elif language in markup.TEXT_FENCES:
        reading.in_text_fence = True
    else:
        reading.spoken.say(reading.spoken.forms.code)
        reading.fence = marks
        reading.at_code_line_start = False


def skip_block(reading: Reading, window: Window) -> int:
    text, start = window.text, window.start
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
            open_block(reading, text[start:end], text[end:info_end])
            return info_end
    line.code_ticks = end - start
    return end
