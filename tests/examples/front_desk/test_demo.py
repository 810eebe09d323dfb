"""Calls to the demo agent, turn by turn."""

import datetime as dt
import inspect
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.front_desk import FrontDesk, phrases, reply
from tests.frameworks.caller import NOW, Caller
from voicelive_agent.agent import Turn
from voicelive_agent.server.speakable import speakable

MILLER = "a table for four tomorrow at half past seven under the name Miller"


@pytest.fixture
def caller() -> Caller:
    return Caller()


async def test_the_agent_is_an_async_generator_function() -> None:
    assert inspect.isasyncgenfunction(reply)
    deltas = [output async for output in reply(Turn("speech", "hello"))]
    assert isinstance(deltas[0], str)


class TestInformation:
    async def test_weather_comes_in_clauses_with_a_card_in_their_middle(
        self, caller: Caller
    ) -> None:
        said = await caller.say("what is the weather in seattle")

        assert said == "The weather in Seattle is 52°F and partly cloudy."
        assert caller.deltas == ["The weather ", "in Seattle ", "is 52°F ", "and partly cloudy."]
        assert [isinstance(output, str) for output in caller.outputs].index(False) == 2
        assert caller.events[0]["type"] == "ui.card"

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ("what's the whether in sea at all", "in Seattle is 52°F"),
            ("how's the weather", "in Seattle is 52°F"),
            ("is it raining in portland today", "in Portland is 55°F"),
            ("weather for san fran please", "in San Francisco"),
            ("what is the weather in tacoma", "I don't know the weather in Tacoma"),
            ("are you open on monday", "On Monday we are closed"),
            ("are you open today", "Today we are open from 5 pm to 10 pm"),
            ("what time do you close", "to 10 pm"),
            ("are you open at seven on saturday", "On Saturday we are open"),
            ("where are you", "Pine Street"),
            ("where can i park my car", "garage"),
            ("do you have anything vegan", "vegan"),
            ("what's on the menu tonight", "tomato soup"),
            ("how expensive is it", "dollars"),
            ("how much is the salmon", "29 dollars"),
            ("do you take credit cards", "cards"),
            ("do you have a terrace", "terrace"),
            ("do you deliver", "pick up"),
            ("i'm running late", "fifteen minutes"),
            ("is there wifi", "wifi"),
            ("what time is it", "It's 3 pm on Wednesday"),
            ("what's the latest i can come", "10 pm"),
            ("are you open now", "Today we are open"),
            ("what's the weather tomorrow", "only know today's weather"),
            ("sprechen sie deutsch", "only speak English"),
            ("hold on a second", "take your time"),
            ("are you a robot", "computer"),
            ("can i talk to a real person", "only one at this desk"),
            ("what can you do", "You can say"),
            ("how are you", "fine"),
        ],
    )
    async def test_answers(self, caller: Caller, asked: str, expected: str) -> None:
        assert expected in await caller.say(asked)

    async def test_a_question_can_go_on_from_the_one_before(self, caller: Caller) -> None:
        await caller.say("what is the weather in seattle")
        assert "in Portland is" in await caller.say("and in portland")
        assert "don't know the weather in Tacoma" in await caller.say("what about tacoma")
        await caller.say("are you open on friday")
        assert "On Monday we are closed" in await caller.say("and on monday")

    async def test_an_answer_leads_back_to_the_open_question(self, caller: Caller) -> None:
        await caller.say("a table for two tomorrow")
        said = await caller.say("what is the weather in seattle")
        assert "partly cloudy. At what time?" in said
        assert "At 7 pm. Under what name?" in await caller.say("at seven")


