"""Microsoft Agent Framework: ``dev examples.frameworks.with_agent_framework:agent``.

``pip install 'voicelive-agent[agent-framework]' agent-framework-openai``, for a model on Foundry
``azure-identity aiohttp`` too.
"""

from agent_framework import Agent
from agent_framework.openai import OpenAIChatCompletionClient

from examples.frameworks.model_client import MODEL, open_client
from examples.frameworks.weather import INSTRUCTIONS, get_weather

agent = Agent(
    OpenAIChatCompletionClient(model=MODEL, async_client=open_client()),
    instructions=INSTRUCTIONS,
    tools=[get_weather],
)
