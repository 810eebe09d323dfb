"""What must hold for the agents of every framework, against a real model server.

A test module for a framework subclasses ``FrameworkContract`` and says how to make its agent.
"""

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.frameworks.asking import Interrupted, collect, end, say, speech
from tests.frameworks.contract_tools import Weather, get_time, hang_up
from tests.frameworks.openai_server import (
    Break,
    Call,
    Frames,
    OpenAIServer,
    Pause,
    Received,
    Refuse,
)
from tests.server.engine.engine_room import EngineRoom
from voicelive_agent.agent import INTERRUPTION_NOTE, ClientEvent, EndCall, PastTurn, Turn
from voicelive_agent.diagnostics import find_waiting
from voicelive_agent.frameworks import LoadedAgent, adapt
from voicelive_agent.frameworks.model_stops import find_stop


async def read_stop(agent: LoadedAgent, server: OpenAIServer, finish: str) -> str | None:
    """Why the model stopped, as the agent tells it, where its answer ends for that reason."""
    server.answer(Frames({"role": "assistant", "content": "From nine to"}, finish=finish))
    spoken = ""
    try:
        async for output in agent.reply(speech("hours?")):
            spoken += str(output)
    except Exception as error:
        return find_stop(error)
    finally:
        assert spoken == "From nine to"
    return None