class TestBooking:
    async def test_one_question_at_a_time(self, caller: Caller) -> None:
        assert "The Corner Table" in await caller.greet()
        assert (await caller.say("i'd like to book a table")).endswith("For how many people?")
        assert (await caller.say("uh for four")).endswith("For which day?")
        assert (await caller.say("tomorrow")).endswith("At what time?")
        assert (await caller.say("half past seven")).endswith("Under what name?")
        said = await caller.say("miller")
        assert said == (
            "So that's a table for four, tomorrow, Thursday, November 19th, at 7:30 pm, "
            "under the name Miller. Is that right?"
        )
        assert not caller.state["call"].get("bookings")
        said = await caller.say("yes please")
        assert "confirmation code is" in said
        assert len(caller.bookings) == 1
        assert caller.bookings[0]["time"] == "19:30:00"

    async def test_everything_in_one_sentence(self, caller: Caller) -> None:
        assert (await caller.say(MILLER)).endswith("Is that right?")
        assert "ui.card" in [event["type"] for event in caller.events]

    @pytest.mark.parametrize(
        ("correction", "expected"),
        [
            ("no, seven o'clock", "at 7 pm"),
            ("no seven", "at 7 pm"),
            ("make it six people", "a table for six"),
            ("make it eight", "at 8 pm"),
            ("actually saturday", "on Saturday, November 21st"),
            ("not tomorrow, friday", "on Friday, November 20th"),
            ("no for five people at eight", "for five, tomorrow, Thursday, November 19th, at 8 pm"),
            ("the name is Jones", "under the name Jones"),
            ("can we come on saturday instead", "on Saturday, November 21st"),
        ],
    )
    async def test_what_was_read_back_can_be_corrected(
        self, caller: Caller, correction: str, expected: str
    ) -> None:
        await caller.say(MILLER)
        said = await caller.say(correction)
        assert expected in said
        assert said.endswith("Is that right?")
        await caller.say("that's right")
        assert len(caller.bookings) == 1

    async def test_a_no_asks_what_to_change(self, caller: Caller) -> None:
        await caller.say(MILLER)
        assert "What shall I change" in await caller.say("no that's not right")
        assert (await caller.say("the number of people")).endswith("For how many people?")
        assert "a table for two" in await caller.say("two")

    @pytest.mark.parametrize(
        ("complaint", "question"),
        [
            ("that's the wrong day", "For which day?"),
            ("no the time is wrong", "At what time?"),
            ("a different time please", "At what time?"),
            ("can i change the name", "Under what name?"),
        ],
    )
    async def test_a_complaint_asks_for_what_it_is_about(
        self, caller: Caller, complaint: str, question: str
    ) -> None:
        await caller.say(MILLER)
        assert await caller.say(complaint) == question

    async def test_a_yes_with_a_correction_is_a_correction(self, caller: Caller) -> None:
        await caller.say(MILLER)
        assert "at 8 pm" in await caller.say("yes but make it eight")
        assert not caller.bookings

    async def test_times_are_told(self, caller: Caller) -> None:
        said = await caller.say("what times do you have on friday")
        assert "on Friday, November 20th, for example, at 6 pm" in said
        assert said.endswith("For how many people?")
        await caller.say("two")
        assert "Under what name" in await caller.press("7 pm")

    @pytest.mark.parametrize(
        "repetition",
        ["yes", "yes yes", "can you repeat that", "say that again please", "what did i book"],
    )
    async def test_a_confirmation_is_repeated_without_booking_twice(
        self, caller: Caller, repetition: str
    ) -> None:
        await caller.say(MILLER)
        await caller.say("yes")
        code = " ".join(caller.bookings[0]["code"])
        assert code in await caller.say(repetition)
        assert code in await caller.say(repetition)
        assert len(caller.bookings) == 1

    async def test_the_same_table_is_not_booked_twice(self, caller: Caller) -> None:
        for _ in range(2):
            await caller.say(MILLER)
            await caller.say("yes")
        assert len(caller.bookings) == 1

    async def test_the_code_is_the_same_for_the_same_call(self) -> None:
        codes = []
        for _ in range(2):
            caller = Caller()
            await caller.say(MILLER)
            await caller.say("yes")
            codes.append(caller.bookings[0]["code"])
        assert codes[0] == codes[1]

    @pytest.mark.parametrize(
        ("asked", "reason", "accepted"),
        [
            ("table for two on monday at seven", "closed on Mondays", "Tuesday, November 24th"),
            ("table for twenty tomorrow", "for eight", "A table for eight"),
            ("table for two tomorrow at eleven pm", "from 5 pm to 9 pm", "At 9 pm"),
            ("table for two saturday at ten in the morning", "from noon to 2 pm", "At noon"),
            ("table for two today at two", "already passed", "At 5 pm"),
        ],
    )
    async def test_what_cannot_be_is_answered_with_an_alternative(
        self, caller: Caller, asked: str, reason: str, accepted: str
    ) -> None:
        said = await caller.say(asked)
        assert reason in said
        assert said.endswith("?")
        assert accepted in await caller.say("yes")

    async def test_an_alternative_can_be_declined(self, caller: Caller) -> None:
        await caller.say("table for two on monday")
        assert (await caller.say("no thanks")).endswith("For which day?")
        assert "Sunday" in await caller.say("sunday")

    @pytest.mark.parametrize("day", ["yesterday", "2026-01-01", "last friday"])
    async def test_a_past_day_is_refused(self, caller: Caller, day: str) -> None:
        said = await caller.say(f"table for two {day}")
        assert "already passed" in said
        assert said.endswith("For which day?")

    async def test_a_day_too_far_ahead_is_refused(self, caller: Caller) -> None:
        assert "90 days" in await caller.say("table for two on the fifth of july")

    async def test_late_in_the_evening_another_day_is_offered(self) -> None:
        caller = Caller(NOW.replace(hour=21, minute=30))
        assert "too late" in await caller.say("a table for two tonight")
        assert "Thursday, November 19th" in await caller.say("okay")

    async def test_what_was_read_back_may_have_passed_when_it_is_confirmed(self) -> None:
        caller = Caller(NOW.replace(hour=18, minute=59))
        await caller.say("a table for two tonight at seven under Smith")
        caller.now = NOW.replace(hour=19, minute=1)
        assert "already passed" in await caller.say("yes")
        assert not caller.bookings

    async def test_no_more_tables_than_one_call_may_book(self, caller: Caller) -> None:
        for hour in ("five", "six", "seven"):
            await caller.say(f"another table for two tomorrow at {hour} o'clock under Smith")
            await caller.say("yes")
        assert len(caller.bookings) == 3
        assert "as many tables" in await caller.say("another table for two on friday at nine pm")


