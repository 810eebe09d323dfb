"""Every setting of the emulator: options, ``VOICELIVE_EMULATOR_…``, ``.env``, TOML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    model_validator,
)
from pydantic_settings import NoDecode, SettingsConfigDict

from voicelive_agent.emulator.agents import AnswerLimits
from voicelive_agent.settings_sources import (
    ProgramSettings,
    load,
    setting,
    split_list,
    strip,
)
from voicelive_agent.wire.admission import read_origins
from voicelive_agent.wire.net import DEFAULT_AGENT_PORT, DEFAULT_EMULATOR_PORT

AgentProtocol = Literal["invocations", "responses", "bridge", "auto"]

ANY_AGENT = "*"
"""The agent name that stands for every name without an address of its own."""


class AgentAddress(BaseModel):
    """Where the agent that clients call by ``name`` answers, and how it is spoken to."""

    name: str = Field(min_length=1)
    url: str
    protocol: AgentProtocol = "invocations"


def _lower_case(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _pairs(value: object, what: str) -> object:
    """``NAME=VALUE`` texts as a mapping; a text without ``NAME=`` stands for any agent."""
    value = split_list(value)
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


def _local_agent(given: dict[str, Any]) -> dict[str, AnyHttpUrl]:
    """Any agent is the one on this machine, whose port ``PORT`` moves as it does the server's."""
    return {
        ANY_AGENT: AnyHttpUrl(f"http://127.0.0.1:{given.get('agent_port', DEFAULT_AGENT_PORT)}")
    }


def _agent_urls(value: object) -> object:
    return _pairs(value, "URL, such as my-agent=http://127.0.0.1:8088")


def _agent_protocols(value: object) -> object:
    return _pairs(value, "invocations or NAME=responses")


_WHERE = "where it listens"
_WHO = "who answers"
_SPEECH = "hearing and speaking"
_KEEPS = "what it keeps and says"
_LIMITS = "limits, which no voice agent should meet"


class Settings(ProgramSettings):
    """Settings of one emulator. Read them with ``load_settings``."""

    model_config = SettingsConfigDict(env_prefix="VOICELIVE_EMULATOR_")
    toml_table = "emulator"

    host: str = setting(_WHERE, "address; the default is this machine alone", "127.0.0.1")
    port: int = setting(_WHERE, "0 picks a free one", DEFAULT_EMULATOR_PORT, ge=0, le=65535)
    api_key: Annotated[SecretStr | None, BeforeValidator(strip)] = setting(
        _WHERE, "let in this key or token alone; other machines need one", None
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

    tls: bool = setting(
        _WHERE, "speak https:// and wss:// alone, with a certificate made here", False
    )
    tls_cert: Path | None = setting(_WHERE, "the same with this one (PEM)", None, metavar="FILE")
    tls_key: Path | None = setting(
        _WHERE, "its key, where --tls-cert does not hold it", None, metavar="FILE"
    )

    agent_port: int = setting(
        _WHO,
        "where the agent of this machine listens",
        DEFAULT_AGENT_PORT,
        variable="PORT",
        ge=1,
        le=65535,
    )
    agent_api_key: SecretStr | None = setting(
        _WHO, "what the agent wants as `api-key`", None, variable="VOICELIVE_AGENT_API_KEY"
    )
    agents: Annotated[dict[str, AnyHttpUrl], NoDecode, BeforeValidator(_agent_urls)] = setting(
        _WHO,
        "the agent that clients call NAME; repeatable; without NAME= for any other name; default: "
        "any name is the agent of this machine",
        default_factory=_local_agent,
        option="--agent",
        metavar="NAME=URL",
    )
    agent_protocols: Annotated[
        dict[str, AgentProtocol], NoDecode, BeforeValidator(_agent_protocols)
    ] = setting(
        _WHO,
        "invocations (default), responses, bridge, or auto, which asks it; for one or for all",
        default_factory=dict,
        option="--agent-protocol",
        metavar="[NAME=]PROTOCOL",
    )
    agent_timeout: float = setting(
        _WHO, "how long an agent or model may be silent, in seconds", 60, gt=0
    )
    answer_timeout: float = setting(
        _WHO, "how long a whole answer may be waited for, in seconds", 180, gt=0
    )
    no_input_timeout: float | None = setting(
        _WHO,
        "after how long a silence an agent of the Bridge is told of it, in seconds",
        None,
        gt=0,
    )
    agent_greeting: str = setting(
        _WHO,
        "what calls of an agent of the Bridge begin with, as the greeting of its voice agent",
        "",
        metavar="TEXT",
    )
    model_url: AnyHttpUrl | None = setting(
        _WHO, "OpenAI-compatible endpoint for model=…", None, metavar="URL"
    )
    model_name: str | None = setting(
        _WHO, "ask for this model, whatever model= says", None, metavar="NAME"
    )
    model_key: SecretStr | None = setting(_WHO, "its API key", None)
    model_script: Path | None = setting(_WHO, "offline answers for model=…", None, metavar="FILE")

    stt: str = setting(_SPEECH, "speech to text; see below", "auto", metavar="ENGINE")
    tts: str = setting(_SPEECH, "text to speech; see below", "auto", metavar="ENGINE")
    end_of_turn: str = setting(
        _SPEECH, "none, or smart-turn where it was fetched", "auto", metavar="MODEL"
    )
    phrases: Path | None = setting(
        _SPEECH, "words to listen for, one phrase a line", None, metavar="FILE"
    )
    models_dir: Path | None = setting(_SPEECH, "where models are kept", None, metavar="DIR")
    models_url: str | None = setting("", "a mirror of speech models", None)
    stt_key: SecretStr | None = setting("", "of the endpoint in --stt openai:URL", None)
    stt_model: str | None = setting("", "of the same endpoint", None)
    tts_key: SecretStr | None = setting("", "of the endpoint in --tts openai:URL", None)
    tts_model: str | None = setting("", "of the same endpoint", None)

    record: Path | None = setting(
        _KEEPS, "keep sound and events of each session", None, metavar="DIR"
    )
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], BeforeValidator(_lower_case)
    ] = setting(_KEEPS, "level of the log", "info")

    session_minutes: float = setting(_LIMITS, "the longest session", 60, gt=0, metavar="N")
    max_sessions: int = setting(_LIMITS, "sessions at once", 256, ge=1)
    max_answer_characters: int = setting(
        _LIMITS, "the text of one answer of an agent or model", 100_000, ge=1
    )
    max_answer_bytes: int = setting(
        _LIMITS, "one answer with all its events, decoded", 16 << 20, ge=1
    )
    max_event_members: int = setting(
        _LIMITS, "members and elements in one event of a client", 100_000, ge=100
    )
    max_items: int = setting(_LIMITS, "items of one conversation", 10_000, ge=1)
    max_item_characters: int = setting(
        _LIMITS, "all items of one conversation together", 32 << 20, ge=1
    )

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

    def answer_limits(self) -> AnswerLimits:
        return AnswerLimits(
            silence_s=self.agent_timeout,
            whole_s=self.answer_timeout,
            body_bytes=self.max_answer_bytes,
        )

    def no_input_ms(self) -> int | None:
        return (
            None if self.no_input_timeout is None else max(1, round(self.no_input_timeout * 1000))
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


def load_settings(env_file: Path | None = None, **options: Any) -> Settings:
    """Settings from options, the environment, ``.env`` and TOML. Raises SettingsError."""
    return load(Settings, options, env_file)
