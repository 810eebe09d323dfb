"""Pydantic AI: ``voicelive-agent dev examples.frameworks.with_pydantic_ai:agent``.

``pip install 'voicelive-agent[pydantic-ai]'``, for a model on Foundry
``azure-identity aiohttp`` too.
"""

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from examples.frameworks.model_client import MODEL, open_client
from examples.frameworks.weather import INSTRUCTIONS, get_weather

model = OpenAIChatModel(MODEL, provider=OpenAIProvider(openai_client=open_client()))
agent = Agent(model, instructions=INSTRUCTIONS, tools=[get_weather])
