"""Every setting of the client: options, environment, ``.env``, TOML profile, in this order.

The option ``--voice-rate`` is the variable ``VOICELIVE_VOICE_RATE`` (or, as Microsoft's samples
write it, ``AZURE_VOICELIVE_VOICE_RATE``) and the key ``voice-rate`` of a profile.
"""

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError, field_validator

from voicelive_agent.client.profile import Profile, Texts, UnfitError, setting

PREFIXES = ("VOICELIVE_", "AZURE_VOICELIVE_")
EMULATOR_URL = "http://127.0.0.1:8090"


class SettingsError(Exception):
    """Settings that can't be used; the text names each and says what is valid."""


class Settings(Profile):
    """All settings; frozen."""

    endpoint: str | None = setting(
        "where", "https://<resource>.services.ai.azure.com; default: a running emulator"
    )
    api_key: SecretStr | None = setting(
        "where", "key of the resource; default: your sign-in (az login)", min_length=1
    )
    agent_name: str | None = setting("where", "the hosted agent", min_length=1)
    project_name: str | None = setting(
        "where", "the Foundry project that it lives in", min_length=1
    )
    agent_version: str | None = setting(
        "where", "a version of it; default: the latest", min_length=1
    )
    conversation_id: str | None = setting(
        "where", "go on with an earlier conversation", min_length=1
    )
    model: str | None = setting(
        "where", "talk to a model instead, such as gpt-realtime", min_length=1
    )
    foundry_resource: str | None = setting(
        "where", "resource of an agent that lives in another one", min_length=1
    )
    identity_client_id: str | None = setting(
        "where", "managed identity that calls that agent", min_length=1
    )
    api_version: str | None = setting("where", "default: the SDK's", min_length=1)

    tools: Path | None = setting("tools", "Python file; its public functions are the model's tools")
    tool_timeout_s: float = setting(
        "tools", "how long a function may take; default 30", default=30.0, gt=0
    )
    mcp_servers: Texts = setting("tools", "LABEL=URL of an MCP server; repeatable", default=())
    mcp_approval: Literal["always", "never"] = setting(
        "tools", "whether you are asked before each call", default="always"
    )

    push_to_talk: bool = setting("sound", "Enter starts and ends your turn", default=False)
    microphone: str | None = setting("sound", "name or number; --list-devices shows them")
    loudspeaker: str | None = setting("sound", "name or number")
    inputs: Texts = setting(
        "sound",
        "audio file, or - for standard input, in place of a microphone; repeatable",
        default=(),
    )
    output: str | None = setting("sound", "write the agent's voice to this WAV file")
    fast: bool = setting("sound", "send files as fast as possible", default=False)
    record: Path | None = setting("sound", "keep both sides as stereo WAV, and the events")
    json_lines: bool = setting("sound", "print one event a line, for scripts", default=False)
    answer_timeout_s: float = setting(
        "sound", "with files: how long to wait for an answer; default 30", default=30.0, gt=0
    )

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
        return not self.inputs and not self.text_only

    @property
    def is_manual(self) -> bool:
        """Whether turns end by the client's own ``commit``."""
        return self.push_to_talk or self.turn_detection == "none"

    def check(self) -> None:
        super().check()
        if self.agent_name and self.model:
            raise UnfitError("model", "an agent brings its own model: give one of both")
        if self.agent_name and not self.project_name:
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
        elif self.endpoint and not self.model:
            raise UnfitError(
                "agent_name", "whom to talk to? Give --agent-name and --project-name, or --model"
            )
        for field in sorted(_OF_A_MODEL - {"model"}):
            if getattr(self, field) not in (None, ()) and not self.model:
                raise UnfitError(field, "an agent has its own; it goes with --model only")
        for server in self.mcp_servers:
            label, equals, url = server.partition("=")
            if not (label and equals and url.startswith(("https://", "http://"))):
                raise UnfitError(
                    "mcp_servers", "write LABEL=URL, as in docs=https://example.com/mcp"
                )
        if self.text_only and (self.inputs or self.output or self.push_to_talk):
            raise UnfitError("text_only", "has no sound: leave --input, --output, --push-to-talk")
        if self.fast and not self.inputs:
            raise UnfitError("fast", "only files can be sent faster than real time: give --input")