class TestExistingBooking:
    @pytest.fixture
    async def booked(self, caller: Caller) -> Caller:
        await caller.say(MILLER)
        await caller.say("yes")
        return caller

    @pytest.mark.parametrize(
        "asked",
        ["can you repeat my booking", "what was my code again", "am i all set", "when am i coming"],
    )
    async def test_it_is_told_after_other_talk(self, booked: Caller, asked: str) -> None:
        """Under load, callers who asked for their booking heard the weather once more."""
        await booked.say("what is the weather in seattle")

        assert "under the name Miller. Your confirmation code is" in await booked.say(asked)

    async def test_who_has_none_is_told_so(self, caller: Caller) -> None:
        assert "no table with us yet" in await caller.say("what is my confirmation code")

    async def test_it_is_cancelled_after_a_question(self, booked: Caller) -> None:
        assert (await booked.say("cancel my reservation")).startswith("Shall I cancel your table")
        assert len(booked.bookings) == 1
        assert "is cancelled" in await booked.say("yes")
        assert not booked.bookings
        assert "already cancelled" in await booked.say("cancel my booking")

    @pytest.mark.parametrize("answer", ["no", "no keep it", "don't cancel it", "never mind"])
    async def test_it_is_kept_where_the_caller_thinks_again(
        self, booked: Caller, answer: str
    ) -> None:
        await booked.say("cancel my reservation")
        await booked.say(answer)
        assert len(booked.bookings) == 1

    @pytest.mark.parametrize(
        ("wish", "expected"),
        [
            ("no, eight o'clock", "at 8 pm"),
            ("actually make it six people", "a table for six"),
            ("can you move my booking to saturday", "on Saturday, November 21st"),
            ("change my booking to nine pm", "at 9 pm"),
        ],
    )
    async def test_it_is_changed_and_keeps_its_code(
        self, booked: Caller, wish: str, expected: str
    ) -> None:
        code = booked.bookings[0]["code"]
        said = await booked.say(wish)
        assert expected in said
        assert said.startswith("I would change it")
        assert "I've changed it" in await booked.say("yes")
        assert [booking["code"] for booking in booked.bookings] == [code]

    async def test_a_change_can_be_asked_for_step_by_step(self, booked: Caller) -> None:
        assert "What shall I change" in await booked.say("i want to change my booking")
        assert (await booked.say("the time")).endswith("At what time?")
        assert "at 6 pm" in await booked.say("six")

    async def test_a_change_that_is_given_up_leaves_it_as_it_was(self, booked: Caller) -> None:
        before = booked.bookings
        await booked.say("change my booking to nine pm")
        assert "stays as it was" in await booked.say("never mind")
        assert booked.bookings == before

    async def test_one_of_several_is_picked(self, booked: Caller) -> None:
        await booked.say("book another table for two on sunday at noon under Jones")
        await booked.say("yes")
        said = await booked.say("cancel my booking")
        assert said.startswith("Which table shall I cancel")
        assert len(booked.buttons) == 2
        assert "Shall I cancel your table for two" in await booked.say("the second one")
        await booked.say("yes")
        assert [booking["name"] for booking in booked.bookings] == ["Miller"]

    async def test_one_of_several_is_named_by_its_day(self, booked: Caller) -> None:
        await booked.say("book another table for two on sunday at noon under Jones")
        await booked.say("yes")
        await booked.say("cancel my booking")
        assert "for two" in await booked.say("the one on sunday")

    async def test_without_one_there_is_nothing_to_cancel(self, caller: Caller) -> None:
        assert "haven't booked" in await caller.say("cancel my booking")
        assert (await caller.say("yes")).endswith("For how many people?")


