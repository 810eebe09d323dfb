r"""Formulas: LaTeX between ``$``, ``\(`` or ``\[``, or bare as ``\frac{1}{2}``, said in words."""

import re
from collections.abc import Iterator

from voicelive_agent.server.speakable import patterns as markup
from voicelive_agent.server.speakable.lookahead import Window
from voicelive_agent.server.speakable.spoken_forms import SpokenForms
from voicelive_agent.server.speakable.state import Reading

_COMMAND = re.compile(r"[A-Za-z]*")
_GROUPS = re.compile(r"[^\s.,;:!?\\$}]*")
_UP_TO_DOLLAR = re.compile(rf"[^${markup.LINE_BREAKS}]*")
_UP_TO_ANY_DOLLAR = re.compile(r"[^$]*")
_UP_TO_BACKSLASH = re.compile(r"[^\\]*")
_DOLLARS = re.compile(r"\$\$")
_PRICE = re.compile(r"[\d.,]*")
_IS_MATH = re.compile(r"[\\^_={}+]|^\s*[A-Za-z](?:\s*[*/<>-]\s*[\w.]+|\([\w, ]+\))?\s*$")

_OPERATORS = {
    "+": "plus", "-": "minus", "−": "minus", "*": "times", "=": "equals", "/": "over",
    "<": "less_than", ">": "greater_than", "≤": "at_most", "≥": "at_least", "×": "times",
    "times": "times", "cdot": "times", "ast": "times", "div": "divided_by", "over": "over",
    "le": "at_most", "leq": "at_most", "ge": "at_least", "geq": "at_least", "lt": "less_than",
    "gt": "greater_than", "ne": "unequal", "neq": "unequal", "approx": "approximately",
    "sim": "approximately", "infty": "infinity", "sum": "sum", "int": "integral", "to": "to",
    "rightarrow": "to", "longrightarrow": "to", "degree": "degrees",
}  # fmt: skip
"""Each with the field of ``SpokenForms`` that says it."""
_FRACTIONS = frozenset({"frac", "dfrac", "tfrac", "cfrac"})
_TEXT = r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|operatorname|mbox)\*?\s*\{[^{}]*\}"
_LIMITED = frozenset({"int", "sum", "prod", "lim"})
"""Signs with limits below and above, which are not read as powers."""
_WRAPPERS = frozenset(
    {"boxed", "mathbb", "mathcal", "overline", "underline", "hat", "vec", "bar", "dot", "tilde"}
)
_SILENT = frozenset(
    {"left", "right", "big", "Big", "bigg", "Bigg", "quad", "qquad", "limits", "middle"}
) | {"displaystyle", "textstyle", "nonumber", "begin", "end", "tag", "label"}
_NAMES = re.compile(
    "alpha|beta|[Gg]amma|[Dd]elta|(var)?epsilon|zeta|eta|[Tt]heta|iota|kappa|[Ll]ambda|mu|nu|xi|[Pp]i"
    "|rho|[Ss]igma|tau|(var)?phi|Phi|chi|[Pp]si|[Oo]mega|sin|cos|tan|log|ln|exp|lim|pm|mp|cup|cap"
    "|[lc]?dots|implies|iff|sqrt|circ|partial|nabla|forall|exists|angle|text|mathrm"
)
"""Commands that are known where nothing marks a formula; their names are their words."""
_KNOWN = (_OPERATORS.keys() | _FRACTIONS | _WRAPPERS) - {"to", "over"}
_TOKEN = re.compile(
    rf"{_TEXT}|"
    r"\\[A-Za-z]+\*?|\\.|\d+(?:[.,]\d+)*|\S",
    re.DOTALL,
)
_BREAKS = frozenset({"\\\\", "&", "\\,", "\\;", "\\!", "\\:", "~", "\\ "})