def option_of(field: str) -> str:
    """The command line's name of a setting."""
    return "--" + _SHORT.get(field, field).replace("_", "-")


_OF_A_MODEL = frozenset(
    (
        "model",
        "instructions",
        "temperature",
        "max_output_tokens",
        "reasoning_effort",
        "tools",
        "mcp_servers",
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
_SHORT = {
    "inputs": "input",
    "phrases": "phrase",
    "interim_texts": "interim_text",
    "interim_triggers": "interim_trigger",
    "turn_languages": "turn_language",
    "mcp_servers": "mcp_server",
    "json_lines": "json",
}


def load_settings(
    options: Mapping[str, Any],
    *,
    profile: Path | None = None,
    environment: Mapping[str, str | None] | None = None,
) -> Settings:
    """Settings from ``options`` (None: not given), the environment and a profile.

    ``environment`` defaults to the process's, and the file ``.env`` under it. Raises
    SettingsError.
    """
    if environment is None:
        environment = {**dotenv_values(".env"), **os.environ}
    layers = [
        (option_of, {name: value for name, value in options.items() if value is not None}),
        (_variable_of, _read_environment(environment)),
        (_key_in(profile), _read_profile(profile) if profile else {}),
    ]
    values: dict[str, Any] = {}
    names: dict[str, str] = {}
    for name_of, layer in layers:
        # Who names an agent on the command line doesn't want the model of the environment.
        hidden = _OF_A_MODEL if "agent_name" in values else frozenset()
        hidden |= _OF_AN_AGENT if "model" in values else frozenset()
        for field, value in layer.items():
            if field not in values and field not in hidden:
                values[field] = value
                names[field] = name_of(field)
    try:
        settings = Settings(**values)
        settings.check()
    except ValidationError as error:
        raise SettingsError("\n".join(_describe(one, names) for one in error.errors())) from error
    except UnfitError as error:
        name = names.get(error.field, option_of(error.field))
        raise SettingsError(f"{name}: {error.message}") from error
    return settings


def _describe(error: Any, names: Mapping[str, str]) -> str:
    field = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        return f"{names.get(field, field)}: no such setting; voicelive-agent talk --help lists them"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{names.get(field, option_of(field))}: {message[:1].lower()}{message[1:]}"


def _variable_of(field: str) -> str:
    return PREFIXES[0] + option_of(field).removeprefix("--").replace("-", "_").upper()


def _key_in(profile: Path | None) -> Any:
    return lambda field: f"{profile}: {option_of(field).removeprefix('--')}"


def _read_environment(environment: Mapping[str, str | None]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in Settings.model_fields:
        for prefix in PREFIXES:
            name = _variable_of(field).removeprefix(PREFIXES[0])
            # An empty variable is one that is not set.
            if value := environment.get(prefix + name):
                values.setdefault(field, value)
    return values


def _read_profile(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"--profile {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"--profile {path}: not TOML: {error}") from error
    fields = {short: field for field, short in _SHORT.items()}
    read: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        field = fields.get(name, name)
        # One value may stand for a list of one.
        if isinstance(value, str) and _is_list(field):
            value = [value]
        read[field] = value
    return read


def _is_list(field: str) -> bool:
    info = Settings.model_fields.get(field)
    return info is not None and Ellipsis in get_args(info.annotation)


def _is_azure(endpoint: str | None) -> bool:
    host = (urlsplit(endpoint or "").hostname or "").lower()
    return host.endswith((".azure.com", ".azure.us", ".azure.cn"))
