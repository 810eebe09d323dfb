"""Admission: whom a service answers, by the key that it asks for, or without one by this machine.

Without a key, any web page that its owner opens could use a service of this machine: browsers ask
nobody before they open a WebSocket or send ``text/plain``. A page of another site is known by its
``Origin``, and one whose name was pointed at this machine (DNS rebinding) by its ``Host``.
"""

import base64
import binascii
import contextlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from voicelive_agent.wire.net import is_this_machine

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.ASCII)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_OF_SOCKETS: Final = {"ws": "http", "wss": "https"}
_SHOWN_CHARACTERS = 200
_KEY_PROTOCOL = "api-key"
_OPENAI_KEY_PROTOCOL = "openai-insecure-api-key"
"""Of OpenAI's clients in browsers (``realtime`` of the npm package openai)."""


def has_key(
    key: str,
    headers: Mapping[str, str],
    query: Mapping[str, str] | None = None,
    subprotocols: Iterable[str] = (),
) -> bool:
    """Whether a request brings ``key``, as ``api-key`` or as a bearer token.

    ``headers`` are decoded as Latin-1, as ASGI servers do it. Browsers can set none on a WebSocket:
    a service that serves those gives its ``subprotocols`` too, where a key is ``api-key.`` and the
    key in base64url, or as OpenAI's clients offer it; and the ``query``, for ``api-key`` and
    ``Authorization``, which clients other than pages send.
    """
    offered = [text.encode("latin-1", "replace") for text in _find_keys(headers)]
    offered += [text.encode(errors="replace") for text in _find_keys(query or {})]
    offered += _find_offered_keys(subprotocols)
    return any(hmac.compare_digest(one, key.encode()) for one in offered if one)


def _find_keys(given: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, token = (given.get("authorization") or given.get("Authorization") or "").partition(
        " "
    )
    return given.get("api-key") or "", token.strip() if scheme.lower() == "bearer" else ""


def _find_offered_keys(subprotocols: Iterable[str]) -> Iterator[bytes]:
    for offered in subprotocols:
        name, _, value = offered.strip().partition(".")
        if name == _KEY_PROTOCOL:
            with contextlib.suppress(binascii.Error, ValueError):
                yield base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
        elif name == _OPENAI_KEY_PROTOCOL:
            yield value.encode("latin-1", "replace")


def read_origin(text: str) -> str:
    """A web page's origin as browsers write it, such as ``http://localhost:3000``.

    Raises ValueError for what is none, and for ``null``, which any page in a sandbox has.
    """
    scheme, separator, authority = text.strip().lower().partition("://")
    if not separator or not _SCHEME.fullmatch(scheme) or not _AUTHORITY.fullmatch(authority):
        raise ValueError(
            f"{text!r} is no origin of a web page: write its scheme, host and port, such as"
            " http://localhost:3000"
        )
    return _join(scheme, authority)


def read_origins(texts: Iterable[str]) -> tuple[str, ...]:
    """Several of them. Raises ValueError."""
    return tuple(dict.fromkeys(read_origin(text) for text in texts))


def _join(scheme: str, authority: str) -> str:
    port = _DEFAULT_PORTS.get(scheme)
    return f"{scheme}://{authority.removesuffix(f':{port}') if port else authority}"


@dataclass(frozen=True, slots=True)
class LocalAdmission:
    """Whom a service without a key answers: programs and its own pages, both of this machine."""

    how_to_open: str
    """What lets other machines in, for messages: "start it with --api-key KEY"."""
    origin_option: str = "--allow-origin"
    origins: Sequence[str] = ()
    """Other pages that are let in, as ``read_origins`` gives them."""

    def find_fault(self, scheme: str, hosts: Sequence[str], origins: Sequence[str]) -> str | None:
        """Why a request is refused and what to do instead; None where it is answered.

        ``scheme`` is that of its URL; ``hosts`` and ``origins`` are all its headers ``Host`` and
        ``Origin``, of which a proper request has one and at most one.
        """
        names = [_AUTHORITY.fullmatch(host.lower()) for host in hosts]
        if not names or not all(name and is_this_machine(name[1]) for name in names):
            return (
                f"The Host of this request ({_show(hosts) or 'none'}) is not this machine: without"
                " a key, only 127.0.0.1, localhost and the like are answered. Use such an address,"
                f" or {self.how_to_open}."
            )
        scheme = _OF_SOCKETS.get(scheme, scheme)
        own = {_join(scheme, host.lower()) for host in hosts}
        if any(origin not in own and origin not in self.origins for origin in origins):
            return (
                f"A web page of another origin ({_show(origins)}) is not answered without a key:"
                f" start this with {self.origin_option} and the page's origin, such as"
                f" http://localhost:3000, or {self.how_to_open}."
            )
        return None


def _show(headers: Sequence[str]) -> str:
    return ", ".join(headers)[:_SHOWN_CHARACTERS]
