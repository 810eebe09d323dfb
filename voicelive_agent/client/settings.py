"""Every setting of the client: options, environment, ``.env``, TOML, in this order.

The option ``--voice-rate`` is the variable ``VOICELIVE_VOICE_RATE`` (or, as Microsoft's samples
write it, ``AZURE_VOICELIVE_VOICE_RATE``) and the key ``voice-rate`` of a profile (``--profile``),
or else of the table ``[client]`` of ``voicelive.toml``.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from voicelive_agent.client.session_settings import SessionSettings, Texts, UnfitError, optional
from voicelive_agent.command_name import spell_command
from voicelive_agent.settings_sources import (
    SettingsError,
    option_of,
    read_environment,
    read_setting,
    setting,
    variable_of,
)
from voicelive_agent.wire.net import DEFAULT_EMULATOR_PORT, is_on_this_machine

WHERE = "whom to talk to"
MICROSOFTS_PREFIX = "AZURE_VOICELIVE_"
"""Of the variables in Microsoft's samples."""


class Settings(SessionSettings):
    """All settings; frozen."""

    model_config = SettingsConfigDict(str_strip_whitespace=True)
    toml_table = "client"

    profile: Path | None = optional(WHERE, "TOML file with settings")
    endpoint: str | None = optional(
        WHERE, "https://<resource>.services.ai.azure.com; default: a running emulator"
    )
    api_key: SecretStr | None = optional(
        WHERE, "key of the resource; default: your sign-in (az login)", min_length=1
    )
    ca_file: Path | None = optional(
        WHERE, "trust this certificate authority too (PEM), such as the emulator's with --tls"
    )
    agent_name: str | None = optional(WHERE, "the hosted agent", min_length=1)
    project_name: str | None = optional(WHERE, "the Foundry project that it lives in", min_length=1)
    agent_version: str | None = optional(
        WHERE, "a version of it; default: the latest", min_length=1
    )
    conversation_id: str | None = optional(
        WHERE, "go on with an earlier conversation", min_length=1
    )
    model: str | None = optional(
        WHERE, "talk to a model instead, such as gpt-realtime", min_length=1
    )
    foundry_resource: str | None = optional(
        WHERE, "resource of an agent that lives in another one", min_length=1
    )
    identity_client_id: str | None = optional(
        WHERE, "managed identity that calls that agent", min_length=1
    )
    api_version: str | None = optional(WHERE, "default: the SDK's", min_length=1)

    emulator_port: int = setting(
        WHERE,
        "port of the emulator on this machine, where no endpoint is given",
        default=DEFAULT_EMULATOR_PORT,
        ge=1,
        le=65535,
    )

    tools: Path | None = optional(
        "tools", "Python file; its public functions are the model's tools"
    )
    tool_timeout_s: float = setting("tools", "how long a function may take", default=30.0, gt=0)
    mcp_server: Texts = setting("tools", "LABEL=URL of an MCP server; repeatable", default=())
    mcp_approval: Literal["always", "never"] = setting(
        "tools", "whether you are asked before each call", default="always"
    )

    push_to_talk: bool = setting("sound", "Enter starts and ends your turn", default=False)
    microphone: str | None = optional("sound", "name or number; --list-devices shows them")
    loudspeaker: str | None = optional("sound", "name or number")
    input: Texts = setting(
        "sound",
        "audio file, or - for standard input, in place of a microphone; repeatable",
        default=(),
    )
    output: str | None = optional("sound", "write the agent's voice to this WAV file")
    fast: bool = setting("sound", "send files as fast as possible", default=False)
    record: Path | None = optional("sound", "keep both sides as stereo WAV, and the events")
    json_lines: bool = setting(
        "sound",
        "print one event a line, for scripts",
        default=False,
        variable="VOICELIVE_JSON",
        option="--json",
    )
    answer_timeout_s: float = setting(
        "sound", "with files: how long to wait for an answer", default=30.0, gt=0
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        options, variables, dotenv, *files = super().settings_customise_sources(
            settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings
        )
        sources = [
            options,
            variables,
            EnvSettingsSource(settings_cls, env_prefix=MICROSOFTS_PREFIX),
            dotenv,
            DotEnvSettingsSource(settings_cls, env_prefix=MICROSOFTS_PREFIX),
        ]
        profile = next(filter(None, (source().get("profile") for source in sources)), None)
        if profile:
            sources.append(InitSettingsSource(settings_cls, _read_profile(Path(profile))))
        sources += [*files, InitSettingsSource(settings_cls, _read_emulator_port())]
        return tuple(map(_Yielding, sources))

    @field_validator("session", mode="before")
    @classmethod
    def _read_json(cls, value: object) -> object:
        if isinstance(value, str):
            try:
                return json.loads(value)
            except ValueError as error:
                raise ValueError("must be a JSON object") from error
        return value

    @field_validator("endpoint")
    @classmethod
    def _check_endpoint(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https", "ws", "wss"):
            # Without a query, which may hold a key.
            address = value.partition("?")[0].rpartition("://")[2].rpartition("@")[2]
            raise ValueError(f"write the scheme too, such as https://{address}")
        if not parts.hostname:
            raise ValueError("has no host: write https://<resource>.services.ai.azure.com")
        if parts.path.rstrip("/").endswith("/realtime"):
            address = parts.netloc.rpartition("@")[2]
            raise ValueError(f"leave the path out: {parts.scheme}://{address}")
        return value

    @property
    def uses_hardware(self) -> bool:
        """Whether a microphone hears, rather than a file or nobody."""
        return not self.input and not self.text_only

    @property
    def emulator_url(self) -> str:
        """Where an emulator on this machine is looked for."""
        return f"http://127.0.0.1:{self.emulator_port}"

    @property
    def is_local(self) -> bool:
        """Whether the service is an emulator on this machine."""
        return self.endpoint is None or is_on_this_machine(self.endpoint)

    @property
    def is_greeted(self) -> bool:
        """Whether the agent speaks first."""
        return self.greet or self.greeting is not None

    @property
    def is_manual(self) -> bool:
        """Whether turns end by the client's own ``commit``."""
        return self.push_to_talk or self.turn_detection == "none"

    def check(self) -> None:
        super().check()
        if self.agent_name and self.model:
            raise UnfitError("model", "an agent brings its own model: give one of both")
        if self.agent_name and not self.project_name and not self.is_local:
            raise UnfitError("project_name", "an agent is found by its project: give its name")
        if self.project_name and not self.agent_name:
            raise UnfitError("agent_name", "which agent of the project? Give its name")
        for field in ("agent_version", "foundry_resource", "identity_client_id"):
            if getattr(self, field) and not self.agent_name:
                raise UnfitError(field, "belongs to an agent: give --agent-name too")
        if self.conversation_id and self.model:
            raise UnfitError("conversation_id", "models keep no conversations; agents do")
        if self.agent_name:
            if self.api_key and _is_azure(self.endpoint):
                raise UnfitError(
                    "api_key", "agents take a sign-in only: leave the key out and run `az login`"
                )
        elif not self.model and not self.is_local:
            raise UnfitError(
                "agent_name", "whom to talk to? Give --agent-name and --project-name, or --model"
            )
        for field in sorted(_OF_A_MODEL - {"model"}):
            if getattr(self, field) not in (None, ()) and not self.model:
                raise UnfitError(field, "an agent has its own; it goes with --model only")
        for server in self.mcp_server:
            label, equals, url = server.partition("=")
            if not (label and equals and url.startswith(("https://", "http://"))):
                raise UnfitError(
                    "mcp_server", "write LABEL=URL, as in docs=https://example.com/mcp"
                )
        if self.text_only and (self.input or self.output or self.push_to_talk):
            raise UnfitError("text_only", "has no sound: leave --input, --output, --push-to-talk")
        if self.fast and not self.input:
            raise UnfitError("fast", "only files can be sent faster than real time: give --input")


_OF_A_MODEL = frozenset(
    (
        "model",
        "instructions",
        "temperature",
        "max_output_tokens",
        "reasoning_effort",
        "tools",
        "mcp_server",
    )
)
_OF_AN_AGENT = frozenset(
    (
        "agent_name",
        "project_name",
        "agent_version",
        "conversation_id",
        "foundry_resource",
        "identity_client_id",
    )
)


def _read_emulator_port() -> dict[str, Any]:
    """The port in the emulator's own table of TOML, which moves it for both."""
    port = read_setting("emulator", "port", "VOICELIVE_EMULATOR_PORT")
    return {"emulator_port": port} if port not in ("", "0") else {}


class _Yielding(PydanticBaseSettingsSource):
    """A source that leaves out what doesn't go with what an earlier source has chosen.

    Who names an agent on the command line doesn't want the model of the environment.
    """

    def __init__(self, source: PydanticBaseSettingsSource) -> None:
        super().__init__(source.settings_cls)
        self._source = source

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        hidden = _OF_A_MODEL if "agent_name" in self.current_state else frozenset()
        hidden |= _OF_AN_AGENT if "model" in self.current_state else frozenset()
        return {name: value for name, value in self._source().items() if name not in hidden}


def load_settings(options: Mapping[str, Any]) -> Settings:
    """Settings from ``options`` (None: not given), the environment, ``.env`` and a profile.

    Raises SettingsError.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        settings = Settings(**given)
        settings.check()
    except ValidationError as error:
        lines = [_describe(one, given) for one in error.errors()]
        raise SettingsError("\n".join(lines)) from error
    except UnfitError as error:
        raise SettingsError(f"{_name_of(error.field, given)}: {error.message}") from error
    return settings


def _describe(error: Any, given: Mapping[str, Any]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{_name_of(str(error['loc'][0]), given)}: {message[:1].lower()}{message[1:]}"


def _name_of(field: str, given: Mapping[str, Any]) -> str:
    """What the value of a field is called where it came from."""
    option, variable = option_of(Settings, field), variable_of(Settings, field)
    if field in given:
        return option
    environment = read_environment()
    for name in (variable, f"AZURE_{variable}"):
        if name in environment:
            return name
    profile = given.get("profile") or environment.get("VOICELIVE_PROFILE")
    if profile and field in _read_profile(Path(profile)):
        return f"{profile}: {_key_of(field)}"
    return option


def _key_of(field: str) -> str:
    """The key of a field in a profile."""
    return option_of(Settings, field).removeprefix("--")


def _read_profile(path: Path) -> dict[str, Any]:
    """The settings in a TOML file. Raises SettingsError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"--profile {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"--profile {path}: not TOML: {error}") from error
    fields = {_key_of(field): field for field in Settings.model_fields}
    values: dict[str, Any] = {}
    for key, value in table.items():
        field = fields.get(key.replace("_", "-"))
        if field is None:
            raise SettingsError(
                f"{path}: {key}: no such setting; {spell_command('talk --help')} lists them"
            )
        # One value may stand for a list of one.
        values[field] = [value] if isinstance(value, str) and _is_list(field) else value
    return values


def _is_list(field: str) -> bool:
    return Ellipsis in get_args(Settings.model_fields[field].annotation)


def _is_azure(endpoint: str | None) -> bool:
    host = (urlsplit(endpoint or "").hostname or "").lower()
    return host.endswith((".azure.com", ".azure.us", ".azure.cn"))
