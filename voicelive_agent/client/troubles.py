"""What goes wrong between the client and the service, each as one sentence with the next step.

The SDK's own error texts hold the whole URL with everything in its query, so none of them is
ever shown: a ``Trouble`` is made from an error's kind and HTTP status.
"""

import logging
import re
import socket
import ssl
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from azure.core.exceptions import ClientAuthenticationError

from voicelive_agent.client.settings import Settings
from voicelive_agent.command_name import spell_command
from voicelive_agent.wire.net import is_on_this_machine

NORMAL_CLOSURE = 1000
SECRET_LENGTH_MIN = 6
"""What is shorter in a query is no secret, and stands in many a word."""


class ConversationError(Exception):
    """The conversation can't go on; the text says what to do next."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no connection. ``may_pass``: trying again later can help."""

    text: str
    may_pass: bool = False
    retry_after_s: float | None = None


def quiet_logs() -> None:
    """The SDK and azure-identity log whole URLs and frames; every failure is explained here."""
    for name in ("azure", "msal", "aiohttp", "asyncio"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    warnings.simplefilter("ignore", ResourceWarning)


def explain(error: BaseException, settings: Settings, endpoint: str) -> Trouble:
    """What to tell a person about an error that came up while connecting."""
    host = urlsplit(endpoint).hostname or endpoint
    for cause in _causes(error):
        match cause:
            case aiohttp.WSServerHandshakeError():
                retry_after = cause.headers.get("Retry-After") if cause.headers else None
                return explain_status(cause.status, settings, endpoint, retry_after)
            case ClientAuthenticationError():
                return Trouble(_explain_sign_in(cause, settings))
            case aiohttp.ClientConnectorDNSError() | socket.gaierror():
                return Trouble(
                    f"There is no host named {host}: check --endpoint for a typing error, "
                    "and this machine's network.",
                    may_pass=True,
                )
            case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
                return Trouble(_explain_certificate(host, endpoint, settings))
            case aiohttp.ClientSSLError() | ssl.SSLError():
                return Trouble(
                    f"{host} does not speak TLS at this port: check --endpoint "
                    "(http:// for a local emulator, https:// for Azure)."
                )
            case TimeoutError():
                return Trouble(
                    f"{host} did not answer in time: check the network and --endpoint.",
                    may_pass=True,
                )
    if any(isinstance(cause, aiohttp.ClientConnectorError | OSError) for cause in _causes(error)):
        hint = (
            f"start the emulator with `{spell_command('emulate')}`"
            if is_on_this_machine(endpoint)
            else "check --endpoint, the network, and whether a firewall or a private endpoint "
            "stands between"
        )
        return Trouble(f"{_address(endpoint)} can't be reached: {hint}.", may_pass=True)
    if any(isinstance(cause, aiohttp.ClientError) for cause in _causes(error)):
        hint = (
            " (https:// for an emulator with --tls)"
            if urlsplit(endpoint).scheme in ("http", "ws") and is_on_this_machine(endpoint)
            else ""
        )
        return Trouble(
            f"{_address(endpoint)} is not a Voice Live service: check --endpoint{hint}.",
            may_pass=True,
        )
    return Trouble(f"Connecting to {host} failed ({type(error).__name__}): check --endpoint.")


def explain_status(
    status: int, settings: Settings, endpoint: str, retry_after: str | None = None
) -> Trouble:
    """What an HTTP status at the handshake means."""
    host = urlsplit(endpoint).hostname or endpoint
    if status == 401:
        if settings.api_key:
            if settings.agent_name and not is_on_this_machine(endpoint):
                return Trouble(
                    "Agents take a sign-in only, no key: leave --api-key out and run `az login`."
                )
            return Trouble(f"{host} refuses the key: check --api-key, and that it belongs there.")
        if is_on_this_machine(endpoint):
            return Trouble(f"{host} wants a key: give the emulator's with --api-key.")
        return Trouble(
            f"{host} refuses the sign-in: run `az login` with the tenant of that resource "
            "(az login --tenant …)."
        )
    if status == 403:
        return Trouble(
            "This account may not use the resource: ask for the role `Foundry User` (once "
            f"`Azure AI User`) on the Foundry resource {host.split('.')[0]} (it takes some "
            "minutes to hold); with a private network, connect from inside it."
        )
    if status == 404:
        return Trouble(
            f"{host} has no Voice Live: check --endpoint (the Foundry resource, "
            "https://<resource>.services.ai.azure.com), and that its region offers Voice Live."
        )
    if status == 400:
        return Trouble(
            f"{host} does not accept the request: check --agent-name and --project-name (their "
            "names, not their ids), --agent-version, --conversation-id, or --model."
        )
    if status == 429:
        return Trouble(
            "Too many connections or tokens at this resource: wait a minute, or raise its quota.",
            may_pass=True,
            retry_after_s=_seconds(retry_after),
        )
    if 300 <= status < 400:
        return Trouble(f"{host} sends the client elsewhere: give the final address as --endpoint.")
    if status >= 500:
        return Trouble(
            f"The service at {host} has a fault of its own (HTTP {status}): try again later.",
            may_pass=True,
            retry_after_s=_seconds(retry_after),
        )
    return Trouble(f"{host} answers with HTTP {status}, not with Voice Live: check --endpoint.")


def explain_event(event: dict[str, Any], settings: Settings) -> str:
    """What to show of an ``error`` event of the service."""
    error = event.get("error")
    error = error if isinstance(error, dict) else {}
    code, message = str(error.get("code") or ""), str(error.get("message") or "")
    if code == "agent_not_voice_compatible":
        return (
            f"The agent {settings.agent_name or ''} is not declared for voice: put "
            '`voiceLiveCompatible: "true"` (with the quotes) under `metadata` of its manifest '
            "and deploy it again."
        )
    if "Missing required agent connection string" in message:
        return "The service finds no agent: check --agent-name and --project-name."
    text = hide_secrets(message, settings) or "The service reports an error without a message."
    return f"{text} ({code})" if code and code not in text else text


def explain_close(code: int, endpoint: str) -> Trouble:
    """What it means that the service closed the connection with ``code``."""
    host = urlsplit(endpoint).hostname or endpoint
    if code in (1003, 1007, 1008, 1009, 1010) or 4400 <= code < 4500:
        return Trouble(
            f"{host} refuses this session (close code {code}): see the error above, or check "
            "the agent's or model's name and your rights."
        )
    return Trouble(f"{host} ended the connection (close code {code}).", may_pass=True)


def hide_secrets(text: str, settings: Settings) -> str:
    """``text`` without the key, and without what the endpoint's query holds."""
    secrets = [settings.api_key.get_secret_value()] if settings.api_key else []
    query = parse_qsl(urlsplit(settings.endpoint or "").query)
    secrets += [value for _, value in query if len(value) >= SECRET_LENGTH_MIN]
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _explain_sign_in(error: ClientAuthenticationError, settings: Settings) -> str:
    text = str(error)
    again = "run `az login`" if settings.agent_name else "run `az login`, or give --api-key"
    if code := re.search(r"AADSTS\d+", text):
        if "expired" in text.lower():
            return f"The sign-in has expired ({code[0]}): {again}."
        return (
            f"Microsoft Entra refuses the sign-in ({code[0]}): check AZURE_TENANT_ID, "
            f"AZURE_CLIENT_ID and the secret where they are set; else {again}."
        )
    if re.search(r"Cannot connect to host login\.", text):
        return "Nobody can sign in: Microsoft Entra can't be reached; check this machine's network."
    if settings.agent_name:
        return (
            "Nobody is signed in: run `az login` (in a container or CI: set AZURE_TENANT_ID, "
            "AZURE_CLIENT_ID and a secret, or use a managed identity)."
        )
    return f"Nobody is signed in: {again}."


def _explain_certificate(host: str, endpoint: str, settings: Settings) -> str:
    if not is_on_this_machine(endpoint):
        return (
            f"The certificate of {host} is not trusted: behind a proxy that reads TLS, "
            "set SSL_CERT_FILE to its certificate; else check --endpoint."
        )
    if settings.ca_file is None:
        return (
            f"The certificate of {host} is not trusted: give the emulator's with --ca-file FILE "
            "(VOICELIVE_CA_FILE), as the lines under TLS at its start say."
        )
    return (
        f"The certificate of {host} is not signed by {settings.ca_file}: give the file that the "
        "lines under TLS at the emulator's start name."
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _address(endpoint: str) -> str:
    """Scheme, host and port alone: a query may hold a key."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
