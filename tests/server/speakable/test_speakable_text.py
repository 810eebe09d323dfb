"""Streamed text made speakable: what is said of it, and that how it is cut doesn't matter."""

import re
from cProfile import Profile
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.server.speakable.cuts import cut
from voicelive_agent.server.speakable import (
    LOOKAHEAD_CHARS,
    SpeakableText,
    SpokenForms,
    speakable,
    speakable_text,
)
from voicelive_agent.server.speakable.lookahead import Window

PROSE = [
    "The weather in Seattle is 52°F and partly cloudy.",
    "It's 3.5 miles, about 7:30, and costs $5 – or 4 €.",
    "2*3 = 6 and 5 * 3 = 15, not a lone * at all.",
    "Call f(x) in C# with snake_case, a_b and #1; mail to me_too@mail.example.",
    "1) first, [sic] and (second) of AT&T, R&D & co.",
    "if a < b and c > d, then I <3 it; tax* and f***.",
    "Dial *67, *#06# or look for *.txt on C:\\new, ~5 minutes.",
    "Wait! What? “Quoted” ‘words’… and an em—dash - too.",
    "Les prix : 5 € ! Él dijo: ¡hola! Tiếng Việt, Ελληνικά, русский, עברית.",
    "我们五点开门。予約は【営業時間】内に。예약 가능합니다.",
    "می‌خواهم و क्‍ष",
    "arr[i] and x[0] and 【 open",
    "That is true [citation needed], he said.",
    "From 5 to ~10 minutes, ~/bin and ~/lib, a ~ b.",
    "a soft C♯, ½ cup, 3½° and 5 €",
    "The word http is short, www too, and so is h",
]
SPOKEN = [
    # Emphasis.
    (
        "**Bold**, *slanted*, __bold__, _slanted_, ***both***.",
        "Bold, slanted, bold, slanted, both.",
    ),
    ("**Note:** it is (**very**) ~~bad~~ good", "Note: it is (very) good"),
    ("**2*3** is *10 minutes* of _snake_case_", "2*3 is 10 minutes of snake_case"),
    ("这是**重点**内容。", "这是重点内容。"),
    ("\\*not\\* \\# \\_this\\_", "*not* # _this_"),
    ("Name: ____ here", "Name: here"),
    # Lines.
    ("# Hours\n\nWe open at five.\n## Menu ##\nSoup", "Hours.\nWe open at five.\nMenu.\nSoup"),
    ("Hours:\n- Monday  \n* **Friday**!\n+ Sunday\nEnd", "Hours:\nMonday.\nFriday!\nSunday.\nEnd"),
    ("1. Soup\n2. Fish\n\nEnjoy", "1. Soup.\n2. Fish.\nEnjoy"),
    ("- [ ] open\n- [x] done\n", "to do, open.\ndone, done.\n"),
    ("- one\r\n- two\r\nend\r\n\r\nof it", "one.\ntwo.\nend\nof it"),
    ("> quoted\n>> twice\n> - item", "quoted\ntwice\nitem"),
    ("one\n\n---\n\ntwo\n***\n___\n* * *\nthree\n=====\n", "one\ntwo\nthree\n"),
    ("-5 degrees\n+1 206\n#1 of all\n-- Bob", "-5 degrees\n+1 206\n#1 of all\n-- Bob"),
    ("• one\n•two", "one.\ntwo"),
    # Links, addresses, images.
    ('See [the menu](https://a.example/x_(y) "Menu") today', "See the menu today"),
    ("[**Menu**](/menu) and [it][1] and [that][]", "Menu and it and that"),
    ("[![alt](a.png)](b.html) ![A _fine_ room](room.jpg)", "alt A fine room"),
    ("Go to https://www.example.com/menu?a=b#c.", "Go to example.com."),
    ("(http://example.com:80/a_(b)) and www.example.org!", "(example.com) and example.org!"),
    ("<https://example.com/a> or <mailto:a@b.example>", "example.com or a@b.example"),
    ("[https://example.com](https://example.com)", "example.com"),
    ("看https://example.com/路，好", "看example.com，好"),
    ("[note](see below)", "note(see below)"),
    # Code.
    ("Run `pip install *x*` and ``a`b``.", "Run pip install *x* and ab."),
    ("So:\n```python\nx = '# no'\n- ```no\n```\nDone", "So:\n(a piece of code).\nDone"),
    ("~~~\na\n```\n~~~\nb", "(a piece of code).\nb"),
    ("~~~\na\n~~~\nb", "a.\nb"),
    ("> ```\n> x\n> ```\nend", "x.\nend"),
    ("A ```one liner``` here", "A one liner here"),
    ("```markdown\n# Hello\n**you**\n```\nBye", "Hello.\nyou\nBye"),
    ("don`t **stop**", "don`t stop"),
    ("Your code is:\n```\nQX7-42B\n```\nKeep it.", "Your code is:\nQX7-42B.\nKeep it."),
    ("Type\n```\nWORD one\nWORD two\n```", "Type\nWORD one.\nWORD two.\n"),
    ("```\nx = f(1);\n```\nDone", "(a piece of code).\nDone"),
    ("```\n1\n2\n3\n4\n5\n```\nDone", "(a piece of code).\nDone"),
    # Struck text.
    ("Price: ~~$50~~ **$40**", "Price: $40"),
    ("Was ~$50~ <s>$45</s> <del>$44</del>, is $40", "Was , is $40"),
    ("~~never closed", "never closed"),
    # Numbers in brackets.
    ("Press [1] for sales, [2] for support.", "Press 1 for sales, 2 for support."),
    ("Für den Verkauf drücken Sie [2].", "Für den Verkauf drücken Sie 2."),
    ("[1, 1]", "1, 1"),
    ("[1] Sales\n[2] Support", "1 Sales\n2 Support"),
    ("The list is [3, 4].", "The list is 3, 4."),
    ("Oslo is the capital [1, 2]. Big.[3]", "Oslo is the capital . Big."),
    # Tables.
    (
        "| Dish | Price |\n|:-----|------:|\n| Soup | **$5** |\n| Fish | |\n\nEnjoy",
        "Dish, Price.\nSoup, $5.\nFish.\nEnjoy",
    ),
    ("Mon | Tue", "Mon , Tue"),
    # HTML.
    ("<b>Bold</b> and<br/>next &amp; &lt;i&gt; &#39;q&#39;", "Bold and\nnext & <i> 'q'"),
    ('<p class="a b" id=x>Hi<!-- no --> you</p>\n<ul><li>One</li></ul>', "Hi you\nOne.\n"),
    ("<table><tr><td>Soup</td><td>$5</td></tr></table>", "Soup, $5.\n"),
    ("<think>They want\n\nsoup.</think>\n\nSoup it is.", "Soup it is."),
    ("a&nbsp;&nbsp;b", "a b"),
    # Emoji and what can't be seen.
    ("Great 😀 👍🏽 👨‍👩‍👧 🇺🇸 1️⃣ ❤️ news", "Great 1 news"),
    ("soft\u00adhyphen, zero\u200bwidth\ufeff", "softhyphen, zerowidth"),
    # Marks of sources.
    ("Open[1], [2][3] till ten.[^a]【4:0†source】 [doc1]", "Open, till ten. "),
    ("Yes [[1]](https://a.example).", "Yes ."),
    ("Till ten.\ue200cite\ue202turn0search0\ue201 Bye", "Till ten. Bye"),
    ("A.\n\n[^1]: From a page.\n[x]: https://a.example\nB", "A.\nB"),
    # White space.
    ("a  b \t c\n\n\nd", "a b c\nd"),
    ("\n\nHello", "Hello"),
]