def read_dollar(reading: Reading, window: Window) -> int:
    """A formula between dollars; a price is passed on."""
    start = window.start
    if markup.is_word(reading.previous) or reading.previous == "$":
        return reading.pass_on(window, start + 1)
    if window.char(start + 1) == "$":
        end = window.run(_UP_TO_ANY_DOLLAR, start + 2)
        if end > start + 2 and window.char(end) == "$" and window.char(end + 1) == "$":
            return _say(reading, window.text[start + 2 : end], end + 2)
        if window.is_cut(end) and "\\" in window.text[start:end]:
            return _leave_out(reading, _DOLLARS, end)
        return reading.pass_on(window, start + 2)
    if _is_price(window, start + 1):
        return reading.pass_on(window, start + 1)
    end = window.run(_UP_TO_DOLLAR, start + 1)
    content = window.text[start + 1 : end]
    closes = window.char(end) == "$" and not content[-1:].isspace()
    if closes and not window.char(end + 1).isdigit() and _IS_MATH.search(content):
        return _say(reading, content, end + 1)
    return reading.pass_on(window, start + 1)


def _is_price(window: Window, start: int) -> bool:
    """Whether what follows a dollar can't begin a formula; mostly told by a few characters."""
    first = window.char(start)
    if not (first.isdigit() or first.isalpha() or first in tuple("\\({-")):
        return True
    if not first.isdigit():
        return False
    end = window.run(_PRICE, start)
    following = window.char(end)
    if window.text[end - 1] in ".,":
        return True
    if following.isspace():
        following = window.char(window.run(markup.BLANKS, end))
        return following not in tuple("+=*^\\<>_")
    return following not in tuple("+=*^\\<>_{xyzabcn")


def read_backslash(reading: Reading, window: Window) -> int | None:
    """A formula that a backslash begins; None where none does."""
    start = window.start
    following = window.char(start + 1)
    if following in ("(", "["):
        return _read_bracketed(reading, window, ")" if following == "(" else "]")
    before = reading.previous
    if not (following.isascii() and following.isalpha()) or before in tuple("\\/:"):
        return None
    name_end = window.run(_COMMAND, start + 1)
    name = window.text[start + 1 : name_end]
    if name == "begin" and window.char(name_end) == "{":
        return _read_environment(reading, window, name_end)
    if not _is_command(name) or markup.is_word(before):
        return None
    end = _end_groups(window, name_end)
    while window.char(end) == "\\":
        name_end = window.run(_COMMAND, end + 1)
        if not _is_command(window.text[end + 1 : name_end]):
            break
        end = _end_groups(window, name_end)
    return _say(reading, window.text[start:end], end)


def _is_command(name: str) -> bool:
    return name in _KNOWN or _NAMES.fullmatch(name) is not None


def _read_bracketed(reading: Reading, window: Window, closer: str) -> int | None:
    text, start = window.text, window.start
    end = window.run(_UP_TO_BACKSLASH, start + 2)
    while window.char(end) and window.char(end + 1) != closer:
        end = window.run(_UP_TO_BACKSLASH, min(end + 2, len(text)))
    content = text[start + 2 : end]
    if window.char(end):
        return _say(reading, content, end + 2) if _IS_MATH.search(content) else None
    if not (window.is_cut(end) and "\\" in content):
        return None
    return _leave_out(reading, re.compile(rf"\\\{closer}"), end)


def _read_environment(reading: Reading, window: Window, index: int) -> int:
    r"""``\begin{…}`` up to ``\end{…}``."""
    text = window.text
    name_end = window.run(re.compile(r"[^}\n]*"), index)
    end = window.run(_UP_TO_BACKSLASH, name_end)
    while window.char(end) and not window.starts(end, "\\end{"):
        end = window.run(_UP_TO_BACKSLASH, min(end + 2, len(text)))
    if not window.char(end):
        return _leave_out(reading, re.compile(r"\\end\{[^}\n]{0,30}\}"), end)
    close = window.run(re.compile(r"[^}\n]*"), end)
    return _say(reading, text[name_end + 1 : end], close + (window.char(close) == "}"))


