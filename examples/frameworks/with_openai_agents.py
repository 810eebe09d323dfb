"""OpenAI Agents SDK: ``voicelive-agent dev examples.frameworks.with_openai_agents:agent``.

``pip install 'voicelive-agent[openai-agents]'``, for a model on Foundry
``azure-identity aiohttp`` too.
"""

from agents import Agent, OpenAIChatCompletionsModel, function_tool, set_tracing_disabled

from examples.frameworks.model_client import MODEL, open_client
from examples.frameworks.weather import INSTRUCTIONS, get_weather
from voicelive_agent import Turn

set_tracing_disabled(True)  # its traces would go to OpenAI, which wants a key of its own

agent = Agent[Turn](
    "weather",
    instructions=INSTRUCTIONS,
    model=OpenAIChatCompletionsModel(MODEL, openai_client=open_client()),
    tools=[function_tool(get_weather)],
)
