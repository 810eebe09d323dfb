"""The agent under judgement: its URL, its headers, and the options of the run."""

import os
import string
import uuid
from dataclasses import dataclass, field

import pytest

from voicelive_agent.wire.bridge import messages as bridge

TEXT = "what is the weather in seattle"


def new_session() -> str:
    return f"contract-{uuid.uuid4().hex}"


@dataclass(frozen=True)
class Target:
    """The agent that is judged. Headers and query may be secret, so its text form has neither."""

    url: str
    """Its address, without a slash at the end."""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    query: dict[str, str] = field(default_factory=dict, repr=False)
    text: str = TEXT
    """Something that a caller of this agent would say."""
    slow_text: str = TEXT
    """Something whose answer takes this agent a while."""
    keepalive_seconds: float | None = None
    pid: int | None = None
    concurrency: int = 50
    timeout_seconds: float = 30.0
    scripted: bool = False
    """Whether the agent is ``contract.agents:scripted``, which does what it is told."""
    strict: bool = False
    session: str = field(default_factory=new_session)
    """A session that tests may share."""

    @property
    def deployed(self) -> bool:
        """Whether the platform stands between the tests and the container."""
        return "/endpoint/protocols" in self.url


def read_target(config: pytest.Config, url: str) -> Target:
    """The agent at ``url`` with the options of the command line. Raises pytest.UsageError."""
    # Where the whole suite runs, these options are not known before they are parsed.
    text = config.getoption("--agent-text", None) or TEXT
    return Target(
        url=_find_base(url),
        headers=dict(_split(item, ":", "--agent-header") for item in _many(config, "header")),
        query=dict(_split(item, "=", "--agent-query") for item in _many(config, "query")),
        text=text,
        slow_text=config.getoption("--agent-slow-text", None) or text,
        keepalive_seconds=config.getoption("--agent-keepalive-seconds", None),
        pid=config.getoption("--agent-pid", None),
        concurrency=config.getoption("--agent-concurrency", 50),
        timeout_seconds=config.getoption("--agent-timeout-seconds", 30.0),
        strict=config.getoption("--agent-strict", False),
    )


def _find_base(url: str) -> str:
    """The server's address over HTTP, whichever protocol's path the URL names."""
    base = f"http{url[2:]}" if url.startswith(("ws://", "wss://")) else url
    base = base.rstrip("/")
    for path in ("/invocations", "/responses", *bridge.PATHS):
        base = base.removesuffix(path)
    return base


def _many(config: pytest.Config, name: str) -> list[str]:
    return config.getoption(f"--agent-{name}", None) or []


_EXAMPLES = {
    "--agent-header": "'Authorization: Bearer $AGENT_TOKEN'",
    "--agent-query": "api-version=v1",
}


def _split(item: str, separator: str, option: str) -> tuple[str, str]:
    """Name and value; ``$NAME`` in the value is read from the environment."""
    name, found, value = item.partition(separator)
    if not found or not name.strip():
        raise pytest.UsageError(
            f"{option} needs a name, {separator!r} and a value: {option} {_EXAMPLES[option]}"
        )
    try:
        return name.strip(), string.Template(value.strip()).substitute(os.environ)
    except KeyError as error:
        raise pytest.UsageError(
            f"{option} {name.strip()}: the environment has no variable {error}. "
            "Export it, or write $$ for a dollar sign."
        ) from None
    except ValueError:
        raise pytest.UsageError(
            f"{option} {name.strip()}: write $NAME for a variable, or $$ for a dollar sign."
        ) from None
