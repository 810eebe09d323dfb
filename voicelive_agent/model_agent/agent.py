"""The model agent (``VOICELIVE_AGENT=model``): an LLM with tools, by configuration alone."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

from pydantic_ai import Agent, AgentStreamEvent, RunContext
from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import FunctionToolCallEvent, FunctionToolResultEvent
from pydantic_ai.models import Model, infer_model
from pydantic_ai.models.openai import (
    OpenAIResponsesModel,
    OpenAIResponsesModelSettings,
)
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings
from pydantic_ai.toolsets import AbstractToolset

from voicelive_agent.agent import Turn
from voicelive_agent.frameworks.naming import AgentLoadError
from voicelive_agent.frameworks.outlet import Outlet
from voicelive_agent.frameworks.pydantic_ai import PydanticAIAgent, read_text
from voicelive_agent.model_agent.endpoint import tell_outcome
from voicelive_agent.model_agent.filler import Filler
from voicelive_agent.model_agent.retries import PatientModel
from voicelive_agent.model_agent.settings import ModelAgentSettings, load_model_settings
from voicelive_agent.model_agent.tool_call_deltas import LenientChatModel
from voicelive_agent.model_agent.tools import make_function_tools, make_mcp_tools
from voicelive_agent.wire.invocations import CALL_HEADER

logger = logging.getLogger(__name__)

# As azure-ai-projects' AIProjectClient.get_openai_client does it.
_FOUNDRY_PATH = "/openai/v1"
_FOUNDRY_SCOPE = "https://ai.azure.com/.default"

VOICE_INSTRUCTIONS = Path(__file__).with_name("voice_instructions.txt")
"""How to speak, listen and act on the phone; what comes before ``VOICELIVE_AGENT_INSTRUCTIONS``."""


class ModelAgent(PydanticAIAgent):
    """Answers turns with the model that the environment names.

    ``credential`` is an async Azure credential for a Foundry endpoint, by default
    ``DefaultAzureCredential``. Raises AgentLoadError, which names what is set wrong.
    """

    def __init__(
        self, settings: ModelAgentSettings | None = None, *, credential: Any = None
    ) -> None:
        self._settings = settings = settings or load_model_settings()
        self._closing = AsyncExitStack()
        self._forwards_call_id = False
        self._trying: asyncio.Task[None] | None = None
        self._mcp = make_mcp_tools(settings.mcp_servers, settings.tool_timeout_seconds)
        toolsets: list[AbstractToolset[Any]] = [
            make_function_tools(settings.tools, settings.tool_timeout_seconds),
            *(tools.prefixed(tools.server) for tools in self._mcp),
        ]
        try:
            self._model = self._make_model(credential)
            model = PatientModel(self._model, wait_seconds=settings.first_delta_timeout_seconds)
            agent = Agent(
                model,
                instructions=[
                    VOICE_INSTRUCTIONS.read_text(encoding="utf-8"),
                    settings.read_instructions(),
                    _name_language,
                ],
                deps_type=Turn,
                toolsets=toolsets,
                model_settings=cast(ModelSettings, settings.model_settings),
                retries=2,
                name="model",
            )
        except (UserError, ImportError, ValueError, OSError) as error:
            raise AgentLoadError(
                f"VOICELIVE_AGENT=model can't use {settings.source}", because=error
            ) from error
        super().__init__(agent)

    async def start(self) -> None:
        await super().start()
        for tools in self._mcp:
            await tools.open()
        logger.info("model agent: %s, %d MCP servers", self._settings.source, len(self._mcp))
        self._trying = asyncio.create_task(tell_outcome(self._model, self._settings.source))

    async def stop(self) -> None:
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.wait([self._trying])
        for tools in self._mcp:
            await tools.close()
        await super().stop()
        await self._closing.aclose()

    def settle(self, turn: Turn) -> ModelSettings | None:
        if not (self._forwards_call_id and turn.call_id):
            return None
        return ModelSettings(extra_headers={CALL_HEADER: turn.call_id})

    def make_follower(self, outlet: Outlet) -> Callable[[AgentStreamEvent], None]:
        filler = Filler(outlet, self._settings.filler_after_ms, self._settings.filler_texts)

        def follow(event: AgentStreamEvent) -> None:
            if text := read_text(event):
                filler.end_wait()
                outlet.say(text)
            elif isinstance(event, FunctionToolCallEvent):
                filler.begin_tool()
            elif isinstance(event, FunctionToolResultEvent):
                filler.end_tool()

        outlet.on_end(filler.close)
        return follow

    def _make_model(self, credential: Any) -> Model:
        settings = self._settings
        if settings.model_base_url:
            key = settings.model_api_key.get_secret_value() if settings.model_api_key else "unused"
            provider = OpenAIProvider(base_url=settings.model_base_url, api_key=key)
            kind, _, name = settings.model.partition(":")
            # A model's own name may hold a colon, as Ollama's do.
            if kind == "openai-responses":
                return OpenAIResponsesModel(name, provider=provider)
            name = name if kind in ("openai", "openai-chat") and name else settings.model
            return LenientChatModel(name, provider=provider)
        if settings.model:
            return infer_model(settings.model)
        return self._make_foundry_model(credential)

    def _make_foundry_model(self, credential: Any) -> Model:
        from azure.identity.aio import DefaultAzureCredential, get_bearer_token_provider
        from openai import AsyncOpenAI

        if credential is None:
            credential = DefaultAzureCredential()
            self._closing.push_async_callback(credential.close)
        client = AsyncOpenAI(
            base_url=self._settings.foundry_project_endpoint.rstrip("/") + _FOUNDRY_PATH,
            # Asked before each request; it keeps the token until shortly before it expires.
            api_key=get_bearer_token_provider(credential, _FOUNDRY_SCOPE),
        )
        self._closing.push_async_callback(client.close)
        self._forwards_call_id = True
        return OpenAIResponsesModel(
            self._settings.azure_ai_model_deployment_name,
            provider=OpenAIProvider(openai_client=client),
            # The conversation is kept here, within this server's retention, and nowhere else.
            settings=OpenAIResponsesModelSettings(openai_store=False),
        )


def _name_language(context: RunContext[Turn]) -> str:
    return (
        f"The conversation is in the language {context.deps.language!r} unless the caller speaks"
        " another one: then answer in theirs."
    )