class TestClicks:
    async def test_a_table_can_be_booked_by_clicks_and_words(self, caller: Caller) -> None:
        await caller.greet()
        await caller.press("Book a table")
        await caller.say("two people tomorrow")
        assert "At 7:30 pm. Under what name?" in await caller.press("7:30 pm")
        await caller.say("smith")
        confirm = caller.buttons["Confirm"]
        code = " ".join((await caller.press("Confirm")).split("code is ")[1][:7].split())
        assert code in await caller.click(confirm)
        assert len(caller.bookings) == 1
        assert (await caller.press("Cancel")).startswith("Shall I cancel")
        cancel = caller.buttons["Cancel it"]
        await caller.press("Cancel it")
        assert "already cancelled" in await caller.click(cancel)
        assert "no longer open" in await caller.click(confirm)

    async def test_text_that_a_client_sends_is_heard_as_said(self, caller: Caller) -> None:
        said = await caller.click({"type": "ui.choice", "text": "opening hours"})
        assert said.startswith("We are open for dinner")

    async def test_an_old_button_does_not_book(self, caller: Caller) -> None:
        await caller.say(MILLER)
        old = caller.buttons["Confirm"]
        await caller.press("Forget it")
        await caller.say("a table for two on friday at six under Jones")
        assert "no longer open" in await caller.click(old)
        assert not caller.bookings
        await caller.press("Confirm")
        assert len(caller.bookings) == 1

    async def test_a_button_of_a_draft_that_went_on_confirms_nothing(self, caller: Caller) -> None:
        await caller.say(MILLER)
        confirm = caller.buttons["Confirm"]
        await caller.say("what about monday")
        await caller.click(confirm)
        assert not caller.bookings

    @pytest.mark.parametrize(
        "action",
        [
            {},
            {"action": None},
            {"action": ["confirm"]},
            {"action": "fly"},
            {"action": "ask", "topic": "secrets"},
            {"action": "confirm"},
            {"action": "confirm", "draft": {"id": 1}},
            {"action": "choose_time", "draft": 1, "time": "25:99"},
            {"action": "choose_time", "draft": 1, "time": None},
            {"action": "cancel_booking", "code": []},
            {"action": "confirm_cancel"},
            {"type": "button_click", "action": {"action": "confirm"}},
        ],
    )
    async def test_a_malformed_click_is_answered_kindly(
        self, caller: Caller, action: dict[str, Any]
    ) -> None:
        await caller.say("a table for two tomorrow")
        said = await caller.click(action)
        assert said.endswith("At what time?")
        assert not caller.bookings


