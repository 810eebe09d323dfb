"""File descriptors, which bound the connections that a server can hold.

Where there are none left, a new caller waits unheard, the store can't open its files, and asyncio
complains thousands of times a second. Apart from ``connections``, which needs httptools: the limit
is raised without it too.
"""

from contextlib import suppress

# No server of one process needs more; some systems say "unlimited" and mean less.
_ENOUGH = 65_536
# Some are for the store, for models and tools, and for telemetry.
_SHARE_OF_CALLERS = 0.75


def raise_limit() -> None:
    """Use what the system allows at most: shells and service managers set 1024 by default."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def find_max_connections() -> int:
    """How many callers may be connected at once."""
    limit = _ENOUGH
    with suppress(ImportError):
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY:
            limit = min(soft, _ENOUGH)
    return int(_SHARE_OF_CALLERS * limit)