def _leave_out(reading: Reading, terminator: re.Pattern[str], end: int) -> int:
    reading.spoken.break_words()
    reading.spoken.say(reading.spoken.forms.formula)
    reading.spoken.break_words()
    reading.skip = terminator, 40
    return end


def _end_groups(window: Window, end: int) -> int:
    r"""Where the arguments end that follow a command, as in ``\frac{1}{2}^2``."""
    while window.char(end) in ("{", "[", "^", "_"):
        if window.char(end) in ("^", "_"):
            end += 1
            if window.char(end) not in ("{", ""):
                end += 1
            continue
        end = _end_group(window, end)
    return end


def _end_group(window: Window, end: int) -> int:
    depth = 0
    while char := window.char(end):
        depth += (char in "{[") - (char in "}]")
        end += 1
        if depth == 0 or char in markup.LINE_BREAKS:
            break
    return end


def _say(reading: Reading, formula: str, end: int) -> int:
    reading.spoken.break_words()
    reading.spoken.say(say_formula(formula, reading.spoken.forms))
    reading.spoken.break_words()
    return end


def say_formula(formula: str, forms: SpokenForms) -> str:
    """A formula in words, without any backslash or brace."""
    words = _Formula(_TOKEN.findall(formula), forms).say_all()
    text = " ".join(" ".join(words).split())
    text = re.sub(r"\s+([),.;:!?'%°])|([(])\s+", r"\1\2", text)
    return re.sub(r"\b([a-z]) \(", r"\1(", text)


class _Formula:
    """The tokens of a formula, read from left to right."""

    def __init__(self, tokens: list[str], forms: SpokenForms) -> None:
        self._tokens = tokens
        self._next = 0
        self._forms = forms

    def say_all(self, closer: str = "") -> Iterator[str]:
        while self._next < len(self._tokens):
            if closer and self._tokens[self._next] == closer:
                self._next += 1
                return
            yield self._say_one()

    def _say_argument(self) -> str:
        return self._say_one() if self._next < len(self._tokens) else ""

    def _say_one(self) -> str:
        part = self._tokens[self._next]
        self._next += 1
        if part == "{":
            return " ".join(word for word in self.say_all("}") if word)
        if part == "^":
            return self._say_power()
        if part[-1] == "}" and "{" in part:
            return part[part.index("{") + 1 : -1].replace("\\", "").strip()
        if part in "_}{&~$" or part in _BREAKS:
            return ""
        name = part[1:].rstrip("*") if part[0] == "\\" else part
        if name in _LIMITED:
            return f"{getattr(self._forms, _OPERATORS.get(name, ''), name)} {self._say_limits()}"
        if name in _OPERATORS:
            return str(getattr(self._forms, _OPERATORS[name]))
        return self._say_command(name) if part[0] == "\\" else part

    def _say_command(self, name: str) -> str:
        if name in _FRACTIONS:
            return f"{self._say_argument()} {self._forms.over} {self._say_argument()}"
        if name == "sqrt":
            return self._say_root()
        if name in _SILENT:
            return ""
        return name if name.isalnum() and name not in _WRAPPERS else ""

    def _say_power(self) -> str:
        power = self._say_argument()
        if power == "circ":
            return self._forms.degrees
        if power in ("prime", "'"):
            return ""
        short = {"2": self._forms.squared, "3": self._forms.cubed}
        return short.get(power) or f"{self._forms.to_the_power_of} {power}"

    def _say_root(self) -> str:
        if self._tokens[self._next : self._next + 1] == ["["]:
            self._next += 1
            degree = " ".join(self.say_all("]"))
            return f"{self._forms.root_of.format(degree)} {self._say_argument()}"
        return f"{self._forms.square_root_of} {self._say_argument()}"

    def _say_limits(self) -> str:
        limits = []
        for sign in "_^":
            if self._tokens[self._next : self._next + 1] == [sign]:
                self._next += 1
                limits.append(self._say_argument())
        return f" {self._forms.to} ".join(limits)
