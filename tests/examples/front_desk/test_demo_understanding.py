"""What the front desk makes of what people say, and of what a recogniser makes of that."""

import datetime as dt

import pytest

from examples.front_desk import FrontDesk, phrase_list, phrases
from examples.front_desk.details import Details
from examples.front_desk.shifts import Shift
from examples.front_desk.understanding import Understood, understand
from tests.examples.front_desk.caller import NOW, Caller

YES = """
yes
yeah sure
yep
that's right
correct
go ahead
sounds good
okay
no problem
why not
uh huh
mm hmm
perfect
of course
yes please book it
right
please do
that's fine
"""
NO = """
no
nope
no thank you
not really
that's not right
that's wrong
don't
know
yes no wait
i'd rather not
that isn't right
"""
NEITHER = """
yesterday
i know a place
nothing
i'm not sure
i don't know
notice
surely
right now
"""
TODAY = NOW.date()  # Wednesday, November 18th, 2026


def details(text: str, asking: str = "") -> Details:
    return understand(text, today=TODAY, asking=asking).details


@pytest.mark.parametrize(
    ("text", "party"),
    [
        ("a table for four", 4),
        ("table for too", 2),
        ("a table for to tonight", 2),
        ("table four two", 2),
        ("a table for for please", 4),
        ("table for ate people", 8),
        ("party of six", 6),
        ("for two", 2),
        ("two people", 2),
        ("there are four of us", 4),
        ("we are five", 5),
        ("just me", 1),
        ("me and my wife", 2),
        ("just me and my girlfriend", 2),
        ("my wife and me and our two kids", 4),
        ("four adults and a baby", 5),
        ("my husband and i", 2),
        ("just the two of us", 2),
        ("a couple of us", 2),
        ("two adults and two kids", 4),
        ("a table for four no five", 5),
        ("for four uh i mean six people", 6),
        ("make it six people", 6),
        ("make it for people", 4),
        ("no, to people", 2),
        ("we are for people", 4),
        ("ate guests please", 8),
        ("is there parking for guests", None),
        ("six instead of four", 6),
        ("not four people, six people", 6),
        ("a dozen", 12),
        ("table for 4 on 12/24 at 8pm", 4),
        ("for four at four thirty", 4),
        ("can i book for seven at seven", 7),
        ("for two december twenty fifth", 2),
        ("um for uh three people", 3),
        ("for seven thirty", None),
        ("for tomorrow", None),
        ("for the twenty fifth", None),
        ("at four", None),
    ],
)
def test_party(text: str, party: int | None) -> None:
    assert details(text).party == party


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("today", "11-18"),
        ("tonight", "11-18"),
        ("this evening", "11-18"),
        ("tomorrow", "11-19"),
        ("to morrow evening", "11-19"),
        ("the day after tomorrow", "11-20"),
        ("yesterday", "11-17"),
        ("friday", "11-20"),
        ("on fridays", "11-20"),
        ("this friday", "11-20"),
        ("next friday", "11-27"),
        ("friday next week", "11-27"),
        ("next monday", "11-23"),
        ("wednesday", "11-18"),
        ("this weekend", "11-21"),
        ("in three days", "11-21"),
        ("in a week", "11-25"),
        ("in two weeks", "12-02"),
        ("a week from friday", "11-27"),
        ("twenty fifth of december", "12-25"),
        ("the 25th of december", "12-25"),
        ("december twenty fifth", "12-25"),
        ("december the first", "12-01"),
        ("dec 24", "12-24"),
        ("the twenty fifth", "11-25"),
        ("on the 3rd", "12-03"),
        ("12/24", "12-24"),
        ("24/12/2026", "12-24"),
        ("2026-12-24", "12-24"),
        ("december 24th 2026", "12-24"),
        ("christmas eve", "12-24"),
        ("new year's eve", "12-31"),
        ("not friday saturday", "11-21"),
        ("friday no saturday", "11-21"),
        ("saturday instead of friday", "11-21"),
        ("saturday not friday", "11-21"),
        ("friday the twentieth", "11-20"),
        ("the second one", None),
        ("may i book", None),
        ("february thirtieth", None),
        ("thirty first of november", None),
        ("april the thirty first", None),
        ("13/13", None),
        ("9999-99-99", None),
    ],
)
def test_date(text: str, expected: str | None) -> None:
    found = details(text).date
    assert (found and f"{found:%m-%d}") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at seven", "19:00"),
        ("at ate", "20:00"),
        ("seven o'clock", "19:00"),
        ("seven o clock", "19:00"),
        ("7 pm", "19:00"),
        ("7 p.m.", "19:00"),
        ("seven p m", "19:00"),
        ("7:30", "19:30"),
        ("7.30pm", "19:30"),
        ("19:30", "19:30"),
        ("730", "19:30"),
        ("seven thirty", "19:30"),
        ("seven thirty pm", "19:30"),
        ("half past seven", "19:30"),
        ("half passed ate", "20:30"),
        ("have passed seven", "19:30"),
        ("half seven", "19:30"),
        ("quarter too eight", "19:45"),
        ("quarter to eight", "19:45"),
        ("a quarter past six", "18:15"),
        ("ten past eight", "20:10"),
        ("twenty minutes to nine", "20:40"),
        ("seven oh five", "19:05"),
        ("seven forty five", "19:45"),
        ("nineteen thirty", "19:30"),
        ("noon", "12:00"),
        ("twelve o'clock", "12:00"),
        ("twelve thirty", "12:30"),
        ("midnight", "00:00"),
        ("ten in the morning", "10:00"),
        ("one in the afternoon", "13:00"),
        ("around eight ish", "20:00"),
        ("eight at night", "20:00"),
        ("no seven o'clock", "19:00"),
        ("at seven no eight", "20:00"),
        ("not at seven at eight", "20:00"),
        ("tomorrow for two at half past eight", "20:30"),
        ("for two", None),
        ("25:99", None),
        ("december twenty fifth", None),
    ],
)
def test_time(text: str, expected: str | None) -> None:
    found = details(text).time
    assert (found and f"{found:%H:%M}") == expected


