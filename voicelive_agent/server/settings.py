"""Every setting of the agent server: options, variables ``VOICELIVE_…``, ``.env``, TOML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from voicelive_agent.server.conversations.store import Limits
from voicelive_agent.server.engine.events import SpeakingRate, TurnLimits
from voicelive_agent.settings_sources import (
    ProgramSettings,
    SettingsError,
    load,
    setting,
    split_list,
    strip,
)
from voicelive_agent.wire.admission import read_origins
from voicelive_agent.wire.language import is_language_tag
from voicelive_agent.wire.net import DEFAULT_AGENT_PORT, is_this_machine

__all__ = ["Settings", "SettingsError", "load_settings"]

DEFAULT_AGENT = "app.agent:reply"
WireName = Literal["invocations", "bridge", "responses"]


def _read_keepalive(value: object) -> object:
    """Unset and negative mean off, as in the official host."""
    if value == "":
        return 0
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        return max(0, int(value))
    return value


def _read_empty(value: object) -> object:
    """Unset means off, as in the official host; what is no number is refused."""
    return 0 if value == "" else value


def _raise_case(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _check_language(value: str) -> str:
    if not is_language_tag(value):
        raise ValueError(f"{value!r} is no BCP-47 language: write one like en-US or de")
    return value


def _platform(variable: str, default: Any, **constraints: Any) -> Any:
    """What the platform sets for a container: a variable, and no option."""
    return setting("", "", default, variable=variable, **constraints)


_AGENT = "who answers"
_WHERE = "where it listens, and to whom"
_CONVERSATIONS = "conversations"
_SPEECH = "what is spoken"
_LIMITS = "limits"
_LOGS = "logs and telemetry"


class Settings(ProgramSettings):
    """Settings of one agent server. Read them with ``load_settings``."""

    toml_table = "server"

    agent: str = setting(
        _AGENT,
        "package.module:attribute, or model",
        DEFAULT_AGENT,
        metavar="MODULE:ATTRIBUTE",
    )
    language: Annotated[str, AfterValidator(_check_language)] = setting(
        _AGENT,
        "BCP-47 language of a conversation until its agent sets another",
        "en-US",
        variable="VOICELIVE_AGENT_LANGUAGE",
        metavar="TAG",
    )

    wires: Annotated[tuple[WireName, ...], NoDecode, BeforeValidator(split_list)] = setting(
        _WHERE,
        "protocols that are served: invocations, bridge, responses; separated by commas",
        ("invocations",),
        option="--wires",
        metavar="WIRES",
        min_length=1,
    )
    host: str = setting(_WHERE, "address; default 0.0.0.0 on Foundry, 127.0.0.1 elsewhere", "")
    port: int = setting(_WHERE, "port", DEFAULT_AGENT_PORT, variable="PORT", ge=1, le=65535)
    workers: int = setting(
        _WHERE,
        "processes that take turns, one for each core (Linux); conversations are the store's",
        1,
        ge=1,
        le=256,
    )
    api_key: Annotated[SecretStr, BeforeValidator(strip)] = setting(
        _WHERE,
        "what callers have to send outside Foundry, as `api-key` or bearer token",
        SecretStr(""),
        variable="VOICELIVE_AGENT_API_KEY",
    )
    allow_origins: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(split_list), AfterValidator(read_origins)
    ] = setting(
        _WHERE,
        "answer web pages of this origin too, where no key is asked for; repeatable",
        (),
        option="--allow-origin",
        metavar="ORIGIN",
    )
    allow_anonymous: bool = setting(_WHERE, "take turns from other machines without a key", False)

    conversations: str = setting(
        _CONVERSATIONS,
        "sqlite (under $HOME), sqlite:///path, memory:, or redis://host:port/0 for many replicas",
        "sqlite",
        metavar="STORE",
    )
    history_turns: int = setting(
        _CONVERSATIONS, "how many earlier turns an agent is given", 50, ge=1, le=1000
    )
    conversation_max_turns: int = setting(
        _CONVERSATIONS, "how many turns of one are kept", 500, ge=1
    )
    history_max_bytes: int = setting(
        _CONVERSATIONS, "how long these may be in all; the newest is always given", 256 << 10, ge=1
    )
    conversation_max_bytes: int = setting(
        _CONVERSATIONS, "how long the turns kept of one may be in all", 4 << 20, ge=1
    )
    user_max_bytes: int = setting(
        _CONVERSATIONS,
        "how long those of one user may be in all, where the platform says who it is",
        64 << 20,
        ge=1,
    )
    conversation_retention_days: float = setting(
        _CONVERSATIONS, "how long one is kept", 30, ge=1 / 24, metavar="DAYS"
    )
    max_conversations: int = setting(
        _CONVERSATIONS,
        "beyond this many, the oldest of whoever has the most are removed (not in Redis)",
        100_000,
        ge=1,
    )
    conversations_max_bytes: int = setting(
        _CONVERSATIONS,
        "likewise beyond this size of the store (SQLite; in memory 128 MiB at most)",
        1 << 30,
        ge=1 << 20,
    )
    lease_seconds: float = setting(
        _CONVERSATIONS,
        "how long a replica may be silent before others take its turns for dead (Redis)",
        15,
        ge=1,
        le=600,
    )

    speakable: bool = setting(
        _SPEECH, "make thoughts, tool calls, Markdown, emoji and the like fit for a voice", True
    )
    starts_in_thought: bool = setting(
        _SPEECH,
        "the model's thought begins in its prompt: nothing is spoken before a closing </think>",
        False,
    )
    apology: str = setting(
        _SPEECH, "said when the agent fails; default: a sentence in the caller's language", ""
    )
    closing: str = setting(_SPEECH, "said when a shutdown ends a turn; default likewise", "")
    speaking_characters_per_second: float = setting(
        _SPEECH,
        "how fast answers are spoken, to mark where a caller probably interrupted; 0 marks nothing",
        21,
        ge=0,
        le=200,
        metavar="N",
    )

    first_delta_timeout_seconds: float = setting(
        _LIMITS, "until an agent says something", 10, gt=0, allow_inf_nan=False
    )
    idle_timeout_seconds: float = setting(
        _LIMITS, "an agent may be silent in mid-answer", 15, gt=0, allow_inf_nan=False
    )
    turn_timeout_seconds: float = setting(_LIMITS, "a whole turn", 120, gt=0, allow_inf_nan=False)
    shutdown_grace_seconds: float = setting(
        _LIMITS, "running turns may go on after SIGTERM", 25, ge=0, allow_inf_nan=False
    )
    send_timeout_seconds: float = setting(
        _LIMITS, "one write may take before a caller counts as gone", 30, gt=0, allow_inf_nan=False
    )
    ws_keepalive_interval: Annotated[float, BeforeValidator(_read_empty)] = setting(
        _LIMITS,
        "seconds between pings on a WebSocket; 0 is off",
        0,
        variable="WS_KEEPALIVE_INTERVAL",
        ge=0,
        allow_inf_nan=False,
    )
    sse_keepalive_interval: Annotated[int, BeforeValidator(_read_keepalive)] = setting(
        _LIMITS,
        "seconds of quiet before a comment is sent on a stream; 0 is off",
        0,
        variable="SSE_KEEPALIVE_INTERVAL",
    )
    max_body_bytes: int = setting(_LIMITS, "the longest body of a turn", 1 << 20, ge=1)
    max_speech_bytes: int = setting(
        _LIMITS, "the longest that a caller may say in one turn", 64 << 10, ge=1
    )
    max_answer_bytes: int = setting(
        _LIMITS, "the longest answer, its client events included", 512 << 10, ge=1
    )
    max_active_turns: int = setting(_LIMITS, "turns at once", 12_000, ge=1)
    max_active_turns_per_session: int = setting(
        _LIMITS, "turns of one session at once: all but the newest are ending", 8, ge=1
    )
    max_active_turns_per_user: int = setting(
        _LIMITS, "turns of one user at once, where the platform says who it is", 100, ge=1
    )

    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_raise_case)
    ] = setting(_LOGS, "level", "INFO", metavar="debug|info|warning|error")
    log_format: Literal["", "text", "json"] = setting(
        _LOGS, "default json on Foundry, text elsewhere", "", metavar="text|json"
    )
    show_errors: bool | None = setting(
        _LOGS,
        "log the texts of exceptions, which may repeat what was said; default: on your own machine",
        None,
    )
    applicationinsights_connection_string: SecretStr = _platform(
        "APPLICATIONINSIGHTS_CONNECTION_STRING", SecretStr("")
    )
    """Spans, metrics and logs go to Azure Monitor when it is set."""
    applicationinsights_auth_mode: str = _platform("APPLICATIONINSIGHTS_AUTH_MODE", "")
    """``entra``: sign in to Azure Monitor with this container's managed identity."""
    otel_exporter_otlp_endpoint: str = _platform("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    """Spans, metrics and logs go to this OTLP endpoint when it is set."""
    otel_exporter_otlp_protocol: Literal["grpc", "http/protobuf"] = _platform(
        "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"
    )
    otel_instrumentation_genai_capture_message_content: bool = _platform(
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", False
    )
    """Record what people said in spans."""

    foundry_agent_session_id: str = _platform(
        "FOUNDRY_AGENT_SESSION_ID", "", pattern=r"^[a-zA-Z0-9\-_.:]{0,256}$"
    )
    foundry_agent_name: str = _platform("FOUNDRY_AGENT_NAME", "")
    foundry_agent_id: str = _platform("FOUNDRY_AGENT_ID", "")
    foundry_agent_version: str = _platform("FOUNDRY_AGENT_VERSION", "")
    foundry_agent_instance_client_id: str = _platform("FOUNDRY_AGENT_INSTANCE_CLIENT_ID", "")
    foundry_agent_blueprint_client_id: str = _platform("FOUNDRY_AGENT_BLUEPRINT_CLIENT_ID", "")
    foundry_agent_tenant_id: str = _platform("FOUNDRY_AGENT_TENANT_ID", "")
    foundry_project_arm_id: str = _platform("FOUNDRY_PROJECT_ARM_ID", "")
    foundry_hosting_environment: str = _platform("FOUNDRY_HOSTING_ENVIRONMENT", "")

    @property
    def hosted(self) -> bool:
        """Whether Foundry runs this container."""
        return bool(
            self.foundry_hosting_environment or self.foundry_agent_id or self.foundry_agent_name
        )

    @property
    def is_development(self) -> bool:
        """Whether this is a developer's own machine: outside Foundry, and nobody else can ask."""
        return not self.hosted and is_this_machine(self.bind_host)

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

    def store_limits(self) -> Limits:
        return Limits(
            retention_days=self.conversation_retention_days,
            max_turns=self.conversation_max_turns,
            conversation_bytes=self.conversation_max_bytes,
            user_bytes=self.user_max_bytes,
            max_conversations=self.max_conversations,
            max_bytes=self.conversations_max_bytes,
            history_turns=self.history_turns,
            history_bytes=self.history_max_bytes,
        )

    def turn_limits(self) -> TurnLimits:
        return TurnLimits(
            first_delta_seconds=self.first_delta_timeout_seconds,
            idle_seconds=self.idle_timeout_seconds,
            total_seconds=self.turn_timeout_seconds,
            max_active_turns=self.max_active_turns,
            tell_why=self.is_development and self.show_errors is not False,
            max_active_turns_per_session=self.max_active_turns_per_session,
            max_active_turns_per_user=self.max_active_turns_per_user,
            answer_bytes=self.max_answer_bytes,
            speakable=self.speakable,
            starts_in_thought=self.starts_in_thought,
            language=self.language,
            apology=self.apology,
            closing=self.closing,
            speaking_rate=SpeakingRate(self.speaking_characters_per_second),
        )


def load_settings(
    options: Mapping[str, Any] | None = None, env_file: Path | None = None
) -> Settings:
    """Settings from options, the environment, ``.env`` and TOML. Raises SettingsError."""
    return load(Settings, options, env_file)
