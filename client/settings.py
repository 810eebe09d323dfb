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
from pydantic import Field, SecretStr, ValidationError, field_validator

from client.profile import Profile, Texts, UnfitError

PREFIXES = ("VOICELIVE_", "AZURE_VOICELIVE_")
EMULATOR_URL = "http://127.0.0.1:8090"


class SettingsError(Exception):
    """Settings that can't be used; the text names each and says what is valid."""


def _group(name: str) -> dict[str, Any]:
    return {"group": name}


class Settings(Profile):
    """All settings; frozen."""

    endpoint: str | None = Field(
        None,
        description="https://<resource>.services.ai.azure.com; default: a running emulator",
        json_schema_extra=_group("where"),
    )
    api_key: SecretStr | None = Field(
        None,
        min_length=1,
        description="key of the resource; default: your sign-in (az login)",
        json_schema_extra=_group("where"),
    )
    agent_name: str | None = Field(
        None, min_length=1, description="the hosted agent", json_schema_extra=_group("where")
    )
    project_name: str | None = Field(
        None,
        min_length=1,
        description="the Foundry project that it lives in",
        json_schema_extra=_group("where"),
    )
    agent_version: str | None = Field(
        None,
        min_length=1,
        description="a version of it; default: the latest",
        json_schema_extra=_group("where"),
    )
    conversation_id: str | None = Field(
        None,
        min_length=1,
        description="go on with an earlier conversation",
        json_schema_extra=_group("where"),
    )
    model: str | None = Field(
        None,
        min_length=1,
        description="talk to a model instead, such as gpt-realtime",
        json_schema_extra=_group("where"),
    )
    foundry_resource: str | None = Field(
        None,
        min_length=1,
        description="resource of an agent that lives in another one",
        json_schema_extra=_group("where"),
    )
    identity_client_id: str | None = Field(
        None,
        min_length=1,
        description="managed identity that calls that agent",
        json_schema_extra=_group("where"),
    )
    api_version: str | None = Field(
        None, min_length=1, description="default: the SDK's", json_schema_extra=_group("where")
    )

    tools: Path | None = Field(
        None,
        description="Python file; its public functions are the model's tools",
        json_schema_extra=_group("tools"),
    )
    tool_timeout_s: float = Field(
        30.0,
        gt=0,
        description="how long a function may take; default 30",
        json_schema_extra=_group("tools"),
    )
    mcp_servers: Texts = Field(
        (), description="LABEL=URL of an MCP server; repeatable", json_schema_extra=_group("tools")
    )
    mcp_approval: Literal["always", "never"] = Field(
        "always",
        description="whether you are asked before each call",
        json_schema_extra=_group("tools"),
    )

    push_to_talk: bool = Field(
        False, description="Enter starts and ends your turn", json_schema_extra=_group("sound")
    )
    microphone: str | None = Field(
        None,
        description="name or number; --list-devices shows them",
        json_schema_extra=_group("sound"),
    )
    loudspeaker: str | None = Field(
        None, description="name or number", json_schema_extra=_group("sound")
    )
    inputs: Texts = Field(
        (),
        description="audio file, or - for standard input, in place of a microphone; repeatable",
        json_schema_extra=_group("sound"),
    )
    output: str | None = Field(
        None,
        description="write the agent's voice to this WAV file",
        json_schema_extra=_group("sound"),
    )
    fast: bool = Field(
        False, description="send files as fast as possible", json_schema_extra=_group("sound")
    )
    record: Path | None = Field(
        None,
        description="keep both sides as stereo WAV, and the events",
        json_schema_extra=_group("sound"),
    )
    json_lines: bool = Field(
        False, description="print one event a line, for scripts", json_schema_extra=_group("sound")
    )
    answer_timeout_s: float = Field(
        30.0,
        gt=0,
        description="with files: how long to wait for an answer; default 30",
        json_schema_extra=_group("sound"),
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
            raise ValueError(f"write the scheme too, such as https://{value.split('://')[-1]}")
        if not parts.hostname:
            raise ValueError("has no host: write https://<resource>.services.ai.azure.com")
        if parts.path.rstrip("/").endswith("/realtime"):
            raise ValueError(f"leave the path out: {parts.scheme}://{parts.netloc}")
        return value

    @property
    def uses_hardware(self) -> bool:
        """Whether a microphone hears, rather than a file or nobody."""
        return not self.inputs and not self.text_only

    @property
    def is_manual(self) -> bool:
        """Whether turns end by the client's own ``commit``."""
        return self.push_to_talk or self.turn_detection == "none"

    def describe_turn_detection(self) -> dict[str, Any] | None:
        return None if self.is_manual else super().describe_turn_detection()

    def mcp_tools(self) -> list[dict[str, Any]]:
        """The MCP servers as tools of a session."""
        return [
            {
                "type": "mcp",
                "server_label": label,
                "server_url": url,
                "require_approval": self.mcp_approval,
            }
            for label, _, url in (server.partition("=") for server in self.mcp_servers)
        ]

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
                raise UnfitError(field, "belongs to an agent: give agent_name too")
        if self.conversation_id and self.model:
            raise UnfitError("conversation_id", "models keep no conversations; agents do")
        if self.agent_name:
            for field in ("instructions", "temperature", "max_output_tokens", "reasoning_effort"):
                if getattr(self, field) is not None:
                    raise UnfitError(field, "the agent has its own; it goes with --model only")
            if self.tools or self.mcp_servers:
                field = "tools" if self.tools else "mcp_servers"
                raise UnfitError(field, "the agent has its own tools; it goes with --model only")
            if self.api_key and _is_azure(self.endpoint):
                raise UnfitError(
                    "api_key", "agents take a sign-in only: leave the key out and run `az login`"
                )
        elif self.endpoint and not self.model:
            raise UnfitError(
                "agent_name", "whom to talk to? Give --agent-name and --project-name, or --model"
            )
        for server in self.mcp_servers:
            label, equals, url = server.partition("=")
            if not (label and equals and url.startswith(("https://", "http://"))):
                raise UnfitError("mcp_servers", f"{server!r}: write LABEL=https://…")
        if self.text_only and (self.inputs or self.output or self.push_to_talk):
            raise UnfitError("text_only", "has no sound: leave --input, --output, --push-to-talk")
        if self.fast and not self.inputs:
            raise UnfitError("fast", "only files can be sent faster than real time: give --input")


def option_of(field: str) -> str:
    """The command line's name of a setting."""
    return "--" + _SHORT.get(field, field).replace("_", "-")


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
        hidden = {"model"} if "agent_name" in values else set()
        hidden |= {"agent_name", "project_name", "agent_version"} if "model" in values else set()
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
        return f"{names.get(field, field)}: no such setting; python -m client --help lists them"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{names.get(field, option_of(field))}: {message[:1].lower()}{message[1:]}"


def _variable_of(field: str) -> str:
    return PREFIXES[0] + field.upper()


def _key_in(profile: Path | None) -> Any:
    return lambda field: f"{profile}: {option_of(field).removeprefix('--')}"


def _read_environment(environment: Mapping[str, str | None]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in Settings.model_fields:
        for prefix in PREFIXES:
            # An empty variable is one that is not set.
            if value := environment.get(prefix + field.upper()):
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


def is_local(endpoint: str) -> bool:
    """Whether nothing but this machine hears what is sent there."""
    host = (urlsplit(endpoint).hostname or "").lower()
    return host in ("localhost", "::1") or host.startswith("127.")
