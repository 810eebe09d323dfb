"""Calls to the demo agent, turn by turn: questions, clicks, interruptions, any moves."""

import datetime as dt
import inspect
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.front_desk import FrontDesk, phrases, reply
from tests.examples.front_desk.caller import MILLER, NOW, Caller
from voicelive_agent.agent import Turn
from voicelive_agent.server.speakable import speakable


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


@settings(max_examples=50)
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
