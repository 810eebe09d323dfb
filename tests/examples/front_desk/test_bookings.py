"""Tables booked, changed, cancelled and corrected at the demo agent, turn by turn."""

import pytest

from tests.examples.front_desk.caller import MILLER, NOW, Caller


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
