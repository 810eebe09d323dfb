"""Parts of model output that are never spoken: thoughts, tool calls, other speakers' messages.

``read_mark`` reads what begins or ends one, ``skip_hidden`` what is inside. A part that is never
closed hides all that follows.
"""

import html
import re

from voicelive_agent.server.speakable import patterns as markup
from voicelive_agent.server.speakable.lookahead import Window, list_beginnings
from voicelive_agent.server.speakable.model_marks import (
    OPENERS,
    RESULTS,
    SPEAKERS,
    Mark,
    Part,
    find_mark,
)
from voicelive_agent.server.speakable.state import Hidden, Reading
from voicelive_agent.server.speakable.turning_words import COMPACT_HEADERS

_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "„": "“", "«": "»"}
_UP_TO_MARK = re.compile(rf"[^{re.escape(OPENERS)}]+")
_UP_TO_HEADER_END = re.compile(rf"[^{re.escape(OPENERS)}{markup.LINE_BREAKS}]+")
_UP_TO_JSON = re.compile(rf"[^{re.escape(OPENERS)}{{}}\]\"\\]+")
_JSON_STRING = re.compile(r'[^"\\]+')
_AFTER_JSON = re.compile(r"[\s,;}\]]+")
_HEADER_CHARS = 200
_DEPTH = 32
"""More parts than a text nests but by mistake."""
_SPOKEN_CHANNELS = frozenset({"", "final", "commentary", "response", "answer", "text"})
# Nothing closes these: what follows them is one call.
_UNPAIRED = frozenset(
    {"TOOL CALLS", "TOOL CALL", "ARGS", "CALL ID", "FUNCTION", "RESULT", "python tag"}
)
_INNER = frozenset({"ARGS", "CALL ID"})

# A call written as bare JSON, or as a dictionary of Python: a name, and arguments after it, or a
# key that nothing else has; or a list of calls as of Python.
_Q = "[\"']"
_NAMED = rf"{_Q}(?:tool|tool_name|function|function_name|recipient_name){_Q}"
_KEY = rf"(?:{_NAMED}|{_Q}(?:name|action|type|id|call_id){_Q})"
_ARGUMENTS = (
    rf"{_Q}(?:arguments|parameters|args|input|action_input|tool_input|tool_args|params){_Q}"
)
_CALLS = rf"{_Q}(?:tool_calls?|tool_uses?|function_calls?){_Q}"
_BARE_CALL = re.compile(
    rf"(?:\[\s*)?\{{\s*(?:{_KEY}\s*:\s*(?:\"[^\"\\]*\"|'[^'\\]*'|\d+|null|None)\s*,\s*)*"
    rf"(?:{_ARGUMENTS}\s*:\s*[{{\"'\[]|{_CALLS}\s*:|{_Q}function{_Q}\s*:\s*\{{"
    rf"|{_NAMED}\s*:\s*{_Q}[\w.-]+{_Q}|{_Q}type{_Q}\s*:\s*{_Q}(?:function|tool)\w*{_Q})"
    r"|\[\s*[A-Za-z_][\w.]*\(\s*(?:[A-Za-z_]\w*\s*=|\)\s*[,\]])"
)
_MAY_BE_CALL = re.compile(
    rf"[\[{{]\s*(?:\{{\s*)?(?:(?P<sure>{_KEY}|{_ARGUMENTS}|{_CALLS})|{_Q}\w*"
    r"|(?<=\[)[A-Za-z_][\w.]*(?:\(\s*\w*\s*\)?\s*)?)?"
)


