import socket
import ssl
from typing import Any

import aiohttp
import pytest
from azure.ai.voicelive.aio import ConnectionError as VoiceLiveError
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from voicelive_agent.client.settings import load_settings
from voicelive_agent.client.troubles import explain, explain_close

AZURE = "https://res.services.ai.azure.com"
SECRET_URL = f"{AZURE}/voice-live/realtime?api-key=s3cret"


def settings(**options: Any) -> Any:
    return load_settings({"model": "m", "endpoint": AZURE, **options})


def sdk_error(cause: BaseException) -> BaseException:
    """As the SDK raises it: with the whole URL in its text."""
    try:
        try:
            raise cause
        except type(cause) as error:
            raise VoiceLiveError(f"Failed … url='{SECRET_URL}'") from error
    except VoiceLiveError as error:
        return error


def refusal(status: int, **headers: str) -> BaseException:
    info = aiohttp.RequestInfo(URL(SECRET_URL), "GET", CIMultiDictProxy(CIMultiDict()))
    return sdk_error(
        aiohttp.WSServerHandshakeError(info, (), status=status, headers=CIMultiDict(headers))
    )


def connector_error(kind: Any, cause: Any) -> BaseException:
    key: Any = type("Key", (), {"host": "res", "port": 443, "is_ssl": True, "ssl": True})()
    return sdk_error(kind(key, cause))


@pytest.mark.parametrize(
    ("error", "says", "may_pass"),
    [
        (refusal(401), "az login", False),
        (refusal(403), "role `Foundry User`", False),
        (refusal(404), "region offers Voice Live", False),
        (refusal(400), "--agent-name", False),
        (refusal(429), "quota", True),
        (refusal(503), "fault of its own", True),
        (refusal(302), "final address", False),
        (refusal(418), "HTTP 418", False),
        (CredentialUnavailableError("…"), "Nobody is signed in", False),
        (ClientAuthenticationError("AADSTS700082: expired"), "sign-in has expired", False),
        (
            ClientAuthenticationError("AADSTS7000215: Invalid client secret s3cret"),
            "refuses the sign-in (AADSTS7000215): check AZURE_TENANT_ID",
            False,
        ),
        (
            ClientAuthenticationError("Cannot connect to host login.microsoftonline.com:443"),
            "Entra can't be reached",
            False,
        ),
        (sdk_error(socket.gaierror(-2, "unknown")), "no host named", True),
        (
            connector_error(aiohttp.ClientConnectorDNSError, socket.gaierror(-2, "x")),
            "no host named",
            True,
        ),
        (
            connector_error(aiohttp.ClientConnectorError, ConnectionRefusedError(111, "no")),
            "can't be reached",
            True,
        ),
        (
            connector_error(
                aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError("bad")
            ),
            "not trusted",
            False,
        ),
        (
            connector_error(aiohttp.ClientConnectorSSLError, ssl.SSLError(1, "wrong version")),
            "does not speak TLS",
            False,
        ),
        (TimeoutError(), "did not answer in time", True),
        (sdk_error(ValueError("bad")), "check --endpoint", False),
    ],
)
def test_every_failure_is_one_sentence_with_the_next_step(
    error: BaseException, says: str, may_pass: bool
) -> None:
    trouble = explain(error, settings(), AZURE)
    assert says in trouble.text
    assert trouble.may_pass is may_pass
    assert "s3cret" not in trouble.text
    assert "realtime" not in trouble.text


def test_a_key_is_refused_differently_from_a_sign_in() -> None:
    trouble = explain(refusal(401), settings(api_key="k3y"), AZURE)
    assert "check --api-key" in trouble.text
    assert "k3y" not in trouble.text


def test_the_service_says_how_long_to_wait() -> None:
    assert explain(refusal(429, **{"Retry-After": "7"}), settings(), AZURE).retry_after_s == 7
    later = "Wed, 21 Oct 2026 07:28:00 GMT"
    assert explain(refusal(429, **{"Retry-After": later}), settings(), AZURE).retry_after_s is None


def test_close_codes() -> None:
    assert not explain_close(1008, AZURE).may_pass
    assert not explain_close(4401, AZURE).may_pass
    assert explain_close(1011, AZURE).may_pass
