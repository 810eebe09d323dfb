"""Every setting of the emulator: variables ``VOICELIVE_EMULATOR_…``, overridden by options."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AnyHttpUrl, BaseModel, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from voicelive_agent.wire.net import DEFAULT_EMULATOR_PORT

AgentProtocol = Literal["invocations", "responses"]

ANY_AGENT = "*"
"""The agent name that stands for every name without an address of its own."""

DEFAULT_AGENT_PORT = "8088"


class AgentAddress(BaseModel):
    """Where the agent that clients call by ``name`` answers, and how it is spoken to."""

    name: str = Field(min_length=1)
    url: str
    protocol: AgentProtocol = "invocations"


def _split(value: object) -> object:
    """``a, b c`` as a list; anything but text is left as it is."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _pairs(value: object, what: str) -> object:
    """``NAME=VALUE`` texts as a mapping; a text without ``NAME=`` stands for any agent."""
    value = _split(value)
    if isinstance(value, Mapping) or not isinstance(value, (list, tuple)):
        return value
    pairs: dict[str, str] = {}
    for text in value:
        name, equals, rest = str(text).partition("=")
        # A URL may hold "=" in its query, so only a plain word before it is a name.
        if not equals or "://" in name:
            name, rest = ANY_AGENT, str(text)
        if not name or not rest:
            raise ValueError(f"{text!r}: write NAME={what}")
        if name in pairs:
            raise ValueError(f"agent {name!r} is given twice: give each name once")
        pairs[name] = rest
    return pairs


def _local_agent() -> dict[str, AnyHttpUrl]:
    """Any agent is the one on this machine, whose port ``PORT`` moves as it does the server's."""
    port = os.environ.get("PORT") or DEFAULT_AGENT_PORT
    if not port.isascii() or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ValueError(f"PORT is {port!r}: the agent's port is a number from 1 to 65535")
    return {ANY_AGENT: AnyHttpUrl(f"http://127.0.0.1:{port}")}


def _agent_urls(value: object) -> object:
    return _pairs(value, "URL, such as my-agent=http://127.0.0.1:8088")


def _agent_protocols(value: object) -> object:
    return _pairs(value, "invocations or NAME=responses")


class Settings(BaseSettings):
    """The emulator's settings; raises pydantic's ValidationError for values it can't use."""

    model_config = SettingsConfigDict(
        env_prefix="VOICELIVE_EMULATOR_", extra="forbid", frozen=True, env_ignore_empty=True
    )

    host: str = "127.0.0.1"
    port: int = Field(default=DEFAULT_EMULATOR_PORT, ge=0, le=65535)
    api_key: SecretStr | None = None
    """The only key or bearer token that is let in; any is where this is None."""

    agents: Annotated[dict[str, AnyHttpUrl], NoDecode, BeforeValidator(_agent_urls)] = Field(
        default_factory=_local_agent
    )
    agent_protocols: Annotated[
        dict[str, AgentProtocol], NoDecode, BeforeValidator(_agent_protocols)
    ] = Field(default_factory=dict)
    agent_timeout: float = Field(default=60, gt=0)
    """How many seconds an agent, or the model, may be silent."""
    start_agent: bool = False
    """Start the agent server as a child process at the address of the agent ``*``."""

    stt: str = "auto"
    tts: str = "auto"
    end_of_turn: str = "none"
    phrases: Path | None = None
    models_dir: Path | None = None

    model_url: AnyHttpUrl | None = None
    model_name: str | None = None
    model_key: SecretStr | None = None
    model_script: Path | None = None

    record: Path | None = None
    session_minutes: float = Field(default=60, gt=0)
    max_sessions: int = Field(default=256, ge=1)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="after")
    def _check_agent_protocols(self) -> Self:
        unknown = set(self.agent_protocols) - set(self.agents) - {ANY_AGENT}
        if unknown:
            raise ValueError(
                f"--agent-protocol names {', '.join(sorted(unknown))}, which no --agent NAME=URL "
                "gives an address: add it, or correct the name"
            )
        return self

    def addresses(self) -> tuple[AgentAddress, ...]:
        """The agents with their protocols; a protocol without a name is everybody's default."""
        default = self.agent_protocols.get(ANY_AGENT, "invocations")
        return tuple(
            AgentAddress(
                name=name,
                url=str(url).rstrip("/"),
                protocol=self.agent_protocols.get(name, default),
            )
            for name, url in self.agents.items()
        )

    def read_phrases(self) -> tuple[str, ...]:
        """The phrases of ``--phrases FILE``: one a line, ``#`` starts a comment.

        Raises ValueError where the file can't be read.
        """
        if (path := self.phrases) is None:
            return ()
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"--phrases {path}: not readable as UTF-8 text ({error})") from error
        phrases = (line.partition("#")[0].strip() for line in lines)
        return tuple(phrase for phrase in phrases if phrase)


def load_settings(**options: Any) -> Settings:
    """Settings from the environment; options that aren't None come first."""
    return Settings(**{name: value for name, value in options.items() if value is not None})
