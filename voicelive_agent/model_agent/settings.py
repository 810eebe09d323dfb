"""Settings of the model agent (``VOICELIVE_AGENT=model``), as variables ``VOICELIVE_AGENT_…``."""

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    SecretStr,
    model_validator,
)
from pydantic_settings import NoDecode, SettingsConfigDict

from voicelive_agent.frameworks.naming import AgentLoadError
from voicelive_agent.settings_sources import ProgramSettings, SettingsError, load, setting


class McpServer(BaseModel):
    """An MCP server over HTTP. ``headers`` may carry its credentials."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://\S+$")
    headers: dict[str, SecretStr] = {}


def _split(value: Any, separator: str) -> Any:
    """A JSON list, or texts with a separator between them."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return [part.strip() for part in value.split(separator) if part.strip()]


def _split_tools(value: Any) -> Any:
    return _split(value, ",")


def _split_fillers(value: Any) -> Any:
    return _split(value, "|")


def _read_mcp_servers(value: Any) -> Any:
    """``label=url,label=url``, or a JSON object of URLs or ``{"url": …, "headers": {…}}``."""
    if isinstance(value, str):
        if value.lstrip().startswith("{"):
            value = json.loads(value)
        else:
            pairs = [part.partition("=") for part in _split(value, ",")]
            wrong = next((label for label, _, url in pairs if not url), None)
            if wrong is not None:
                raise ValueError(f"{wrong!r} has no URL: write label=url, for each server")
            value = {label.strip(): url.strip() for label, _, url in pairs}
    if isinstance(value, dict):
        wrong = next((label for label in value if not str(label).isidentifier()), None)
        if wrong is not None:
            raise ValueError(f"the label {wrong!r} must be letters, digits and underscores")
        return {
            label: {"url": server} if isinstance(server, str) else server
            for label, server in value.items()
        }
    return value


def _read_object(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


class ModelAgentSettings(ProgramSettings):
    """Which model answers, what it is told, and which tools it has.

    The model is one of: ``VOICELIVE_AGENT_MODEL_BASE_URL`` with ``VOICELIVE_AGENT_MODEL`` (an
    OpenAI-compatible endpoint), ``VOICELIVE_AGENT_MODEL`` alone (``provider:name``, any provider
    that Pydantic AI knows), or ``FOUNDRY_PROJECT_ENDPOINT`` with
    ``AZURE_AI_MODEL_DEPLOYMENT_NAME``.
    """

    model_config = SettingsConfigDict(env_prefix="VOICELIVE_AGENT_")
    toml_table = "model"

    model: str = ""
    model_base_url: str = Field("", pattern=r"^(https?://\S+)?$")
    model_api_key: SecretStr | None = None
    """For ``VOICELIVE_AGENT_MODEL_BASE_URL``; other providers read their own variables."""
    foundry_project_endpoint: str = setting(
        "", "", "", variable="FOUNDRY_PROJECT_ENDPOINT", pattern=r"^(https?://\S+)?$"
    )
    azure_ai_model_deployment_name: str = setting(
        "", "", "", variable="AZURE_AI_MODEL_DEPLOYMENT_NAME"
    )
    model_settings: Annotated[dict[str, Any], NoDecode, BeforeValidator(_read_object)] = Field({})
    """Pydantic AI's model settings as a JSON object, such as ``{"temperature": 0.3}``."""

    instructions: str = ""
    """What the agent is for; told to the model after how to speak."""
    instructions_file: FilePath | None = None
    """The same, from a UTF-8 file."""

    tools: Annotated[list[str], NoDecode, BeforeValidator(_split_tools)] = Field([])
    """Python functions: ``module:function,module:function``, or a module for all of its own."""
    mcp_servers: Annotated[dict[str, McpServer], NoDecode, BeforeValidator(_read_mcp_servers)] = (
        Field({})
    )
    """``label=url,label=url``, or a JSON object ``{"label": {"url": …, "headers": {…}}}``."""
    tool_timeout_seconds: float = Field(30, gt=0, allow_inf_nan=False)

    filler_after_ms: int = Field(1200, ge=0)
    """How long a tool may keep the caller waiting before a filler is spoken; 0 is never."""
    filler_texts: Annotated[list[str], NoDecode, BeforeValidator(_split_fillers)] = Field([])
    """Fillers with ``|`` between them, or a JSON list; by default in the caller's language."""

    first_delta_timeout_seconds: float = setting(
        "", "", 10, variable="VOICELIVE_FIRST_DELTA_TIMEOUT_SECONDS", gt=0, allow_inf_nan=False
    )
    """The server's own deadline: a busy model is asked again only as long as that allows."""

    @model_validator(mode="after")
    def _check_model(self) -> "ModelAgentSettings":
        if self.model_base_url and not self.model:
            raise ValueError(
                "VOICELIVE_AGENT_MODEL_BASE_URL needs VOICELIVE_AGENT_MODEL, the name of a model at"
                " that endpoint"
            )
        if self.model and not self.model_base_url and ":" not in self.model:
            raise ValueError(
                f"VOICELIVE_AGENT_MODEL={self.model!r} names no provider: write"
                f" VOICELIVE_AGENT_MODEL=openai:{self.model}, say, or set"
                " VOICELIVE_AGENT_MODEL_BASE_URL to an OpenAI-compatible endpoint"
            )
        if not self.model and not (
            self.foundry_project_endpoint and self.azure_ai_model_deployment_name
        ):
            raise ValueError(
                "no model is set: set VOICELIVE_AGENT_MODEL (openai:gpt-5.4-mini, say),"
                " VOICELIVE_AGENT_MODEL with VOICELIVE_AGENT_MODEL_BASE_URL"
                " (http://localhost:11434/v1 for Ollama), or FOUNDRY_PROJECT_ENDPOINT with"
                " AZURE_AI_MODEL_DEPLOYMENT_NAME"
            )
        if self.instructions and self.instructions_file:
            raise ValueError(
                "set VOICELIVE_AGENT_INSTRUCTIONS or VOICELIVE_AGENT_INSTRUCTIONS_FILE, not both"
            )
        return self

    def read_instructions(self) -> str:
        if self.instructions_file is None:
            return self.instructions
        return Path(self.instructions_file).read_text(encoding="utf-8")

    @property
    def source(self) -> str:
        """Where the model is, without credentials, for the log."""
        if self.model_base_url:
            return f"{self.model} at {urlsplit(self.model_base_url).hostname}"
        return self.model or f"{self.azure_ai_model_deployment_name} on Foundry"


def load_model_settings() -> ModelAgentSettings:
    """Settings from the environment, ``.env`` and TOML. Raises AgentLoadError."""
    try:
        return load(ModelAgentSettings)
    except SettingsError as error:
        problems = "; ".join(str(error).splitlines())
        raise AgentLoadError(f"VOICELIVE_AGENT=model: {problems}") from None
