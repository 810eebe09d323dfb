"""Default ports, and whether a host is this machine."""

import ipaddress
from urllib.parse import urlsplit

DEFAULT_AGENT_PORT = 8088
"""Where the agent server listens, and where the emulator asks the agent of this machine."""
DEFAULT_EMULATOR_PORT = 8090
"""Where the emulator listens, and where a client looks for it."""


def is_this_machine(host: str | None) -> bool:
    """Whether a host, by name or address, is this machine and no other; no name is looked up.

    All of 127.0.0.0/8, ``::1``, the same written as IPv4-mapped IPv6, ``localhost`` and what ends
    in ``.localhost``; brackets and a final dot are tolerated.
    """
    name = (host or "").lower().removesuffix(".")
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    # Python before 3.13 says no of mapped addresses.
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def is_on_this_machine(url: str) -> bool:
    """Whether a URL's host is this machine; what is no URL is not."""
    try:
        return is_this_machine(urlsplit(url).hostname)
    except ValueError:
        return False
