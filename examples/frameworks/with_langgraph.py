"""LangGraph: ``voicelive-agent dev examples.frameworks.with_langgraph:graph``.

``pip install 'voicelive-agent[langgraph]' langchain-openai``, for a model on Foundry
``azure-identity aiohttp`` too.
"""

from typing import Any

from langchain_core.messages import SystemMessage
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from examples.frameworks.model_client import MODEL, open_client
from examples.frameworks.weather import INSTRUCTIONS, get_weather

client = open_client()
model = ChatOpenAI(
    model=MODEL,
    root_async_client=client,
    async_client=client.chat.completions,
    api_key="unused",  # the client has its own
).bind_tools([get_weather])


async def think(state: MessagesState) -> dict[str, Any]:
    messages = [SystemMessage(INSTRUCTIONS), *state["messages"]]
    return {"messages": [await model.ainvoke(messages)]}


builder = StateGraph(MessagesState)
builder.add_node("think", think)
builder.add_node("tools", ToolNode([get_weather]))
builder.add_edge(START, "think")
builder.add_conditional_edges("think", tools_condition)
builder.add_edge("tools", "think")
graph = builder.compile()