class FrameworkContract:
    """``make`` gives the framework's own agent object, with instructions and these tools."""

    def make(self, server: OpenAIServer, *tools: Callable[..., Any]) -> Any:
        raise NotImplementedError

    def read(self, request: Received) -> list[str]:
        """What the model was told."""
        return request.transcript()

    @pytest.fixture
    async def server(self) -> AsyncIterator[OpenAIServer]:
        async with OpenAIServer() as server:
            yield server

    @pytest.fixture
    def weather(self) -> Weather:
        return Weather()

    @pytest.fixture
    async def agent(self, server: OpenAIServer, weather: Weather) -> AsyncIterator[LoadedAgent]:
        agent = adapt(self.make(server, weather.get_weather, get_time, hang_up))
        await agent.start()
        yield agent
        await agent.stop()

    async def test_streams_from_the_first_token(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        pause = Pause()
        server.answer("Hello", " there,", pause, " caller.")
        replies = agent.reply(speech("hi"))
        first = [await anext(replies), await anext(replies)]
        assert "".join(map(str, first)) == "Hello there,"
        pause.resume()
        assert await collect(replies) == [" caller."]

    async def test_gives_the_model_its_instructions_and_tools(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        await say(agent, speech("hi"))
        [request] = server.requests
        assert request.tools == {"get_weather", "get_time", "hang_up"}
        assert "Be a test." in json.dumps(request.body)

    async def test_calls_a_tool_which_shows_at_once(
        self, agent: LoadedAgent, server: OpenAIServer, weather: Weather
    ) -> None:
        weather.released.clear()
        server.answer("Let me look.", Call("get_weather", city="Oslo"))
        server.answer("Rain", " in Oslo.")
        replies = agent.reply(speech("weather?"))
        assert await anext(replies) == "Let me look."
        # The tool has not returned yet.
        card = await anext(replies)
        assert card == ClientEvent("ui.card", title="Oslo", turn="weather?")
        weather.released.set()
        assert await collect(replies) == [" Rain", " in Oslo."]
        assert self.read(server.requests[1])[-2:] == [
            "call get_weather(city=Oslo)",
            "result rain in Oslo",
        ]

    async def test_a_tool_in_a_thread_shows_too(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        server.answer(Call("get_time", city="Oslo"))
        server.answer("Noon.")
        outputs = await collect(agent.reply(speech("time?")))
        assert outputs == [ClientEvent("ui.clock", title="Oslo"), "Noon."]

    async def test_a_tool_that_is_waited_for_is_found(
        self, agent: LoadedAgent, server: OpenAIServer, weather: Weather
    ) -> None:
        """A tool runs in a task of its own, so a missed deadline named no line of the author's."""
        weather.released.clear()
        server.answer(Call("get_weather", city="Oslo"))
        replies = agent.reply(speech("weather?"))
        assert isinstance(await anext(replies), ClientEvent)
        waiting = asyncio.create_task(collect(replies))
        await asyncio.sleep(0.01)
        place = find_waiting(replies)
        assert place is not None
        assert (place.function, place.source) == ("get_weather", "await self.released.wait()")
        weather.released.set()
        await waiting

    async def test_a_tool_in_a_thread_is_found(self, server: OpenAIServer) -> None:
        released, called = threading.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def look_up(city: str) -> str:
            """Look something up."""
            loop.call_soon_threadsafe(called.set)
            released.wait(20)
            return "found"

        agent = adapt(self.make(server, look_up))
        server.answer(Call("look_up", city="Oslo"))
        replies = agent.reply(speech("look"))
        waiting = asyncio.create_task(collect(replies))
        await asyncio.wait_for(called.wait(), 20)
        place = find_waiting(replies)
        released.set()
        assert place is not None
        assert place.function == "look_up"
        await waiting

    @pytest.mark.parametrize("is_async", [False, True])
    async def test_a_tool_that_exits_fails_its_turn_only(
        self, server: OpenAIServer, is_async: bool
    ) -> None:
        """In a task of the framework's own, ``sys.exit`` ended the event loop with all calls."""

        def leave(city: str) -> str:
            """Leave."""
            sys.exit(3)

        async def leave_later(city: str) -> str:
            """Leave."""
            await asyncio.sleep(0)
            sys.exit(3)

        tool: Callable[[str], Any] = leave_later if is_async else leave
        agent = adapt(self.make(server, tool))
        server.answer(Call(tool.__name__, city="Oslo"))
        async with EngineRoom(agent.reply) as room:
            heard = await room.say()
            assert heard.error_code == "agent_failed"
            server.answer("Still here.")
            assert (await room.say()).text == "Still here."

    async def test_a_tool_ends_the_call_after_the_last_word(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        server.answer(Call("hang_up"))
        server.answer("Goodbye.")
        assert await collect(agent.reply(speech("bye"))) == ["Goodbye.", EndCall("goodbye")]

    async def test_the_next_turn_sees_words_and_tools_of_the_last(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        server.answer("Let me look.", Call("get_weather", city="Oslo"))
        server.answer("Rain in Oslo.")
        server.answer("Yes, take one.")
        server.answer("Bye.")
        first = speech("weather in oslo?")
        past = end(first, await say(agent, first))
        second = speech("umbrella?", past)
        after = end(second, await say(agent, second))
        await say(agent, speech("thanks", past, after))
        assert self.read(server.requests[3]) == [
            "user: weather in oslo?",
            "assistant: Let me look.",
            "call get_weather(city=Oslo)",
            "result rain in Oslo",
            "assistant: Rain in Oslo.",
            "user: umbrella?",
            "assistant: Yes, take one.",
            "user: thanks",
        ]
        assert "Be a test." in json.dumps(server.requests[3].body)

    async def test_turns_that_another_agent_answered_are_seen_as_text(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        past = PastTurn("speech", "hello", None, "Hi, I am the old agent.", False, {})
        await say(agent, speech("who are you?", past))
        assert self.read(server.requests[0]) == [
            "user: hello",
            "assistant: Hi, I am the old agent.",
            "user: who are you?",
        ]
        assert "Be a test." in json.dumps(server.requests[0].body)

    async def test_actions_and_greetings_are_described(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        greeting = Turn("greeting", session_id="s1", user_id="u1")
        past = end(greeting, await say(agent, greeting))
        click = {"type": "click"}
        action = Turn("action", action=click, history=(past,), session_id="s1", user_id="u1")
        await say(agent, action)
        [_, request] = server.requests
        greet, answer, act = request.transcript()
        assert "connected" in greet
        assert answer == "assistant: I have nothing to say."
        assert '{"type": "click"}' in act

    async def test_cancelling_closes_the_models_stream(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        server.answer("One,", " two,", Pause(), " three.")
        before = asyncio.all_tasks()
        turn = Interrupted(agent, speech("count"))
        await turn.wait_for("One,", " two,")
        await turn.cancel()
        await asyncio.wait_for(server.requests[0].disconnected.wait(), 20)
        own = {task for task in asyncio.all_tasks() - before if "uvicorn" not in repr(task)}
        assert {task for task in own if "agents" in repr(task)} == set()

    async def test_cancelling_before_the_first_token_closes_it_too(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        pause = Pause()
        server.answer(pause, "never")
        turn = Interrupted(agent, speech("count"))
        await pause.reached.wait()
        await turn.cancel()
        await asyncio.wait_for(server.requests[0].disconnected.wait(), 20)

    async def test_closing_the_generator_closes_the_models_stream(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        server.answer("One,", Pause(), " two.")
        replies = agent.reply(speech("count"))
        assert await anext(replies) == "One,"
        await replies.aclose()  # type: ignore[attr-defined]
        await asyncio.wait_for(server.requests[0].disconnected.wait(), 20)

    async def test_an_interrupted_answer_is_cut_to_what_was_heard(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        server.answer("One, two,", " three, four,", Pause(), " five.")
        turn = Interrupted(agent, speech("count"))
        await turn.wait_for("One, two,", " three, four,")
        past = await turn.cancel()
        heard = PastTurn("speech", "count", None, "One, two", True, past.notes)
        await say(agent, speech("stop", heard))
        assert self.read(server.requests[1]) == [
            "user: count",
            "assistant: One, two",
            "user: stop",
        ]

    async def test_an_answer_talked_over_after_its_end_is_cut_too(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        server.answer("Let me look.", Call("get_weather", city="Oslo"))
        server.answer("It is raining in Oslo today.")
        first = speech("weather?")
        await say(agent, first)
        past = end(first, "Let me look. It is rai", interrupted=True)
        await say(agent, speech("stop", past))
        assert self.read(server.requests[2]) == [
            "user: weather?",
            "assistant: Let me look.",
            "call get_weather(city=Oslo)",
            "result rain in Oslo",
            "assistant: It is rai",
            "user: stop",
        ]

    async def test_where_an_interruption_is_estimated_the_whole_answer_is_marked(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        """It was cut there, so an agent forgot what it had said to whoever only reads."""
        server.answer("Let me look.", Call("get_weather", city="Oslo"))
        server.answer("It is **raining** in Oslo today.")
        first = speech("weather?")
        await say(agent, first)
        past = replace(
            end(first, "Let me look. It is raining in Oslo today.", interrupted=True),
            heard="Let me look. It is raining",
        )
        second = speech("stop", past)
        after = end(second, await say(agent, second))
        told = [
            "user: weather?",
            "assistant: Let me look.",
            "call get_weather(city=Oslo)",
            "result rain in Oslo",
            f"assistant: It is **raining** {INTERRUPTION_NOTE} in Oslo today.",
            "user: stop",
        ]
        assert self.read(server.requests[2]) == told
        await say(agent, speech("go on", past, after))
        assert self.read(server.requests[3]) == [
            *told,
            "assistant: I have nothing to say.",
            "user: go on",
        ]

    async def test_a_cut_answer_is_marked_in_what_was_delivered_of_it(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        server.answer("One, two,", " three, four,", Pause(), " five.")
        turn = Interrupted(agent, speech("count"))
        await turn.wait_for("One, two,", " three, four,")
        past = replace(await turn.cancel(), heard="One, two,", cut=True)
        await say(agent, speech("stop", past))
        assert self.read(server.requests[1]) == [
            "user: count",
            f"assistant: One, two, {INTERRUPTION_NOTE} three, four,",
            "user: stop",
        ]

    async def test_an_answer_that_was_known_to_be_cut_after_its_end_is_cut(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        """As over the Bridge: the text was there, and then the wire told what was heard of it."""
        server.answer("One, two, three, four.")
        first = speech("count")
        await say(agent, first)
        past = replace(
            end(first, "One, two", interrupted=True),
            heard="One, two",
            heard_is_known=True,
            cut=True,
        )
        await say(agent, speech("stop", past))
        assert self.read(server.requests[1]) == [
            "user: count",
            "assistant: One, two",
            "user: stop",
        ]

    async def test_a_tool_that_ran_is_remembered_though_nothing_was_heard(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        server.answer(Call("get_weather", city="Oslo"))
        pause = Pause()
        server.answer(pause, "It is raining.")
        turn = Interrupted(agent, speech("weather?"))
        await pause.reached.wait()
        past = await turn.cancel()
        await say(agent, speech("and Rome?", past))
        assert self.read(server.requests[2]) == [
            "user: weather?",
            "call get_weather(city=Oslo)",
            "result rain in Oslo",
            "user: and Rome?",
        ]

    async def test_a_tool_that_was_cut_off_is_remembered_as_that(
        self, agent: LoadedAgent, server: OpenAIServer, weather: Weather
    ) -> None:
        weather.released.clear()
        server.answer("Let me look.", Call("get_weather", city="Oslo"))
        turn = Interrupted(agent, speech("weather?"))
        await weather.called.wait()
        past = await turn.cancel()
        await say(agent, speech("never mind", past))
        said, text, call, result, now = self.read(server.requests[1])
        assert (said, text) == ("user: weather?", "assistant: Let me look.")
        assert call == "call get_weather(city=Oslo)"
        assert result.startswith("result ")
        assert "interrupted" in result
        assert "rain" not in result
        assert now == "user: never mind"

    async def test_a_tool_in_a_thread_does_not_hold_up_a_barge_in(
        self, server: OpenAIServer
    ) -> None:
        started, released = threading.Event(), threading.Event()

        def ponder() -> str:
            """Ponder."""
            started.set()
            released.wait(60)
            return "done"

        agent = adapt(self.make(server, ponder))
        server.answer(Call("ponder"))
        turn = Interrupted(agent, speech("think"))
        await asyncio.to_thread(started.wait, 20)
        try:
            await turn.cancel()
        finally:
            released.set()
        await agent.stop()

    async def test_what_a_content_filter_refused_is_not_told_again(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        server.answer("Hello Ann.")
        first = speech("I am Ann")
        past = end(first, await say(agent, first))
        server.answer(Refuse(400, code="content_filter"))
        second = speech("dynamite", past)
        with pytest.raises(Exception) as raised:
            await say(agent, second)
        assert find_stop(raised.value) == "content_filtered"
        refused = replace(end(second, "I can't talk about that."), ending="content_filtered")
        server.answer("You are Ann.")
        third = speech("who am I?", past, refused)
        assert await say(agent, third) == "You are Ann."
        told = self.read(server.requests[2])
        assert told[:2] == ["user: I am Ann", "assistant: Hello Ann."]
        assert "content filter" in told[2]
        assert told[3:] == ["assistant: I can't talk about that.", "user: who am I?"]

    async def test_a_history_that_is_refused_is_left_out(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        """Else a caller whose history a filter refuses is refused for the rest of the call."""
        server.answer("It is called dynamite.")
        first = speech("which song?")
        past = end(first, await say(agent, first))
        refusal = Refuse(400, code="content_filter")
        server.answer(refusal)
        second = speech("who sings it?", past)
        with pytest.raises(Exception) as raised:
            await say(agent, second)
        assert find_stop(raised.value) == "content_filtered"
        refused = replace(end(second, "I can't talk about that."), ending="content_filtered")
        server.answer(refusal)
        server.answer("Here.")
        third = speech("hello?", past, refused)
        assert await say(agent, third) == "Here."
        assert self.read(server.requests[3]) == ["user: hello?"]
        await say(agent, speech("and now?", past, refused, end(third, "Here.")))
        assert self.read(server.requests[4]) == [
            "user: hello?",
            "assistant: Here.",
            "user: and now?",
        ]

    async def test_a_failure_in_mid_stream_is_raised(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        server.answer("One,", Break())
        replies = agent.reply(speech("count"))
        assert await anext(replies) == "One,"
        with pytest.raises(Exception) as raised:
            await collect(replies)
        assert not isinstance(raised.value, AssertionError | TimeoutError)

    async def test_conversations_side_by_side_are_apart(
        self, agent: LoadedAgent, server: OpenAIServer
    ) -> None:
        pause = Pause()
        server.answer("for ", pause, "Ann")
        one = asyncio.create_task(say(agent, Turn("speech", "I am Ann", session_id="a")))
        await server.wait_for_request(1)
        server.answer("for Bob")
        assert await say(agent, Turn("speech", "I am Bob", session_id="b")) == "for Bob"
        pause.resume()
        assert await one == "for Ann"
        assert "Ann" not in json.dumps(server.requests[1].body)