@pytest.mark.parametrize(
    ("text", "asking", "name"),
    [
        ("under the name miller", "", "Miller"),
        ("for two tomorrow under anna miller please", "", "Anna Miller"),
        ("my name is john smith and i want a table", "", "John Smith"),
        ("miller", "name", "Miller"),
        ("it's anna miller", "name", "Anna Miller"),
        ("um my name's lee", "name", "Lee"),
        ("m i l l e r", "name", "Miller"),
        ("rose please", "name", "Rose"),
        ("put it under will parker", "name", "Will Parker"),
        ("it's park", "name", "Park"),
        ("yes it's o'neill", "name", "O'neill"),
        ("never mind", "name", None),
        ("no thanks", "name", None),
        ("what", "name", None),
        ("can you repeat that", "name", None),
        ("when are you open", "name", None),
        ("tomorrow at seven", "name", None),
        ("i don't know", "name", None),
        ("miller", "", None),
        ("name emma", "", "Emma"),
        ("change the name to tyler", "", "Tyler"),
        ("maria del carmen lopez", "name", "Maria Del Carmen Lopez"),
        ("clark no clarke", "name", "Clarke"),
        ("two people tomorrow seven pm taylor", "", "Taylor"),
        ("a table for two tomorrow at seven for james please", "", "James"),
        ("a table for two tomorrow at seven outside", "", None),
        ("a table for two tomorrow at seven for my birthday", "", None),
        ("a table for two tomorrow at seven thank you very much", "", None),
        ("yes that's correct", "name", None),
        ("perfect", "name", None),
    ],
)
def test_name(text: str, asking: str, name: str | None) -> None:
    assert details(text, asking).name == name


@pytest.mark.parametrize(
    ("text", "asking", "expected"),
    [
        ("two", "party", Details(party=2)),
        ("too", "party", Details(party=2)),
        ("uh four", "party", Details(party=4)),
        ("seven", "time", Details(time=dt.time(19))),
        ("ate", "time", Details(time=dt.time(20))),
        ("say seven", "time", Details(time=dt.time(19))),
        ("twenty fifth", "date", Details(date=dt.date(2026, 11, 25))),
        ("the 25", "date", Details(date=dt.date(2026, 11, 25))),
    ],
)
def test_a_bare_number_is_what_was_asked_for(text: str, asking: str, expected: Details) -> None:
    assert details(text, asking) == expected