FRAGMENTS = """
* ** *** _ __ ~~ ~ ` `` ``` ~~~ # ## - + > | |-| |---| [ ] ( ) ![ ]( [1] [^1] [x] 【 】 † < > <b>
</b> <br> <!-- --> <think> </think> & &amp; ; https:// www. http . , : ! \\ = === --- 1. 2) a word
52°F h w 你 😀
✅ ❌ → ⭐ ☆ ½ ~~x~~ ~y~ $ \\( \\) $x$ \\frac
{1} ^2 ```json <s> </s> [2] Press " ' @ python
"""
UNSEEN = ["\u200d", "\ufe0f", "\ud83d", "\ude00", "\ue200", "\ue201"]
SPACES = [" ", "  ", "\n", "\n\n", "\r\n", "\t", "\r", "\n- ", "\n```\n", "\n| "]
fragments = st.sampled_from([*FRAGMENTS.split(), *UNSEEN, *SPACES])
markdown = st.lists(fragments | st.text(max_size=5), max_size=40).map("".join)


@pytest.mark.parametrize("text", PROSE)
def test_plain_prose_is_untouched(text: str) -> None:
    assert speakable(text) == text


@pytest.mark.parametrize(("text", "spoken"), SPOKEN)
def test_markup_goes_or_becomes_words(text: str, spoken: str) -> None:
    assert speakable(text) == spoken


@pytest.mark.parametrize("text", [text for text, _ in SPOKEN] + PROSE)
def test_single_characters_say_the_same(text: str) -> None:
    stream = SpeakableText()
    assert "".join(map(stream.feed, text)) + stream.finish() == speakable(text)


@given(markdown, st.lists(st.integers(0, 400), max_size=12))
@example("`" * (2 * LOOKAHEAD_CHARS), [1, 255, 256, 257])
@example("[" + "x" * LOOKAHEAD_CHARS + "](y)", [255, 256, 257])
@example("a\ud83d\ude00b", [2])
def test_how_a_text_is_cut_changes_nothing(text: str, places: list[int]) -> None:
    whole = speakable(text)

    stream = SpeakableText()
    said = [stream.feed(delta) for delta in cut(text, places)]

    assert "".join(said) + stream.finish() == whole
    whole.encode()


@given(markdown)
def test_little_waits_and_no_space_is_said_twice(text: str) -> None:
    stream = SpeakableText(SpokenForms(code="code"))
    said = ""
    for char in text:
        said += stream.feed(char)
        assert stream.waiting_chars <= LOOKAHEAD_CHARS
    said += stream.finish()

    assert stream.waiting_chars == 0
    assert not any(one.isspace() and other.isspace() for one, other in pairwise(said))


