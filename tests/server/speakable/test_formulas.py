"""Formulas: LaTeX is said in words, prices stay prices."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.server.speakable.cuts import cut
from voicelive_agent.server.speakable import SpeakableText, find_forms, speakable


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        (r"The area is $\frac{1}{2} b h$.", "The area is 1 over 2 b h."),
        (r"\[ x = \sqrt{2} \]", "x equals the square root of 2"),
        (r"It is \(\pi r^2\).", "It is pi r squared."),
        ("$$E = mc^2$$ indeed", "E equals m c squared indeed"),
        ("$x$, $f(x)$, $x=5$, $a_1$", "x, f(x), x equals 5, a 1"),
        (r"$3 \times 4 \leq 2^{10}$", "3 times 4 less than or equal to 2 to the power of 10"),
        (r"$90^\circ$ and $\sqrt[3]{8}$", "90 degrees and the 3 root of 8"),
        (r"$$\int_0^1 x^3 \, dx$$", "the integral 0 to 1 x cubed d x"),
        (r"It is \boxed{42}, \frac{1}{2}\pi.", "It is 42, 1 over 2 pi."),
        (r"$v = \text{top speed}$", "v equals top speed"),
        (r"$x \in \{1, 2\}$", "x in 1, 2"),
        (r"\begin{align} a &= b \\ c &< d \end{align} ok", "a equals b c less than d ok"),
        (r"\[" + r"x + \alpha " * 60 + r"\] done", "(a formula) done"),
        ("$$" + r"x + \alpha " * 60 + "$$ done", "(a formula) done"),
    ],
)
def test_a_formula_is_said_in_words(text: str, spoken: str) -> None:
    """A voice said "dollar backslash frac"."""
    assert speakable(text) == spoken


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $6.",
        "US$5, A$6, $5-$6, $5/mo, $2M (was $3), $1,000.50",
        "pay $ 5 or 5$ now",
        "$HOME and $PATH",
        "$20 or $30 = cheap",
        "C:\\new, C:\\Users\\pi, \\n and \\t",
    ],
)
def test_what_is_no_formula_is_left(text: str) -> None:
    assert speakable(text) == text


def test_a_price_does_not_wait_for_the_end_of_its_line() -> None:
    stream = SpeakableText()
    assert stream.feed("It is $5, ") == "It is $5, "
    assert stream.feed("or $6 today") == "or $6 today"


def test_formulas_are_said_in_the_language_of_the_caller() -> None:
    assert speakable(r"\(\frac{a}{b} = 2\)", find_forms("de")) == "a durch b gleich 2"
    assert speakable(r"$x^2 + 1$", find_forms("fr-FR")) == "x au carré plus 1"


PARTS = r"""
\frac \sqrt { } [ ] ^ _ 2 x \text{two\ words} \alpha \left( \right) & \\ \, + - = 12.5 \to \int
\sum \begin{a} \end{a} \boxed{ \foo
"""
formulas = st.lists(
    st.sampled_from(PARTS.split()),
    max_size=20,
).map("".join)


@given(formulas, st.lists(st.integers(0, 200), max_size=8))
@example("{" * 200, [3])
def test_no_backslash_of_a_formula_is_spoken_however_it_is_cut(
    formula: str, places: list[int]
) -> None:
    text = f"So $$x={formula}$$ it is."
    said = speakable(text)
    assert "\\" not in said
    assert said.startswith("So x equals")

    stream = SpeakableText()
    assert "".join(stream.feed(delta) for delta in cut(text, places)) + stream.finish() == said
