"""Every setting of the agent server; each is a variable ``VOICELIVE_…``, or the platform's own.

A ``.env`` file in the working directory is read too; the environment wins.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from voicelive_agent.server.engine.events import TurnLimits
from voicelive_agent.server.engine.heard import SpeakingRate
from voicelive_agent.settings import named, variable_of


class SettingsError(Exception):
    """A setting is invalid; the text names the variable and says what is valid."""


def _read_keepalive(value: object) -> object:
    """Unset and negative mean off, as in the official host."""
    if value == "":
        return 0
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        return max(0, int(value))
    return value


def _strip(value: object) -> object:
    """Secrets are often made of files, with the newline at their end."""
    return value.strip() if isinstance(value, str) else value


Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(BaseSettings):
    """Settings of one agent server. Read them with ``load_settings``."""

    model_config = SettingsConfigDict(
        env_prefix="VOICELIVE_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    agent: str = "app.agent:reply"
    """Who answers: ``package.module:attribute``, or ``model``."""
    host: str = ""
    """Address to listen on; by default 0.0.0.0 on Foundry and 127.0.0.1 elsewhere."""
    port: int = named("PORT", 8088, ge=1, le=65535)

    conversations: str = "sqlite"
    """Where conversations are kept: ``sqlite`` (under $HOME), ``sqlite:///path``, ``memory:``,
    or ``redis://host:port/0`` for many replicas."""
    history_turns: int = Field(50, ge=1, le=1000)
    """How many earlier turns an agent is given."""
    conversation_max_turns: int = Field(500, ge=1)
    conversation_retention_days: float = Field(30, ge=1 / 24)
    max_conversations: int = Field(100_000, ge=1)
    """Oldest conversations are removed beyond this many (not in Redis)."""
    lease_seconds: float = Field(15, ge=1, le=600)
    """How long a replica may be silent before others take its turns for dead (Redis)."""
    conversations_max_bytes: int = Field(1 << 30, ge=1 << 20)
    """Oldest conversations are removed beyond this size of the store, in bytes (SQLite)."""

    first_delta_timeout_seconds: Seconds = 10
    idle_timeout_seconds: Seconds = 15
    turn_timeout_seconds: Seconds = 120
    shutdown_grace_seconds: float = Field(25, ge=0, allow_inf_nan=False)
    """How long running turns may go on after SIGTERM."""
    send_timeout_seconds: Seconds = 30
    """How long one write to a caller may take before the caller counts as gone."""
    sse_keepalive_interval: Annotated[int, BeforeValidator(_read_keepalive)] = named(
        "SSE_KEEPALIVE_INTERVAL", 0
    )
    """Seconds of quiet before a comment is sent on a stream; 0 is off."""
    max_body_bytes: int = Field(1 << 20, ge=1)
    max_active_turns: int = Field(2000, ge=1)

    language: str = named("VOICELIVE_AGENT_LANGUAGE", "en-US")
    """BCP-47 language of a conversation until its agent sets another one."""
    apology: str = ""
    """Spoken when the agent fails; by default a sentence in the conversation's language."""
    closing: str = ""
    """Spoken when a turn is ended by a shutdown; by default likewise."""
    speakable: bool = True
    """Make Markdown, links, emoji and the like speakable."""
    speaking_characters_per_second: float = Field(21, gt=0, le=200)
    """How fast answers are spoken; from it follows how much of one a caller has heard."""

    api_key: Annotated[SecretStr, BeforeValidator(_strip)] = named(
        "VOICELIVE_AGENT_API_KEY", SecretStr("")
    )
    """What callers have to send, outside Foundry; see ``server.platform.access``."""
    allow_anonymous: bool = False
    """Take turns from other machines without a key."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["", "text", "json"] = ""
    """By default JSON on Foundry and text elsewhere."""
    applicationinsights_connection_string: SecretStr = named(
        "APPLICATIONINSIGHTS_CONNECTION_STRING", SecretStr("")
    )
    """Spans, metrics and logs go to Azure Monitor when it is set."""
    applicationinsights_auth_mode: str = named("APPLICATIONINSIGHTS_AUTH_MODE", "")
    """``entra``: sign in to Azure Monitor with this container's managed identity."""
    otel_exporter_otlp_endpoint: str = named("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    """Spans, metrics and logs go to this OTLP endpoint when it is set."""
    otel_exporter_otlp_protocol: Literal["grpc", "http/protobuf"] = named(
        "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"
    )
    otel_instrumentation_genai_capture_message_content: bool = named(
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", False
    )
    """Record what people said in spans."""

    foundry_agent_session_id: str = named(
        "FOUNDRY_AGENT_SESSION_ID", "", pattern=r"^[a-zA-Z0-9\-_.:]{0,256}$"
    )
    foundry_agent_name: str = named("FOUNDRY_AGENT_NAME", "")
    foundry_agent_id: str = named("FOUNDRY_AGENT_ID", "")
    foundry_agent_version: str = named("FOUNDRY_AGENT_VERSION", "")
    foundry_agent_instance_client_id: str = named("FOUNDRY_AGENT_INSTANCE_CLIENT_ID", "")
    foundry_agent_blueprint_client_id: str = named("FOUNDRY_AGENT_BLUEPRINT_CLIENT_ID", "")
    foundry_agent_tenant_id: str = named("FOUNDRY_AGENT_TENANT_ID", "")
    foundry_project_arm_id: str = named("FOUNDRY_PROJECT_ARM_ID", "")
    foundry_hosting_environment: str = named("FOUNDRY_HOSTING_ENVIRONMENT", "")

    @property
    def hosted(self) -> bool:
        """Whether Foundry runs this container."""
        return bool(
            self.foundry_hosting_environment or self.foundry_agent_id or self.foundry_agent_name
        )

    @property
    def bind_host(self) -> str:
        return self.host or ("0.0.0.0" if self.hosted else "127.0.0.1")  # noqa: S104

    def agent_identity(self) -> dict[str, str]:
        """What telemetry says of the agent on Foundry, whose portal finds traces by it."""
        said = {
            "gen_ai.agent.name": self.foundry_agent_name,
            "gen_ai.agent.version": self.foundry_agent_version,
            "gen_ai.agent.id": self.foundry_agent_instance_client_id,
            "microsoft.a365.agent.blueprint.id": self.foundry_agent_blueprint_client_id,
            "microsoft.tenant.id": self.foundry_agent_tenant_id,
            "microsoft.foundry.project.id": self.foundry_project_arm_id,
            "microsoft.session.id": self.foundry_agent_session_id,
        }
        return {name: value for name, value in said.items() if value}

    def turn_limits(self) -> TurnLimits:
        return TurnLimits(
            first_delta_seconds=self.first_delta_timeout_seconds,
            idle_seconds=self.idle_timeout_seconds,
            total_seconds=self.turn_timeout_seconds,
            max_active_turns=self.max_active_turns,
            speakable=self.speakable,
            language=self.language,
            apology=self.apology,
            closing=self.closing,
            speaking_rate=SpeakingRate(self.speaking_characters_per_second),
        )


def load_settings() -> Settings:
    """Settings from the environment. Raises SettingsError, which names each invalid variable."""
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{variable_of(Settings, str(problem['loc'][0]))}={problem['input']!r}:"
            f" {problem['msg']}"
            for problem in error.errors()
        )
        raise SettingsError(f"Invalid environment variable: {problems}") from None
