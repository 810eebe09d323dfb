"""TLS of the emulator's port: its certificate, given or made here, and what speaks past it.

Some clients connect with ``wss://`` whatever scheme they are given. A certificate of its own is
signed by an authority that is made for it alone, whose key is thrown away: who trusts that trusts
this one certificate.
"""

import logging
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from voicelive_agent.emulator.settings import Settings

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1", "*.localhost")
_TLS_HANDSHAKE = b"\x16\x03"
_PLAIN_REQUEST = "HTTP_REQUEST"
_UNTRUSTED = frozenset(
    {"TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_UNKNOWN"}
)

logger = logging.getLogger(__name__)


class TlsError(Exception):
    """The port can't speak TLS; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the port shows, in PEM."""

    chain: Path
    key: Path
    authority: Path | None
    """What clients have to trust, where it was made here."""

    def describe_trust(self) -> Iterator[str]:
        """How clients of several kinds are told to trust it, a line each."""
        if self.authority is None:
            yield f"{self.chain}: clients have to trust who signed it"
        else:
            yield f"SSL_CERT_FILE={self.authority}   (Python, OpenSSL, Go)"
            yield f"NODE_EXTRA_CA_CERTS={self.authority}   (Node.js)"
            yield f"VOICELIVE_CA_FILE={self.authority}   (voicelive-agent talk, say, check)"


def find_certificate(settings: Settings) -> Certificate | None:
    """The certificate that the settings name or ask for, loadable. Raises TlsError."""
    chain, key = settings.tls_cert, settings.tls_key
    if chain is not None:
        given = Certificate(chain, key or chain, None)
        _check(given, "--tls-cert and --tls-key")
        return given
    if key is not None:
        raise TlsError("--tls-key needs the certificate that it belongs to: add --tls-cert FILE")
    if not settings.tls:
        return None
    directory = platformdirs.user_data_path("voicelive-agent", appauthor=False) / "tls"
    return make_certificate(directory, settings.host)


def make_certificate(directory: Path, host: str) -> Certificate:
    """A certificate for this machine and ``host``, the one that is there already if it fits.

    Raises TlsError.
    """
    name = "local" if host in LOCAL_NAMES else "".join(c if c.isalnum() else "-" for c in host)
    certificate = Certificate(
        directory / f"{name}.pem", directory / f"{name}.key.pem", directory / f"{name}-ca.pem"
    )
    try:
        _check(certificate, str(directory))
    except TlsError:
        _make(certificate, [*LOCAL_NAMES, *([] if host in LOCAL_NAMES else [host])])
    return certificate


def _make(certificate: Certificate, names: list[str]) -> None:
    try:
        import trustme
    except ModuleNotFoundError as error:
        raise TlsError(
            f"{error.name} is missing: pip install 'voicelive-agent[tls]', or give a certificate "
            "with --tls-cert FILE --tls-key FILE"
        ) from error
    authority = trustme.CA(organization_name="voicelive-agent emulator")
    issued = authority.issue_cert(*names)
    try:
        certificate.chain.parent.mkdir(parents=True, exist_ok=True)
        _write(certificate.key, issued.private_key_pem.bytes())
        _write(certificate.chain, b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        if certificate.authority is not None:
            _write(certificate.authority, authority.cert_pem.bytes())
    except OSError as error:
        raise TlsError(
            f"no certificate can be kept in {certificate.chain.parent} "
            f"({error.strerror or error}): give one with --tls-cert FILE --tls-key FILE"
        ) from error


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)


def _check(certificate: Certificate, where: str) -> None:
    """Raises TlsError unless a server can show it and, where it was made here, clients trust it."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate.chain, certificate.key)
        if certificate.authority is not None:
            ssl.create_default_context(cafile=str(certificate.authority))
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise TlsError(
            f"{where}: no certificate and key in PEM that belong together ({reason})"
        ) from error


class PlainPort(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """HTTP on a port without TLS; says what to do where somebody begins with TLS."""

    _told = False

    def data_received(self, data: bytes) -> None:
        if not data.startswith(_TLS_HANDSHAKE):
            super().data_received(data)
            return
        # Once: such a client comes back again and again.
        if not PlainPort._told:
            PlainPort._told = True
            logger.warning(
                "A client speaks TLS (https://, wss://) to this port, which is plain: start the "
                "emulator with --tls, or give the client http:// or ws://."
            )
        self.transport.close()


class TlsPort(ssl.SSLObject):
    """One TLS connection; says what to do where it fails for a known reason."""

    def do_handshake(self) -> None:
        with _explaining():
            super().do_handshake()

    def read(self, len: int = 1024, buffer: Any = None) -> Any:
        # In TLS 1.3 the server's handshake is over before the client judges the certificate.
        with _explaining():
            return super().read(len) if buffer is None else super().read(len, buffer)


@contextmanager
def _explaining() -> Iterator[None]:
    try:
        yield
    except ssl.SSLError as error:
        if error.reason == _PLAIN_REQUEST:
            logger.warning(
                "A client speaks plain http to this port, which speaks TLS: give it https:// or "
                "wss://, or start the emulator without --tls."
            )
        elif error.reason in _UNTRUSTED:
            logger.warning(
                "A client does not trust the certificate of this port: tell it to, as the lines "
                "under TLS at the start say."
            )
        raise


def watch_port(config: Any) -> None:
    """Have what speaks past a loaded server's port said in the log."""
    if config.ssl is not None:
        config.ssl.sslobject_class = TlsPort
