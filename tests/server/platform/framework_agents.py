"""Agents of several frameworks, each with one tool, on the model server that is configured."""

import os
from typing import Any


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"rain and xyzzy in {city}"


def make_agent_framework() -> Any:
    from agent_framework import Agent
    from agent_framework.openai import OpenAIChatCompletionClient

    client = OpenAIChatCompletionClient(
        model="test", api_key="key", base_url=os.environ["VOICELIVE_AGENT_MODEL_BASE_URL"]
    )
    return Agent(client, name="desk", instructions="Be a test.", tools=[get_weather])


def make_openai_agents() -> Any:
    from agents import Agent, OpenAIChatCompletionsModel, function_tool
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key="key", base_url=os.environ["VOICELIVE_AGENT_MODEL_BASE_URL"])
    model = OpenAIChatCompletionsModel("test", client)
    return Agent("desk", instructions="Be a test.", model=model, tools=[function_tool(get_weather)])


def make_langgraph() -> Any:
    from langchain_openai import ChatOpenAI
    from langgraph.prebuilt import create_react_agent
    from pydantic import SecretStr

    model = ChatOpenAI(
        model="test",
        api_key=SecretStr("key"),
        base_url=os.environ["VOICELIVE_AGENT_MODEL_BASE_URL"],
    )
    return create_react_agent(model, [get_weather])


def __getattr__(name: str) -> Any:
    makers = {"agent_framework": make_agent_framework, "openai_agents": make_openai_agents}
    makers["langgraph"] = make_langgraph
    if name not in makers:
        raise AttributeError(name)
    return makers[name]()
