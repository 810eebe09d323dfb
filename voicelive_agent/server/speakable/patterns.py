"""Characters and regular expressions by which Markdown and markup are recognised."""

import re

from voicelive_agent.server.speakable.turning_words import is_address

EMOJI = (
    "\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe"
    "\u2600-\u266c\u2670-\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff"
)
ARROWS = "→↑↓↗↘⟶"
JUNK = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufe0e\ufe0f\ufeff\u20e3"
    "\ud800-\udfff\ue000-\uf8ff\ufffe\uffff\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
)
"""Invisible, private or unpaired characters."""
LINE_BREAKS = "\n\r\x0b\x0c\x85\u2028\u2029"
BULLETS = "-*+•◦▪‣●○"
OPENING = "([{\"'“‘«„「『（【¿¡"
TERMINAL = ".!?:;,…。！？：；，、"
CLOSING = TERMINAL + ")]}»”’』」）】"

SPACED_WORD = re.compile("[A-Za-z0-9ªµº\u00c0-\u0dff]")
PLAIN = re.compile(rf"[^\s*_~`|<＜◁${{&\[\]!\\#【\u200d{EMOJI}{ARROWS}{JUNK}]+")
"""Text that no rule but the one on addresses has anything to do with."""
PROSE = re.compile(r" ?[A-Za-z0-9',.;:?-]+(?: [A-Za-z0-9',.;:?-]+)* ?")
"""Words with single spaces between them."""
SYMBOL = re.compile(rf"[{EMOJI}{ARROWS}\u20e3]")
DROPPED = re.compile(rf"[{EMOJI}{JUNK}]+")
PICTURE = re.compile(rf"[{EMOJI}\ufe0f\u20e3\U000e0020-\U000e007f]")
SURROGATE = re.compile("[\ud800-\udfff]")
SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")

BLANKS = re.compile(rf"[^\S{LINE_BREAKS}]*")
ANY_SPACE = re.compile(r"\s*")
LABEL = re.compile(rf"[^\[\]{LINE_BREAKS}]*")
CITATION = re.compile(
    r"\^[^\s\]]{1,60}|[1-9]\d{0,2}(?:\s*[,;–-]\s*[1-9]\d{0,2})*|doc\d{1,3}"
    r"|[\d:]{1,9}†.*|†\d+|sources?(?::?\s*\d+)?",
    re.IGNORECASE,
)
"""What stands between the brackets of a mark that leads to a source."""
BEFORE_VALUES = ":=(<>+-*/"
BEFORE_NUMBERS = frozenset(
    word
    for words in (
        "press dial choose select option number key type enter push hit say button digit line",
        "room step is are was were be to the a an of for in at on or and with as from by than",
        "equals drücken drücke wählen wähle sie taste nummer ist sind die der das oder und für",
        "zu von mit appuyez sur tapez touche choisissez numéro est sont le la les ou et pour de",
        "pulse presione marque oprima opción número es son el o y para en prema premi digiti",
        "digita tasto numero è sono il e per di druk op toets kies nummer of en voor pressione",
        "digite tecla opção é são ou",
    )
    for word in words.split()
)
"""Words after which a number in brackets is what is talked about, not the mark of a source."""
LENTICULAR = re.compile(rf"[^【】{LINE_BREAKS}]*")
ORDERED_MARKER = re.compile(r"\d{1,3}[.)]")
TABLE_RULE = re.compile(r"[|:\- \t]*")
CODE_INDENT = re.compile(r"[ \t>]*")
FENCE_LINE = re.compile(rf"[^{LINE_BREAKS}]*")
FENCE_INFO = re.compile(rf"[^`{LINE_BREAKS}]*")
SHORT_FENCE = re.compile(r"[\w\s.,:!?'\"@#$€£%&+*/°–—-]*")
"""What an answer in a fence of its own consists of, such as a code to type; not a program."""
FENCE_LINES = 3
TEXT_FENCES = frozenset({"markdown", "md", "plaintext", "text", "txt"})
"""Languages of a fence around what is an answer, not code."""

HIDDEN_FENCE = re.compile(r"tool|function_?call|think|thought|reasoning|scratch_?pad")
"""Languages of a fence around a thought, a tool call or its result, as Gemma writes them."""

