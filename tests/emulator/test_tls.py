"""TLS on the emulator's port, and what speaks past it."""

import asyncio
import json
import logging
import socket
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect

from tests.emulator.conversing import AGENT, open_desk
from voicelive_agent.client.connection import ConnectError, find_endpoint, open_connection
from voicelive_agent.client.settings import load_settings as load_client_settings
from voicelive_agent.emulator.settings import load_settings
from voicelive_agent.emulator.tls import (
    Certificate,
    PlainPort,
    TlsError,
    find_certificate,
    make_certificate,
)


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path / "tls", "127.0.0.1")


@asynccontextmanager
async def serving(certificate: Certificate | None) -> AsyncIterator[str]:
    async with open_desk(certificate) as desk:
        yield desk.url


def address(url: str, query: str = AGENT) -> str:
    return f"{url.replace('http', 'ws', 1)}/voice-live/realtime?{query}"


def shake_hands(port: int) -> None:
    context = ssl.create_default_context()
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1"),
    ):
        pass


async def test_whoever_trusts_the_authority_connects(certificate: Certificate) -> None:
    """Pipecat and npm openai connect with wss:// whatever they are given."""
    trusting = ssl.create_default_context(cafile=str(certificate.authority))
    async with serving(certificate) as url:
        assert url.startswith("https://127.0.0.1:")
        for one in (url, url.replace("127.0.0.1", "localhost")):
            async with connect(address(one), ssl=trusting) as client:
                assert json.loads(await client.recv())["type"] == "session.created"
        # A page of its own is one of https now.
        async with connect(address(url), ssl=trusting, additional_headers={"Origin": url}):
            pass


async def test_the_voice_client_trusts_the_file_that_it_is_given(certificate: Certificate) -> None:
    async with serving(certificate) as url:
        settings = load_client_settings(
            {"agent_name": "desk", "project_name": "any", "ca_file": certificate.authority}
        )
        async with open_connection(settings, url) as connection:
            assert (await connection.receive())["type"] == "session.created"


async def test_without_an_endpoint_its_port_is_found(certificate: Certificate) -> None:
    """`talk` beside `emulate --tls` said that no emulator runs here."""
    async with serving(certificate) as url:
        port = urlsplit(url).port
        with pytest.raises(ConnectError, match=r"speaks TLS .* --ca-file FILE"):
            await find_endpoint(load_client_settings({"emulator_port": port}))
        trusting = load_client_settings(
            {"emulator_port": port, "ca_file": str(certificate.authority)}
        )
        found, is_found = await find_endpoint(trusting)
        assert (found, is_found) == (f"https://127.0.0.1:{port}", True)
        desk = trusting.model_copy(update={"agent_name": "desk"})
        async with open_connection(desk, found) as connection:
            assert (await connection.receive())["type"] == "session.created"


async def test_the_client_says_how_to_reach_it(certificate: Certificate, tmp_path: Path) -> None:
    other = make_certificate(tmp_path / "other", "127.0.0.1")

    async def fail(url: str, **options: object) -> str:
        with pytest.raises(ConnectError) as caught:
            async with open_connection(load_client_settings(options), url):
                pass
        return str(caught.value)

    async with serving(certificate) as url:
        assert "give the emulator's with --ca-file FILE" in await fail(url)
        assert "is not signed by" in await fail(url, ca_file=str(other.authority))
        plain = url.replace("https", "http")
        assert "https:// for an emulator with --tls" in await fail(plain)


async def test_who_does_not_trust_it_is_told_in_the_log(
    certificate: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(certificate) as url:
        # Not by asyncio, whose clients hang up without the alert that says why.
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.to_thread(shake_hands, int(url.rpartition(":")[2]))
        async with asyncio.timeout(5):
            while "does not trust" not in caplog.text:
                await asyncio.sleep(0.01)


async def test_tls_on_a_plain_port_is_one_line_that_names_the_option(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log said "Invalid HTTP request received.", each time that a client came back."""
    monkeypatch.setattr(PlainPort, "_told", False)
    async with serving(None) as url:
        for _ in range(3):
            with pytest.raises((ssl.SSLError, OSError)):
                await connect(address(url.replace("http", "https", 1)))
    lines = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert len(lines) == 1
    assert "--tls" in lines[0].getMessage()


async def test_plain_http_on_a_tls_port_is_a_line_as_well(
    certificate: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(certificate) as url:
        port = int(url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /voice-live/realtime HTTP/1.1\r\nhost: localhost\r\n\r\n")
        await reader.read()
        writer.close()
        async with asyncio.timeout(5):
            while "without --tls" not in caplog.text:
                await asyncio.sleep(0.01)
    assert "https:// or wss://" in caplog.text


def test_a_certificate_is_made_once_and_its_key_is_private(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, "localhost")
    assert made.authority is not None
    before = made.authority.read_bytes()
    assert make_certificate(tmp_path, "127.0.0.1").authority == made.authority
    assert made.authority.read_bytes() == before
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    # The authority's own key is nowhere: nothing else can be signed by it.
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "local-ca.pem",
        "local.key.pem",
        "local.pem",
    ]
    made.chain.write_text("damaged")
    make_certificate(tmp_path, "127.0.0.1")
    assert made.authority.read_bytes() != before
    assert any("NODE_EXTRA_CA_CERTS" in line for line in made.describe_trust())


def test_given_files_are_used_and_checked(certificate: Certificate, tmp_path: Path) -> None:
    given = find_certificate(load_settings(tls_cert=certificate.chain, tls_key=certificate.key))
    assert given == Certificate(certificate.chain, certificate.key, None)
    assert find_certificate(load_settings()) is None
    for wrong in (
        {"tls_cert": certificate.chain},
        {"tls_key": certificate.key},
        {"tls_cert": tmp_path / "none.pem"},
        {"tls_cert": certificate.key, "tls_key": certificate.chain},
    ):
        with pytest.raises(TlsError, match="--tls-cert"):
            find_certificate(load_settings(**wrong))


def test_a_place_where_nothing_can_be_kept_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TlsError, match="--tls-cert FILE"):
        make_certificate(tmp_path / "file", "127.0.0.1")