class TestInterruptions:
    async def test_a_yes_to_unheard_details_repeats_them(self, caller: Caller) -> None:
        await caller.say(MILLER)
        caller.interrupt("So that's a table for four, tomorrow,")
        said = await caller.say("yes")
        assert "at 7:30 pm" in said
        assert said.endswith("Is that right?")
        assert not caller.bookings
        await caller.say("yes")
        assert len(caller.bookings) == 1

    async def test_a_yes_after_the_details_books(self, caller: Caller) -> None:
        said = await caller.say(MILLER)
        caller.interrupt(said.removesuffix(" Is that right?"))
        await caller.say("yes")
        assert len(caller.bookings) == 1

    async def test_who_interrupts_the_repetition_too_is_taken_at_their_word(
        self, caller: Caller
    ) -> None:
        await caller.say(MILLER)
        caller.interrupt("So")
        await caller.say("yes")
        caller.interrupt("Let me")
        await caller.say("yes")
        assert len(caller.bookings) == 1

    async def test_a_correction_needs_no_repetition(self, caller: Caller) -> None:
        await caller.say(MILLER)
        caller.interrupt("So that's a table for four,")
        said = await caller.say("no for five")
        assert said.startswith("So that's a table for five")

    @pytest.mark.parametrize("answer", ["thanks", "okay", "what", "hmm yes", "great thank you"])
    async def test_an_unheard_code_is_repeated(self, caller: Caller, answer: str) -> None:
        await caller.say(MILLER)
        await caller.say("yes")
        caller.interrupt("It's done: you have a table")
        said = await caller.say(answer)
        assert " ".join(caller.bookings[0]["code"]) in said
        assert len(caller.bookings) == 1

    async def test_an_unheard_code_is_told_before_goodbye(self, caller: Caller) -> None:
        await caller.say(MILLER)
        await caller.say("yes")
        caller.interrupt("It's done:")
        said = await caller.say("okay bye")
        assert " ".join(caller.bookings[0]["code"]) in said
        assert caller.is_over


class TestManners:
    @pytest.mark.parametrize("goodbye", ["goodbye", "thank you bye bye", "no that's all thanks"])
    async def test_a_goodbye_ends_the_call(self, caller: Caller, goodbye: str) -> None:
        said = await caller.say(goodbye)
        assert said.endswith("Goodbye.")
        assert caller.is_over

    async def test_an_unfinished_booking_is_mentioned_at_the_end(self, caller: Caller) -> None:
        await caller.say("a table for two")
        assert "haven't booked" in await caller.say("goodbye")

    @pytest.mark.parametrize("noise", ["", "   ", "um", "...", "?!", "\x00", "🙂"])
    async def test_silence_is_met_with_the_open_question(self, caller: Caller, noise: str) -> None:
        await caller.say("a table for two")
        said = await caller.say(noise)
        assert said == "Sorry, I didn't hear you. For which day?"

    async def test_who_is_not_understood_twice_gets_examples(self, caller: Caller) -> None:
        assert "What can I do" in await caller.say("blah")

    async def test_who_comes_back_is_asked_the_open_question(self, caller: Caller) -> None:
        await caller.say("a table for two")
        assert await caller.greet() == "Hello again. For which day?"

    async def test_yesterday_is_not_a_yes(self, caller: Caller) -> None:
        await caller.say(MILLER)
        await caller.say("yesterday")
        assert not caller.bookings

    async def test_a_broken_state_starts_a_new_call(self) -> None:
        turn = Turn("speech", "a table for two", state={"call": {"drafts": "many", "draft": []}})
        assert [output async for output in FrontDesk(lambda: NOW).reply(turn)]

    async def test_state_of_another_agent_is_left_alone(self, caller: Caller) -> None:
        caller.state = {"other": 1}
        await caller.say("a table for two")
        assert caller.state["other"] == 1


PIECES = """
yes no monday tomorrow tonight at seven half past eight quarter to for four two people table book
cancel change name miller under the of december twenty fifth 25th 12/25 2026-12-25 7:30 13/13 99 0
10000 a week from in next last weather hours repeat bye not instead 730 am pm noon and kids million
second one first number
"""
ACTIONS = """
ask book choose_time accept decline change confirm discard change_booking cancel_booking
confirm_cancel keep_booking repeat end_call other
"""
pieces = st.sampled_from(PIECES.split())
utterances = st.one_of(
    st.lists(pieces, max_size=10).map(" ".join), st.sampled_from(phrases()), st.text(max_size=60)
)
actions = st.fixed_dictionaries(
    {"action": st.sampled_from(ACTIONS.split())},
    optional={
        "draft": st.integers(0, 4),
        "time": st.sampled_from(["19:00", "03:00", "x"]),
        "topic": st.sampled_from(["hours", "weather", "x"]),
        "code": st.text(max_size=4),
    },
)
shown = st.integers(0, 10)
"""Which of the buttons on the screen is pressed, if there are so many."""