ADDRESS = re.compile(rf"[^\s<>\"`|\[\]{{}}\\^、。，！？；：）】」』》…{EMOJI}{JUNK}]*")
HOST = re.compile(r"(?:https?://)?(?:[^/?#@\s]*@)?(?:www\.)?([^\W_][\w.-]*)", re.IGNORECASE)
DESTINATION = re.compile(r"[^\s()]*")
ANGLE_DESTINATION = re.compile(rf"[^<>{LINE_BREAKS}]*")
LINK_TITLES = {
    '"': re.compile(rf"[^\"{LINE_BREAKS}]*"),
    "'": re.compile(rf"[^'{LINE_BREAKS}]*"),
}

TAG_NAME = re.compile(r"(?:[A-Za-z][A-Za-z0-9_:.-]*)?")
ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_:@.-]*")
QUOTED_VALUES = {'"': re.compile(r'[^"]*'), "'": re.compile(r"[^']*")}
BARE_VALUE = re.compile(r"[^\s\"'=<>`]*")
AUTOLINK = re.compile(r"[^\s<>]*")
MAILBOX = re.compile(r"(?:mailto:)?([^\s@:]+@[^\s@]+)|tel:(\+?[\d-]+)", re.IGNORECASE)
STRUCTURE_TAGS = frozenset({"dd", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "li", "tr"})
BREAKING_TAGS = STRUCTURE_TAGS | {"blockquote", "br", "div", "dl", "hr", "ol", "p", "table", "ul"}
CELL_TAGS = frozenset({"td", "th"})
ENTITY_NAME = re.compile(r"#?[A-Za-z0-9]{0,32}")

EMPHASISED = OPENING + "`_*$€£@&<\\+-"
"""Punctuation with which emphasised text may begin."""
STRUCK_BY_ONE = re.compile(rf"[^~{LINE_BREAKS}]{{0,40}}")
"""A single ``~`` mostly means "about", so the words after it don't wait for long."""
STRUCK_TAGS = frozenset({"del", "s", "strike"})
UP_TO_TAG = re.compile(r"[^<]*")
UP_TO_MARK = {char: re.compile(rf"[^{char}{LINE_BREAKS}]*") for char in "*_~"}

Skip = tuple[re.Pattern[str], int]
"""What ends a stretch that is skipped, and how much of that may stand cut at the end of a text."""
TO_LINE_END: Skip = re.compile(rf"(?=[{LINE_BREAKS}])"), 0
TO_ADDRESS_END: Skip = re.compile(r"(?=\s)"), 0
TO_TARGET_END: Skip = re.compile(r"\)|(?=\s)"), 0
TO_COMMENT_END: Skip = re.compile(r"-->"), 2
TO_PRIVATE_MARK_END: Skip = re.compile("\ue201|(?=\n)"), 0
TO_REACT_ANSWER: Skip = re.compile(r"\n ?(?:(?:Final )?Answer|AI):"), 14
TO_COMPACT_MESSAGE: Skip = re.compile(r"assistant(?:final|commentary(?=\S))"), 19
TO_GRANITE_RESPONSE: Skip = re.compile(r"Here(?: is|['’]s) my response:"), 20
TO_GROUNDED_ANSWER: Skip = re.compile(r"\nGrounded answer:"), 16


UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff\uff66-\uffdc"
    "\U00020000-\U0003ffff]"
)
"""Letters of scripts whose words, or whose particles, are not set apart by spaces."""


def is_word(char: str) -> bool:
    """Whether ``char`` belongs to a word that spaces set apart from its neighbours."""
    return char.isalnum() and not UNSPACED.match(char)


def is_space(char: str) -> bool:
    """Whether ``char`` is white space, or the start or end of the text."""
    return not char or char.isspace()


def ends_line(char: str) -> bool:
    """Whether ``char`` is a line break or the end of the text."""
    return not char or char in LINE_BREAKS


def trim_address(address: str) -> str:
    """A web address without the punctuation that belongs to the sentence around it."""
    while address:
        last = address[-1]
        if last == ")" and address.count("(") >= address.count(")"):
            break
        if last not in ".,;:!?'*_~)":
            break
        address = address[:-1]
    return address


def say_autolink(target: str) -> str:
    """What is said for ``<target>``; empty if it is no link."""
    if mailbox := MAILBOX.fullmatch(target):
        return mailbox[1] or mailbox[2]
    return find_host(target) if is_address(target) else ""


def find_host(address: str) -> str:
    """What can be said of a web address: its host without ``www.``; empty if it has none."""
    match = HOST.match(address)
    return match[1].rstrip(".-_") if match else ""
