"""LangGraph's compiled graphs answer turns."""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import pytest
from langchain_core.messages import SystemMessage
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from pydantic import SecretStr

from tests.frameworks.asking import Interrupted, end, say, speech
from tests.frameworks.framework_contract import FrameworkContract, read_stop
from tests.frameworks.openai_server import Call, OpenAIServer, Pause
from voicelive_agent.agent import PastTurn, Turn
from voicelive_agent.frameworks import AgentLoadError, adapt


def make_model(server: OpenAIServer, **options: Any) -> ChatOpenAI:
    client = server.connect()
    return ChatOpenAI(
        model="test",
        root_async_client=client,
        async_client=client.chat.completions,
        api_key=SecretStr("key"),
        **options,
    )


def make_graph(model: Any, tools: Sequence[Callable[..., Any]]) -> StateGraph[Any, Any, Any, Any]:
    bound = model.bind_tools(tools) if tools else model

    async def think(state: MessagesState) -> dict[str, Any]:
        messages = [SystemMessage("Be a test."), *state["messages"]]
        return {"messages": [await bound.ainvoke(messages)]}

    graph = StateGraph(MessagesState)
    graph.add_node("think", think)
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", tools_condition)
    graph.add_edge("tools", "think")
    return graph


class TestLangGraph(FrameworkContract):
    def make(self, server: OpenAIServer, *tools: Callable[..., Any]) -> Any:
        return make_graph(make_model(server), tools).compile()


class TestLangGraphWithCheckpointer(FrameworkContract):
    def make(self, server: OpenAIServer, *tools: Callable[..., Any]) -> Any:
        return make_graph(make_model(server), tools).compile(checkpointer=InMemorySaver())


@pytest.mark.parametrize(
    ("finish", "stop"),
    [("length", "answer_too_long"), ("content_filter", "content_filtered"), ("stop", None)],
)
async def test_an_answer_that_was_cut_is_known_as_that(finish: str, stop: str | None) -> None:
    async with OpenAIServer() as server:
        agent = adapt(TestLangGraph().make(server))
        assert await read_stop(agent, server, finish) == stop


async def test_a_subgraph_streams_and_a_graph_inside_a_tool_is_silent() -> None:
    async with OpenAIServer() as server:
        helper = make_graph(make_model(server), ()).compile()

        async def ask_helper(question: str) -> str:
            """Ask a helper."""
            result = await helper.ainvoke({"messages": [("user", question)]})
            return str(result["messages"][-1].text)

        inner = make_graph(make_model(server), [ask_helper]).compile()
        outer = StateGraph(MessagesState)
        outer.add_node("inner", inner)
        outer.add_edge(START, "inner")
        agent = adapt(outer.compile())
        pause = Pause()
        server.answer(Call("ask_helper", question="why?"))
        server.answer("Inner thoughts.")
        server.answer("Because", pause, " of it.")
        turn = Interrupted(agent, speech("why?"))
        await turn.wait_for("Because")
        pause.resume()
        await turn.wait_for("Because", " of it.")
        assert turn.outputs == ["Because", " of it."]


async def test_a_question_of_an_interrupted_graph_is_asked_and_answered() -> None:
    class Form(MessagesState):
        name: str

    def ask(state: Form) -> dict[str, Any]:
        return {"name": interrupt("What is your name?")}

    def greet(state: Form) -> dict[str, Any]:
        return {"messages": [("assistant", f"Hello {state['name']}.")]}

    graph = StateGraph(Form)
    graph.add_node("ask", ask)
    graph.add_node("greet", greet)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", "greet")
    graph.add_edge("greet", END)
    agent = adapt(graph.compile(checkpointer=InMemorySaver()))
    first = speech("hi")
    question = await say(agent, first)
    assert question == "What is your name?"
    assert await say(agent, speech("Ann", end(first, question))) == "Hello Ann."


async def test_a_graph_that_lost_its_memory_is_told_again() -> None:
    """A checkpointer in memory forgets with its process, and knows nothing of other replicas."""
    async with OpenAIServer() as server:
        here, there = (adapt(TestLangGraphWithCheckpointer().make(server)) for _ in range(2))
        history: list[PastTurn] = []
        for agent, text in (here, "one"), (there, "two"), (here, "three"):
            server.answer(f"{text} it is.")
            turn = speech(text, *history)
            history.append(end(turn, await say(agent, turn)))
        told = ["user: one", "assistant: one it is.", "user: two", "assistant: two it is."]
        assert server.requests[1].transcript() == [*told[:2], "user: two"]
        assert server.requests[2].transcript() == [*told, "user: three"]


async def test_threads_are_apart_for_users_of_one_session() -> None:
    async with OpenAIServer() as server:
        agent = adapt(TestLangGraphWithCheckpointer().make(server))
        await say(agent, Turn("speech", "I am Ann", session_id="s", user_id="a"))
        await say(agent, Turn("speech", "Who am I?", session_id="s", user_id="b"))
        assert server.requests[1].transcript() == ["user: Who am I?"]


async def test_the_turn_is_the_graphs_context_where_it_says_so() -> None:
    async def reply(state: MessagesState, runtime: Runtime[Turn]) -> dict[str, Any]:
        return {"messages": [("assistant", runtime.context.session_id)]}

    graph = StateGraph(MessagesState, context_schema=Turn)
    graph.add_node("reply", reply)
    graph.add_edge(START, "reply")
    assert await say(adapt(graph.compile()), speech("who?")) == "s1"


def test_a_graph_that_is_not_compiled_is_refused() -> None:
    with pytest.raises(AgentLoadError, match=r"graph\.compile\(\)"):
        adapt(StateGraph(MessagesState))


def test_a_graph_without_messages_is_refused() -> None:
    class Count(TypedDict):
        count: int

    graph = StateGraph(Count)
    graph.add_node("count", lambda state: {"count": 1})
    graph.add_edge(START, "count")
    with pytest.raises(AgentLoadError, match="no `messages`"):
        adapt(graph.compile())