@settings(max_examples=150)
@given(
    st.lists(st.one_of(utterances, actions, shown, st.booleans()), max_size=12),
    st.integers(0, 3 * 365 * 24).map(lambda hours: NOW + dt.timedelta(hours=hours)),
)
async def test_any_call_is_answered_and_books_nothing_twice(
    moves: list[str | dict[str, Any] | int | bool], now: dt.datetime
) -> None:
    caller = Caller(now)
    await caller.greet()
    for move in moves:
        if isinstance(move, bool):
            caller.interrupt("")
            continue
        if isinstance(move, int):
            pressed = list(caller.buttons.values())[move : move + 1]
            said = await caller.click(pressed[0]) if pressed else await caller.say("yes")
        elif isinstance(move, str):
            said = await caller.say(move)
        else:
            said = await caller.click(move)
        assert said.strip()
        assert said == said.strip() == speakable(said)
        drafts = [booking["draft"] for booking in caller.bookings]
        codes = [booking["code"] for booking in caller.bookings]
        assert len(set(drafts)) == len(drafts) <= 3
        assert len(set(codes)) == len(codes)
        assert len(json.dumps(caller.state)) < 4000
        assert len(json.dumps(caller.history[-1].notes)) < 400


class TestCorrections:
    """Calls by somebody who had not seen the code; each of these went wrong."""

    async def test_a_name_is_corrected_where_the_table_is_read_back(self, caller: Caller) -> None:
        await caller.say(MILLER)
        assert "under the name Mueller" in await caller.say("no it's mueller with a u")
        await caller.say("yes")
        assert caller.bookings[0]["name"] == "Mueller"

    async def test_no_to_the_next_question_is_about_the_details_before_it(
        self, caller: Caller
    ) -> None:
        await caller.say("two people tomorrow at seven")
        assert "What shall I change" in await caller.say("no")
        assert "8 pm" in await caller.say("eight")

    async def test_no_thanks_books_nothing(self, caller: Caller) -> None:
        await caller.say("book a table")
        assert "haven't booked" in await caller.say("no thanks")

    async def test_an_hour_later_and_one_more(self, caller: Caller) -> None:
        await caller.say(MILLER)
        assert "at 8:30 pm" in await caller.say("make it an hour later")
        assert "a table for five" in await caller.say("and one more person")
        await caller.say("yes")
        assert "I would change it to a table for four" in await caller.say("one person less")
        said = await caller.say("yes")
        assert said.startswith("I've changed it: you have a table for four")
        assert len(caller.bookings) == 1

    async def test_in_half_an_hour_is_a_day_and_a_time(self, caller: Caller) -> None:
        said = await caller.say("a table for two in three hours")
        assert "today, Wednesday, November 18th, at 6 pm" in said

    async def test_another_time_is_no_number_of_guests(self, caller: Caller) -> None:
        assert "Would 5 pm suit you" in await caller.say("a table for two tomorrow at midnight")
        assert "Would 9 pm suit you" in await caller.say("ten")

    async def test_a_day_that_does_not_exist_is_said_so(self, caller: Caller) -> None:
        said = await caller.say("a table for two on february thirtieth at seven")
        assert said.startswith("The calendar has no such day.")
        assert said.endswith("For which day?")

    async def test_the_weather_of_tomorrow_is_no_booking(self, caller: Caller) -> None:
        await caller.say("what's the weather like")
        assert "only know today's weather" in await caller.say("and tomorrow")
        assert not caller.state["call"].get("draft")

    async def test_the_same_table_twice_is_one(self, caller: Caller) -> None:
        for _ in range(2):
            await caller.say(MILLER)
            said = await caller.say("yes")
        assert said.startswith("That is booked already")
        assert len(caller.bookings) == 1

    async def test_a_second_table_under_the_same_name(self, caller: Caller) -> None:
        await caller.say(MILLER)
        await caller.say("yes")
        await caller.say("another table on friday at six for two")
        assert "under the name Miller" in await caller.say("same name")

    async def test_what_is_repeated_is_not_the_apology(self, caller: Caller) -> None:
        await caller.say("a table for two tomorrow at seven")
        await caller.say("bread and butter and jam and cheese and wine")
        said = await caller.say("pardon")
        assert "Sorry" not in said
        assert "Under what name" in said
