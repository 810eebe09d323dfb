"""Location of conversations: which store a ``VOICELIVE_CONVERSATIONS`` setting names."""

import re
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from voicelive_agent.command_name import spell_commands
from voicelive_agent.server.conversations.store import ConversationStore, Limits

_FORMS = (
    "use sqlite (a file under $HOME), sqlite:///absolute/path/to/file, "
    "redis://host:6379/0, rediss://host:6380/0 (TLS), or memory: (kept until the process ends)"
)
_WINDOWS_DRIVE = re.compile(r"/[A-Za-z]:[/\\]")


def open_store(
    url: str = "sqlite",
    limits: Limits | None = None,
    *,
    lease_seconds: float = 15.0,
    serving: bool = False,
) -> ConversationStore:
    """The store that ``url`` names; call its ``open`` before anything else.

    With ``serving``, ``sqlite`` opens where $HOME can't be written too, in memory.
    ``lease_seconds`` is how long a replica may be silent before others take its turns for dead
    (Redis only). The limits of all conversations together don't apply to Redis, which has its own
    ``maxmemory``. Raises ValueError for a URL or a lease that makes no sense.
    """
    limits = limits or Limits()
    scheme, _, rest = url.partition(":")
    if scheme == "memory" and not rest:
        from voicelive_agent.server.conversations.memory import MemoryStore

        return MemoryStore(limits)
    if url == "sqlite" and serving:
        from voicelive_agent.server.conversations.home import HomeStore

        return HomeStore(locate_sqlite(url), limits)
    if scheme == "sqlite":
        from voicelive_agent.server.conversations.sqlite.store import SqliteStore

        return SqliteStore(locate_sqlite(url), limits)
    if scheme in ("redis", "rediss") and rest:
        if find_spec("redis") is None:
            need = "conversations in Redis need an extra: pip install 'voicelive-agent[redis]'"
            raise ValueError(spell_commands(need))
        from voicelive_agent.server.conversations.redis.store import RedisStore

        return RedisStore(url, limits, lease_seconds=lease_seconds)
    # A URL can hold a password: name only its scheme.
    raise ValueError(f"{scheme!r} names no conversation store: {_FORMS}")


def locate_sqlite(url: str) -> Path:
    """The file that a ``sqlite`` URL names. Raises ValueError."""
    if url == "sqlite":
        try:
            return Path.home() / ".voicelive-agent" / "conversations.sqlite3"
        except RuntimeError as error:
            raise ValueError(
                "there is no home directory for conversations: set HOME, "
                "or VOICELIVE_CONVERSATIONS=sqlite:///absolute/path/to/file"
            ) from error
    path = unquote(url.removeprefix("sqlite://"))
    if _WINDOWS_DRIVE.match(path):
        path = path[1:]
    location = Path(path)
    if not url.startswith("sqlite:///") or path.endswith("/") or not location.is_absolute():
        raise ValueError(
            f"{url!r} names no file: use sqlite:///absolute/path/to/file, with three slashes, "
            "or sqlite for a file under $HOME"
        )
    if "?" in url or "\0" in path:
        raise ValueError(f"{url!r} has no options: write %3F for a question mark in the path")
    return location


def describe_location(url: str) -> str:
    """Where conversations are that ``url`` names a store of; no password is in it."""
    if url == "memory:":
        return "memory, until this process ends"
    if url.startswith("sqlite"):
        return str(locate_sqlite(url))
    place = urlsplit(url)
    return f"Redis at {place.hostname or 'localhost'}:{place.port or 6379}"
