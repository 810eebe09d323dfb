"""The caller of the demo answers what the agent asks, so one misheard word doesn't end it."""

import datetime as dt

import pytest

from voicelive_agent.emulator.demo import reply_to

SATURDAY = dt.date(2026, 11, 21)


@pytest.mark.parametrize(
    "question",
    [
        "For how many people?",
        "For which day?",
        "At what time?",
        "Under what name?",
        "Is that right?",
        "Would Friday suit you?",
    ],
)
def test_each_question_about_a_booking_has_an_answer(question: str) -> None:
    assert reply_to(f"Sorry, I didn't understand that. {question}", SATURDAY) is not None


def test_the_day_is_not_one_on_which_the_restaurant_is_closed() -> None:
    reply = reply_to("For which day?", SATURDAY)
    assert reply is not None
    assert reply.text == "On Tuesday."


def test_nothing_is_said_where_nothing_is_asked() -> None:
    assert reply_to("It's done: you have a table for four.", SATURDAY) is None
