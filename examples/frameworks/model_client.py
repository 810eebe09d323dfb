"""Where the model is: deployed in a Foundry project, or behind an OpenAI-compatible server.

- ``FOUNDRY_PROJECT_ENDPOINT`` and ``AZURE_AI_MODEL_DEPLOYMENT_NAME``: a deployment of the project,
  signed in to with ``az login`` on your machine and with the agent's own identity on Foundry;
- otherwise ``OPENAI_MODEL``, ``OPENAI_API_KEY`` and, for other servers than OpenAI's,
  ``OPENAI_BASE_URL`` (``http://localhost:11434/v1`` for Ollama).
"""

import os

from openai import AsyncOpenAI

ENDPOINT = os.environ.get("FOUNDRY_PROJECT_ENDPOINT", "").rstrip("/")
MODEL = (
    os.environ["AZURE_AI_MODEL_DEPLOYMENT_NAME"]
    if ENDPOINT
    else os.environ.get("OPENAI_MODEL", "gpt-5.4-mini")
)


def open_client() -> AsyncOpenAI:
    """A client for chat completions of ``MODEL``; every framework here takes one."""
    if not ENDPOINT:
        return AsyncOpenAI()
    from azure.identity.aio import DefaultAzureCredential, get_bearer_token_provider

    # Asked before each request, so that a token never runs out in a call.
    token = get_bearer_token_provider(DefaultAzureCredential(), "https://ai.azure.com/.default")
    return AsyncOpenAI(base_url=f"{ENDPOINT}/openai/v1", api_key=token)