def test_everything_in_one_sentence() -> None:
    text = "um i'd like a table for four tomorrow at half past seven under the name Miller please"
    assert details(text) == Details(4, dt.date(2026, 11, 19), dt.time(19, 30), "Miller")


@pytest.mark.parametrize("text", YES.strip().split("\n"))
def test_yes(text: str) -> None:
    understood = understand(text, today=TODAY)
    assert understood.says_yes
    assert not understood.says_no


@pytest.mark.parametrize("text", NO.strip().split("\n"))
def test_no(text: str) -> None:
    understood = understand(text, today=TODAY)
    assert understood.says_no
    assert not understood.says_yes


@pytest.mark.parametrize("text", NEITHER.strip().split("\n"))
def test_neither_yes_nor_no(text: str) -> None:
    understood = understand(text, today=TODAY)
    assert not understood.says_yes
    assert not understood.says_no


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("what's the whether like", "weather"),
        ("i wonder whether you have a table", "book"),
        ("when do you close", "hours"),
        ("how do i get there", "address"),
        ("i am done", "goodbye"),
        ("good buy", "goodbye"),
        ("am i talking to a machine", "robot"),
        ("i did not catch that", "repeat"),
        ("council my reservation", "cancel"),
    ],
)
def test_topic(text: str, topic: str) -> None:
    topics = understand(text, today=TODAY).topics
    assert topic in topics
    assert topic == "weather" or "weather" not in topics


def test_nothing_is_understood_of_nothing() -> None:
    assert understand(" um, uh... ", today=TODAY) == Understood()


async def test_every_phrase_means_something() -> None:
    assert [phrase for phrase in phrases() if not await means_something(phrase)] == []


async def means_something(phrase: str) -> bool:
    answers = [understand(phrase, today=TODAY)]
    answers += [understand(phrase, today=TODAY, asking=one) for one in ("party", "time", "name")]
    meant = any(
        one.details or one.topics or one.says_yes or one.says_no or one.position or one.city
        for one in answers
    )
    if meant:
        return True
    caller = Caller()
    caller.desk = FrontDesk(lambda: NOW)
    await caller.say("a table for two tomorrow at seven under Miller")
    await caller.say("no")
    return "didn't" not in await caller.say(phrase)


def test_phrases_are_clean_and_said_once() -> None:
    lines = phrases()
    assert len(lines) > 300
    assert len(set(lines)) == len(lines)
    assert all(line == " ".join(line.split()) == line.lower() for line in lines)
    assert {"Seattle", "Friday", "The Corner Table"} <= set(phrase_list())


@pytest.mark.parametrize(
    ("text", "shift"),
    [
        ("make it an hour later", Shift(minutes=60)),
        ("half an hour earlier please", Shift(minutes=-30)),
        ("twenty minutes later", Shift(minutes=20)),
        ("add one more person", Shift(people=1)),
        ("two people less", Shift(people=-2)),
        ("in two hours", Shift(from_now_minutes=120)),
        ("an hour from now", Shift(from_now_minutes=60)),
        ("a quarter of an hour later", Shift(minutes=15)),
        ("later", Shift()),
        ("in three days", Shift()),
        ("one person", Shift()),
    ],
)
def test_what_is_said_in_relation(text: str, shift: Shift) -> None:
    understood = understand(text, today=TODAY)
    assert understood.shift == shift
    if shift:
        assert not understood.details
        assert "hours" not in understood.topics


@pytest.mark.parametrize(
    ("text", "impossible"),
    [
        ("february thirtieth", True),
        ("the thirty first of june", True),
        ("february twenty ninth", False),
        ("december 31st", False),
        ("may i come", False),
    ],
)
def test_days_that_no_calendar_has(text: str, impossible: bool) -> None:
    assert understand(text, today=TODAY).is_impossible_day is impossible