def _announce(whole: str, *beginnings: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What announces a part, and what that may begin with."""
    may_be = list_beginnings(*beginnings)
    return re.compile(whole), re.compile(rf"(?P<all>{'|'.join(beginnings)})|{may_be}")


# Words by which a whole answer is parted, of which only the last part is for the caller: steps that
# a prompt asks for (ReAct, Command R), the thought of Granite 3.2, the drafts of Command R.
_STEPS = {
    _announce(
        r"(?:Thought|Plan|Reflection):[\s\S]*?\n ?(?:Action|Final Answer|Answer|AI):"
        r"|Action:(?:[^\n]*\n ?Action Input:|\s*```)",
        "Thought:", "Plan:", "Reflection:", "Action:",
    ): markup.TO_REACT_ANSWER,
    _announce(
        r"Here(?: is|['’]s) my thought process:",
        *(f"Here{verb} my thought process:" for verb in (" is", "'s", "’s")),
    ): markup.TO_GRANITE_RESPONSE,
    _announce(r"Relevant Documents: ?[\d,N]", "Relevant Documents: 0"): markup.TO_GROUNDED_ANSWER,
}  # fmt: skip
_SPEAKER = re.compile(r"[A-Za-z_]*")
_AFTER_SPEAKER = re.compile(r"[: \t]*")
_COMPACT_STARTS = (*COMPACT_HEADERS, "analysis", "commentary", "final", "to=")


_OPEN_PARTS = {
    Part.THOUGHT: "a thought",
    Part.CALL: "a tool call written as text",
    Part.BODY: "a message that is not meant for the caller",
    Part.HEADER: "the header of a message",
}


def start_in_thought(reading: Reading) -> None:
    """The text begins within a thought, which only a closing mark ends."""
    _enter(reading, Part.THOUGHT, "think")


def advise(reading: Reading) -> str:
    """What the developer of an agent that said this should know; empty for nothing."""
    hidden = reading.hidden
    if hidden.part is not None:
        return (
            f"its text ended within {_OPEN_PARTS[hidden.part]}, so the rest of it was not spoken: "
            "was it cut by the model's length limit?"
        )
    if hidden.has_spoken_thought:
        return (
            "its text closed a thought that it had not opened, so the thought was spoken: "
            "for a model whose thought begins in its prompt, set VOICELIVE_STARTS_IN_THOUGHT=true"
        )
    return ""


def read_mark(reading: Reading, window: Window) -> int | None:
    """Read a mark of the model's template; None where none stands."""
    mark = find_mark(window, window.start)
    if mark is None:
        return None
    if _is_mentioned(reading, window, mark):
        words = re.findall(r"[\w.:-]+", html.unescape(window.text[window.start : mark.end]))
        reading.spoken.say(" ".join(words))
        return mark.end
    _begin(reading, mark)
    return mark.end


def is_bare_call(window: Window, index: int) -> bool:
    """Whether a tool call stands at ``index`` that no mark announces."""
    return window.matches(_BARE_CALL, _MAY_BE_CALL, index)


def is_call(window: Window, index: int) -> bool:
    """Whether a tool call stands at ``index``, with its mark or without."""
    if window.char(index) in tuple(OPENERS):
        mark = find_mark(window, index)
        if mark is not None:
            return mark.part is Part.CALL
    return is_bare_call(window, index)


def read_bare_call(reading: Reading, window: Window) -> int | None:
    """Begin to skip a tool call that no mark announces; None where none stands."""
    start = window.start
    if not is_bare_call(window, start):
        return None
    _enter(reading, Part.CALL, "json")
    return start


def read_compact_start(reading: Reading, window: Window) -> int | None:
    """A harmony answer whose special tokens were dropped: ``analysis…assistantfinal…``."""
    first = window.text[window.start].lower()
    for name in _COMPACT_STARTS:
        end = window.start + len(name)
        if (
            name[0] == first
            and window.starts(window.start, name)
            and _is_compact(window, name, end)
        ):
            return _begin_compact(reading, window, name)
    return None


def _is_compact(window: Window, name: str, end: int) -> bool:
    following = window.char(end)
    match name:
        case "analysis":
            return following.isalpha() or following in _QUOTES or following == "\n"
        case "commentary" | "final":
            return following.isupper() or window.starts(end, " to=")
        case "to=":
            return following.isalpha()
    return True


def read_turning_word(reading: Reading, window: Window, word: str) -> int | None:
    """A word that announces tool calls, or begins a message; None where it does neither."""
    if word in COMPACT_HEADERS:
        return _begin_compact(reading, window, word)
    end = window.start + len(word)
    return end if is_bare_call(window, end) else None


def _begin_compact(reading: Reading, window: Window, name: str) -> int:
    """A message whose channel is ``name``: what is for the caller, or a part that is skipped."""
    end = window.start + len(name)
    has_recipient = window.starts(end, " to=")
    if name.endswith(("final", "commentary")) and not has_recipient:
        begin_message(reading)
    else:
        reading.skip = markup.TO_COMPACT_MESSAGE
    return end


def read_steps(reading: Reading, window: Window) -> int | None:
    """The steps before an answer that words announce; None where none do."""
    for (whole, beginning), skip in _STEPS.items():
        if window.matches(whole, beginning, window.start):
            reading.skip = skip
            return window.start
    return None


def skip_hidden(reading: Reading, window: Window) -> int:
    """Read on in what is hidden; the end of what was read, which may be its start."""
    part = reading.hidden.part
    if part is Part.HEADER:
        return _skip_header(reading, window)
    if part is Part.CALL:
        return _skip_call(reading, window)
    return _skip_text(reading, window)


def _skip_text(reading: Reading, window: Window) -> int:
    text, start = window.text, window.start
    if match := _UP_TO_MARK.match(text, start):
        if not match[0].isspace():
            reading.hidden.is_fresh = False
        return match.end()
    return _skip_mark(reading, window)


def _skip_mark(reading: Reading, window: Window) -> int:
    mark = find_mark(window, window.start)
    if mark is None or _is_mentioned(reading, window, mark):
        reading.hidden.is_fresh = False
        return window.start + 1
    if reading.hidden.part is Part.THOUGHT:
        _note_in_thought(reading, mark)
    elif reading.hidden.part is Part.CALL:
        _note_in_call(reading, mark)
    else:
        _note_in_message(reading, mark)
    return mark.end


def _skip_header(reading: Reading, window: Window) -> int:
    text, start, hidden = window.text, window.start, reading.hidden
    if not hidden.header and (end := _end_speaker(window)) is not None:
        _begin_body(reading)
        return end
    if match := _UP_TO_HEADER_END.match(text, start):
        hidden.header += match[0][: _HEADER_CHARS - len(hidden.header)]
        return match.end()
    if text[start] in OPENERS:
        return _skip_mark(reading, window)
    if hidden.header.strip():
        _begin_body(reading)
    return start + 1


def _end_speaker(window: Window) -> int | None:
    """Where the words begin that follow who speaks on the same line; None where none do."""
    start = window.start
    end = window.run(_SPEAKER, start)
    if window.text[start:end].lower() not in SPEAKERS:
        return None
    words = window.run(_AFTER_SPEAKER, end)
    following = window.char(words)
    if words == end or following in OPENERS or markup.ends_line(following):
        return None
    return None if window.starts(words, "to=") else words


def _skip_call(reading: Reading, window: Window) -> int:
    text, start, hidden = window.text, window.start, reading.hidden
    char = text[start]
    if hidden.in_json_string:
        return _skip_json_string(hidden, text, start)
    if hidden.json_depth == 0 and hidden.is_json:
        return _follow_json(reading, window)
    if match := _UP_TO_JSON.match(text, start):
        hidden.is_fresh = hidden.is_fresh and match[0].isspace()
        return match.end()
    if char in OPENERS and (char != "[" or hidden.json_depth == 0):
        mark = find_mark(window, start)
        if mark is not None or char != "[":
            return _skip_mark(reading, window)
    _note_json(hidden, char)
    return start + 1


def _skip_json_string(hidden: Hidden, text: str, start: int) -> int:
    if hidden.is_escaped:
        hidden.is_escaped = False
    elif match := _JSON_STRING.match(text, start):
        return match.end()
    elif text[start] == "\\":
        hidden.is_escaped = True
    else:
        hidden.in_json_string = False
    return start + 1


def _note_json(hidden: Hidden, char: str) -> None:
    if char in "{[":
        # What begins with words, as a program does, is not judged by its brackets.
        hidden.is_json = hidden.is_json or hidden.is_fresh or hidden.names[-1] in _UNPAIRED
        hidden.json_depth += hidden.is_json
    elif char in "}]":
        hidden.json_depth = max(0, hidden.json_depth - 1)
    elif char == '"':
        hidden.in_json_string = hidden.json_depth > 0
    hidden.is_fresh = False


def _follow_json(reading: Reading, window: Window) -> int:
    """After the JSON of a call: another call, a mark, or words, which are no part of it."""
    text, start, hidden = window.text, window.start, reading.hidden
    if match := _AFTER_JSON.match(text, start):
        return match.end()
    if text[start] in OPENERS:
        mark = find_mark(window, start)
        if mark is not None:
            _note_in_call(reading, mark)
            return mark.end
    if text[start] in "{[":
        _note_json(hidden, text[start])
        return start + 1
    if not RESULTS.isdisjoint(hidden.names[-1].lower().split()):
        hidden.is_json = False
        return start + 1
    _reveal(reading)
    return start


# What a mark does, by what is open


def _begin(reading: Reading, mark: Mark) -> None:
    """A mark in text that is spoken, or that begins a new message."""
    hidden = reading.hidden
    match mark.part:
        case Part.THOUGHT | Part.CALL if mark.opens:
            _enter(reading, mark.part, mark.name)
            hidden.is_token = mark.is_token
        case Part.THOUGHT | Part.CALL:
            hidden.has_spoken_thought |= mark.part is Part.THOUGHT and hidden.part is None
            _reveal(reading)
        case Part.HEADER:
            hidden.header = ""
            hidden.part = Part.HEADER
        case Part.CHANNEL:
            hidden.header = f"{hidden.header if hidden.part is Part.HEADER else ''}\n"
            hidden.part = Part.HEADER
        case Part.BODY:
            _begin_body(reading)
        case Part.ROLE:
            hidden.header = mark.name if mark.opens else ""
            _begin_body(reading)
        case Part.ANSWER | Part.TURN:
            begin_message(reading)
        case Part.OTHER:
            reading.spoken.break_words()


def _note_in_thought(reading: Reading, mark: Mark) -> None:
    hidden = reading.hidden
    if mark.part is Part.THOUGHT and mark.opens:
        # Some servers write the opening tag that the model then writes again.
        if not hidden.is_fresh and len(hidden.names) < _DEPTH:
            hidden.names.append(mark.name)
    elif mark.part is Part.THOUGHT:
        _close(reading, mark.name)
    elif _begins_message(mark) or (mark.part is Part.TURN and hidden.is_token):
        _begin(reading, mark)


def _note_in_call(reading: Reading, mark: Mark) -> None:
    hidden = reading.hidden
    finished = hidden.is_json and hidden.json_depth == 0
    hidden.is_json, hidden.json_depth, hidden.is_fresh = False, 0, True
    if mark.part is Part.CALL and mark.opens:
        _open_within_call(hidden, mark.name)
    elif mark.part is Part.CALL:
        _close(reading, mark.name)
    elif (
        _begins_message(mark)
        or mark.part is Part.TURN
        or (finished and mark.part is Part.THOUGHT and mark.opens)
    ):
        _begin(reading, mark)


def _open_within_call(hidden: Hidden, name: str) -> None:
    if name in _INNER or "sep" in name or "argument" in name:
        return
    if hidden.names[-1] in _UNPAIRED:
        hidden.names.clear()
    if name not in hidden.names and len(hidden.names) < _DEPTH:
        hidden.names.append(name)


def _note_in_message(reading: Reading, mark: Mark) -> None:
    is_call = mark.part is Part.CALL
    is_nested = mark.part is Part.THOUGHT and mark.opens
    if not (is_call or is_nested or mark.part is Part.OTHER):
        _begin(reading, mark)


def _begins_message(mark: Mark) -> bool:
    is_message = mark.part in (Part.HEADER, Part.CHANNEL, Part.ROLE, Part.ANSWER)
    return is_message and (mark.is_token or mark.name == "turn")


def _begin_body(reading: Reading) -> None:
    """The header is complete: hide what follows, or speak it."""
    role, _, channel = reading.hidden.header.lower().partition("\n")
    names = role.split()
    is_to_caller = "to=" not in role + channel
    is_spoken = channel.split()[:1] in [[name] for name in _SPOKEN_CHANNELS] or not channel.strip()
    if is_to_caller and is_spoken and (not names or names[0] in SPEAKERS):
        header = reading.hidden.header
        begin_message(reading)
        reading.hidden.header = header
    else:
        reading.hidden.part = Part.BODY


def begin_message(reading: Reading) -> None:
    """What follows is for the caller, and begins a line."""
    _reveal(reading)
    reading.hidden.header = ""
    reading.line.at_start = True
    reading.line.marker = ""
    reading.line.code_ticks = 0


def _enter(reading: Reading, part: Part, name: str) -> None:
    hidden = reading.hidden
    hidden.part = part
    hidden.names = [name]
    hidden.is_fresh = True
    hidden.is_json, hidden.json_depth, hidden.in_json_string = False, 0, False


def _close(reading: Reading, name: str) -> None:
    """The part ``name`` ends, with all within it; the innermost where none is called so."""
    names = reading.hidden.names
    while names and names.pop() != name and name in names:
        pass
    if not names:
        _reveal(reading)


def _reveal(reading: Reading) -> None:
    reading.hidden.part = None
    reading.hidden.names = []
    reading.spoken.end_phrase()
    if not reading.spoken.on_line:
        reading.line.at_start = True


def _is_mentioned(reading: Reading, window: Window, mark: Mark) -> bool:
    """Whether the mark stands in quotes of its own, as in a text about it."""
    closer = _QUOTES.get(reading.previous)
    return closer is not None and window.char(mark.end) == closer