CITED = re.compile(r"\[\s*[1-9]\d{0,2}\s*\]")
MAY_BE_MORE = ["https", "www", "analysis", "assistant", "functools", "tool", "final", "commentary"]
words = st.text(st.characters(categories=["L"], max_codepoint=0x2FF), min_size=1, max_size=8)
prose_words = st.one_of(
    words.filter(lambda word: not any(start.startswith(word.lower()) for start in MAY_BE_MORE))
    # The first letters of ``assistantfinal``, which stands right after the word before it.
    .filter(lambda word: not re.search("a(?:s(?:s.*)?)?$", word)),
    st.sampled_from(["52°F", "3.5", "7:30,", "don't", "well-known", "a_b", "2*3", "C#", "no."]),
)


@given(st.lists(prose_words, min_size=1, max_size=12))
def test_prose_does_not_wait_at_the_end_of_a_word(written: list[str]) -> None:
    stream = SpeakableText()
    for word in written:
        assert stream.feed(word) == word
        assert stream.feed(" ") == " "


PROSE_MARKS = [
    " ",
    " ",
    ", ",
    ". ",
    "? ",
    "! ",
    ": ",
    "; ",
    " (",
    ") ",
    " – ",
    "—",
    "-",
    "'",
    " < ",
    " > ",
]
PROSE_MARKS += [
    " $",
    " €",
    "% ",
    "°",
    " & ",
    " + ",
    " = ",
    "/",
    "@",
    " #",
    " | ",
    "\n",
    " [",
    "] ",
    " {",
    "} ",
]


@given(st.lists(st.one_of(words, st.integers(0, 2000).map(str), st.sampled_from(PROSE_MARKS))))
@example(["a", " < ", "b", " and c", " > ", "d"])
@example(["then I <3 it for ", "$5", " or ", "$6", "."])
@example(["The house", " [", "12", "] ", "is old"])
def test_no_letter_of_plain_prose_is_ever_lost(pieces: list[str]) -> None:
    text = "".join(pieces)
    # A number in brackets after a phrase leads to a source; see above.
    if CITED.search(text):
        return
    kept = [char for char in speakable(text) if char.isalnum()]
    assert kept == [char for char in text if char.isalnum()]


@pytest.mark.parametrize("text", ["The weather ", "in Seattle ", "is 52°F ", "and partly cloudy."])
def test_deltas_of_prose_pass_as_they_are(text: str) -> None:
    assert SpeakableText().feed(text) == text


def test_emphasised_words_do_not_wait_for_the_end_of_the_emphasis() -> None:
    stream = SpeakableText()
    assert stream.feed("It is **very") == "It is very"
    assert stream.feed(" hot** here") == " hot here"


def test_a_label_leaves_before_its_address_is_complete() -> None:
    stream = SpeakableText()
    assert stream.feed("See [the menu](https://exam") == "See the menu"
    assert stream.feed("ple.com) today") == " today"


def test_a_block_of_code_is_announced_when_it_begins() -> None:
    stream = SpeakableText()
    assert stream.feed("```python\n") == "(a piece of code)"
    assert stream.feed("x = 1\n```\n") == ".\n"


def test_the_spoken_forms_can_be_in_another_language() -> None:
    forms = SpokenForms(code="(代码)", pause="、", stop="。")
    assert speakable("- 汤\n- 鱼\n\n| 汤 | 鱼 |\n\n```c\nx\n```\n", forms) == (
        "汤。\n鱼。\n汤、鱼。\n(代码)。\n"
    )
    assert speakable("So:\n```c\nx\n```\nDone", SpokenForms(code="")) == "So:\nDone"


HOSTILE = """
[ * ** ` ``` _ ~ < & | # - ! ![ ]( <a [1]( [a](b http:// h 【 \\ > *1 $ $a $$ \\( \\[a \\frac{
{ {"name": ~~a <think> </think> <think>a</thinking> <|x <|x|> <|channel|> [THINK] {"arguments":{
⭐ ✅ 看www.a、 a 1 <s>a
"""


def count_steps(text: str) -> int:
    """How many functions are called, those of C included, to read a text."""
    stream = SpeakableText()
    with Profile() as profile:
        stream.feed(text)
        stream.finish()
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.parametrize("text", [*HOSTILE.split(), "\n", "\r"])
def test_hostile_text_takes_linear_time(text: str) -> None:
    """A long answer made the others wait. Each step looks at a slice at most (see below)."""
    small, large = (count_steps(text * (size // len(text))) for size in (2_000, 6_000))
    assert large < 3.2 * small + 200


def test_no_step_looks_at_more_than_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = []

    class Noted(Window):
        def __init__(self, text: str, *, final: bool) -> None:
            lengths.append(len(text))
            super().__init__(text, final=final)

    monkeypatch.setattr(speakable_text, "Window", Noted)
    text = "看www.a、[x](" * 2000
    assert SpeakableText().feed(text)
    assert max(lengths) <= speakable_text.SLICE_CHARS + LOOKAHEAD_CHARS
