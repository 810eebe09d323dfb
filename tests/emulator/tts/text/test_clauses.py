"""Clauses begin early, end where speech does, and depend on the text alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.tts.text import clauses as module
from voicelive_agent.emulator.tts.text.clauses import CLAUSE_CHARS, ClauseSplitter
from voicelive_agent.emulator.tts.text.full_stops import ends_sentence


def split(*deltas: str) -> list[str]:
    splitter = ClauseSplitter()
    clauses = [clause for delta in deltas for clause in splitter.feed(delta)]
    return clauses + splitter.finish()


@pytest.mark.parametrize(
    "clauses",
    [
        ["Hello, ", "how can I help you?"],
        ["It is cold. ", "Take a coat."],
        ["Dr. Smith is in, ", "as you know."],
        ["Mr. and Mrs. J. R. Doe said hello."],
        ["It is 3.5 km to go. ", "Turn left."],
        ["At 7:30 it is 52°F. ", "At 8 p.m. we close."],
        ["That costs 1,234.50 dollars. ", "Anything else?"],
        ["See https://example.com/a?b=c,d;e.html for more. ", "Bye."],
        ["Write to me@example.com! ", "Thanks."],
        ["The U.S. team and the U.K. team play, ", "i.e. both of them."],
        ["Der Termin ist am 3. Oktober im 2. Stock. ", "Bis dann."],
        ["Vom 1. bis 3. Mai. ", "Am 28.11. um 9 Uhr. ", "Wir kommen am 28.11. ", "Danke."],
        ["Ihr 2. Termin ist im 4. OG. ", "Wir sind zu 3. ", "Danach gehen wir."],
        ["It is No. 5 on the left. ", "Is it far? ", "No. ", "It is near."],
        ["See Fig. 3 for that. ", "Ph.D. students are in Sec. 4. ", "The U.S. Army is big."],
        ["Das ist z. B. ein Test, ", "d. h. kein Ernst. ", "Heinrich VIII. war da."],
        ["It closes at 5 p.m. tomorrow. ", "It closes at 5 p.m. ", "We open at 9 a.m. Monday."],
        ["We have apples, ", "etc. ", "We also have pears, ", "etc. and more."],
        ["There are 3. ", "We go. ", "It costs 3.50. ", "Then we pay."],
        ["Wait... ", "J. R. R. Tolkien wrote it. ", '"Yes." ', "(Good.)"],
        ["Ad es. questo. ", "P. ex. cela. ", "M. Dupont est là. ", "La Sig.ra Rossi. "],
        ["Vive en EE. UU. desde 2019. ", "El Sr. Pérez y la Sra. López."],
        ["Chapter 4. ", "The end."],
        ["1. Open the door. ", "2. Walk in."],
        ["Really?! ", "Yes... ", "I think so. ", "No. ", "So do I. ", "Good."],
        ['She said "Stop!" ', "and (so they say.) ", "he did."],
        ["Sure—", "let me look that up for you—", "it is here."],
        ["Well - ", "maybe 10–12 people will be there."],
        ["First line\n", "the second line of it\n", "a third line here"],
        ["One\n", "Two\n", "\nThree four five"],
        ["你好，", "我可以帮你什么忙吗？", "今天天气很好。"],
        ["「はい。」", "それは三点五、", "3.5です。", "では、また明日！"],
        ["你好,", "今天3.5度.", "真的吗?", "是的"],
        ["안녕하세요, ", "무엇을 도와드릴까요? ", "네."],
        ["नमस्ते। ", "आप कैसे हैं?"],
        ["مرحبا، ", "كيف حالك؟ ", "بخير."],
        ["😀 Hello! ", "👋🏽 How are you?"],
        ["  \t "],
        ["😀 🎉 …"],
        ["The weather in Seattle today is mostly sunny ", "with a high of fifty two"],
        ["I can offer you a table at 10 AM ", "in the garden"],
        ["One, ", "two, three. ", "Yes, I can do that for you, ", "of course."],
    ],
)
def test_clauses_end_where_speech_does(clauses: list[str]) -> None:
    text = "".join(clauses)
    assert split(text) == clauses
    assert split(*text) == clauses


def test_a_clause_is_out_as_soon_as_it_is_decided() -> None:
    splitter = ClauseSplitter()
    assert splitter.feed("Hello") == []
    assert splitter.feed(",") == []
    assert splitter.feed(" how") == ["Hello, "]
    assert splitter.pending == "how"


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("Yes. I", "Yes. "),
        ("Hello, I", "Hello, "),
        ("We are here. S", "We are here. "),
        ("It is No. So", "It is No. "),
        ("It was in 2019. T", "It was in 2019. "),
        ("It costs 3.50. T", "It costs 3.50. "),
        ("There are 3. We ", "There are 3. "),
    ],
)
def test_the_first_clause_waits_for_no_more_than_what_decides_it(text: str, clause: str) -> None:
    """One character behind the space; a word, where a number with a stop may be an ordinal."""
    splitter = ClauseSplitter()
    given = [(at, found) for at, char in enumerate(text) for found in splitter.feed(char)]
    assert [found for _, found in given] == [clause]
    assert given[0][0] >= len(text) - 2


def test_no_text_gives_no_clause() -> None:
    assert split() == split("") == split("", "") == []


TEXTS = st.one_of(
    st.text(max_size=400),
    st.text("ab Z.,;:!?3 \n\"')—-–。，你は1😀\u0301\u200d", max_size=900),
    st.lists(
        st.sampled_from(
            [
                "Dr.",
                "3.5",
                "hello,",
                "7:30",
                "p.m.",
                "—",
                "\n",
                "你好。",
                "“ok.”",
                "x",
                "1.",
                "U.S.",
                "No.",
                "am",
                "Oktober",
                "3.",
                "VIII.",
                "etc.",
                "We",
                "Wir",
                "a" * 30,
                "–",
            ]
        ),
        max_size=80,
    ).map(" ".join),
)


@given(TEXTS, st.data())
def test_deltas_make_no_difference(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=40)))
    deltas = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    clauses = split(*deltas)
    assert clauses == split(text)
    assert "".join(clauses) == text
    assert all(clauses)
    # Everything but the last one has something to say.
    assert all(any(char.isalnum() for char in clause) for clause in clauses[:-1])


@given(st.text("ab你 ", min_size=1, max_size=90).map(lambda text: text * (CLAUSE_CHARS // 4)))
def test_text_without_marks_is_cut_all_the_same(text: str) -> None:
    assert max(map(len, split(text))) <= CLAUSE_CHARS + 1


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("One moment.", True),
        ('"One moment."', True),
        ("Let me see…", True),
        ("你好。", True),
        ("One moment", False),
        ("It is 3.", False),
        ("Ask Dr.", False),
        ("It is No.", False),
        ("No.", True),
        ("See Fig.", False),
        ("…", False),
        ("", False),
    ],
)
def test_a_pause_of_the_stream_ends_a_complete_clause_only(text: str, complete: bool) -> None:
    splitter = ClauseSplitter()
    assert splitter.feed(text) == []
    assert splitter.pause() == (text if complete else None)
    assert splitter.finish() == ([] if complete or not text else [text])


@pytest.mark.parametrize(
    "text",
    [
        " " * 3_000,
        "a" + " " * 3_000,
        "So it is etc." + " " * 20_000,
        "\U0001f468\u200d" * 2_000,
        "a" + "\u0301" * 2_000,
        "Hi" + "." * 3_000,
    ],
    ids=["spaces", "a word and spaces", "etc. and spaces", "joined emoji", "accents", "full stops"],
)
@pytest.mark.parametrize("size", [1_000_000, 7])
def test_no_run_of_characters_costs_its_square(
    text: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """16,000 joined emoji held the event loop for 13 s: nothing ended their clause, and each was
    judged by all before it; spaces were looked through once for each of them, "etc." and what
    followed it anew with each delta.
    """
    looked_at = 0
    judge = module._is_speakable

    def count_speakable(piece: str) -> bool:
        nonlocal looked_at
        looked_at += len(piece)
        return judge(piece)

    def count_sentence(before: str, behind: str) -> bool | None:
        nonlocal looked_at
        looked_at += len(before) + len(behind)
        return ends_sentence(before, behind)

    monkeypatch.setattr(module, "_is_speakable", count_speakable)
    monkeypatch.setattr(module, "ends_sentence", count_sentence)
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert "".join(split(*pieces)) == text
    assert split(*pieces) == split(text)
    # A clause's characters at most for each, and the runs of three passes.
    assert looked_at < len(text) * 3 * CLAUSE_CHARS
