import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.wire.admission import LocalAdmission, has_key, read_origin, read_origins

LOCAL = LocalAdmission(how_to_open="start it with --api-key KEY")


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"api-key": "secret"}, {}),
        ({"authorization": "Bearer secret"}, {}),
        ({"authorization": "bearer  secret"}, {}),
        ({"api-key": "old", "authorization": "Bearer secret"}, {}),
        ({}, {"api-key": "secret"}),
        ({}, {"Authorization": "Bearer secret"}),
    ],
)
def test_the_key_is_taken_wherever_clients_put_it(
    headers: dict[str, str], query: dict[str, str]
) -> None:
    assert has_key("secret", headers, query)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"api-key": ""},
        {"api-key": "Secret"},
        {"api-key": "secret "},
        {"api-key": "sécret"},
        {"api-key": "\U0001f511"},
        {"authorization": "Basic secret"},
        {"authorization": "secret"},
        {"authorization": "Bearer"},
    ],
)
def test_any_other_credential_is_refused(headers: dict[str, str]) -> None:
    assert not has_key("secret", headers, {})


def test_a_key_may_hold_any_letter() -> None:
    """A header's bytes are read as Latin-1, a query's as UTF-8."""
    assert has_key("schlüssel", {"api-key": "schlüssel".encode().decode("latin-1")})
    assert has_key("schlüssel", {}, {"api-key": "schlüssel"})


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.1:8090", "127.8.8.8:1", "LOCALHOST:8090", "localhost."),
        *("localhost.:8090", "[::1]", "[::1]:8090", "[0:0:0:0:0:0:0:1]:8090", "desk.localhost:81"),
        *("[::ffff:127.0.0.1]:8090", "127.0.0.1."),
    ],
)
def test_this_machine_is_answered_by_any_of_its_names(host: str) -> None:
    assert LOCAL.find_fault("http", [host], []) is None
    assert LOCAL.find_fault("ws", [host], [f"http://{host.lower()}"]) is None
    assert LOCAL.find_fault("wss", [host], [f"https://{host.lower()}"]) is None


@pytest.mark.parametrize(
    "host",
    [
        *("evil.com", "evil.com:8090", "localhost.evil.com", "localhost.evil.com:8090"),
        *("127.0.0.1.evil.com", "127.0.0.1.nip.io:8090", "evil-localhost", "localhost.."),
        *("0.0.0.0:8090", "[::]:8090", "10.0.0.1", "192.168.1.10:8090", "169.254.169.254"),
        *("::1", "[::1", "::1]:8090", "[::1]x", "[::ffff:10.0.0.1]:8090", "[fe80::1%25lo]"),
        *("localhost:8090:1", "localhost:x", "localhost:", "localhost:123456", "localhost:-1"),
        *("evil.com@localhost", "localhost@evil.com", "user:pw@127.0.0.1", "localhost/evil"),
        *("localhost#.evil.com", "localhost\\.evil.com", "localhost, evil.com", " ", ""),
        *(
            "ｌocalhost",
            "localhost\u200b",
            "127。0。0。1",
            "http://localhost",
            "2130706433",
            "127.1",
        ),
    ],
)
def test_a_host_that_is_not_this_machine_is_refused(host: str) -> None:
    """By DNS rebinding a page of evil.com reads what its owner's emulator heard: its name is
    pointed at 127.0.0.1, so that the browser takes the answers for its own.
    """
    fault = LOCAL.find_fault("http", [host], [])
    assert fault is not None
    assert "127.0.0.1" in fault
    assert "--api-key KEY" in fault


def test_every_host_header_counts_and_one_has_to_be_there() -> None:
    assert LOCAL.find_fault("http", [], []) is not None
    assert LOCAL.find_fault("http", ["localhost", "evil.com"], []) is not None


@pytest.mark.parametrize(
    "origin",
    [
        *("null", "", "https://evil.com", "http://localhost.evil.com:8090"),
        *("http://localhost:3000", "http://localhost", "https://localhost:8090"),
        *("http://127.0.0.1:8090", "http://[::1]:8090", "http://localhost.:8090"),
        *("http://localhost:8090/", "http://localhost:8090@evil.com", "http://x@localhost:8090"),
        *(
            "http://localhost:80900",
            "http://localhost:08090",
            "file://",
            "http://[",
            "localhost:8090",
        ),
        *("HTTP://LOCALHOST:8090", "chrome-extension://abc", "ws://localhost:8090"),
        "http://localhost:8090 https://evil.com",
    ],
)
def test_a_page_of_any_other_origin_is_refused(origin: str) -> None:
    fault = LOCAL.find_fault("ws", ["localhost:8090"], [origin])
    assert fault is not None
    assert "--allow-origin" in fault
    assert LOCAL.find_fault("http", ["localhost:8090"], ["http://localhost:8090", origin])


def test_a_default_port_may_be_written_or_left_out() -> None:
    assert LOCAL.find_fault("http", ["localhost:80"], ["http://localhost"]) is None
    assert LOCAL.find_fault("wss", ["localhost:443"], ["https://localhost"]) is None
    assert LOCAL.find_fault("http", ["localhost:443"], ["http://localhost"]) is not None


def test_an_origin_that_is_let_in_is_answered_and_no_other() -> None:
    open_to = LocalAdmission("", origins=read_origins(["http://localhost:3000"]))
    assert open_to.find_fault("ws", ["127.0.0.1:8090"], ["http://localhost:3000"]) is None
    assert open_to.find_fault("ws", ["127.0.0.1:8090"], ["http://localhost:3001"]) is not None
    assert open_to.find_fault("ws", ["evil.com"], ["http://localhost:3000"]) is not None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://localhost:3000", "http://localhost:3000"),
        (" HTTPS://My.Example:443 ", "https://my.example"),
        ("http://my.example:80", "http://my.example"),
        ("https://my.example:80", "https://my.example:80"),
        ("vscode-webview://0a1b2c", "vscode-webview://0a1b2c"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_an_origin_is_read_as_browsers_write_it(written: str, meant: str) -> None:
    assert read_origin(written) == meant


@pytest.mark.parametrize(
    "written",
    ["null", "*", "localhost:3000", "http://localhost:3000/", "http://a@b", "http://*.a", "://a"],
)
def test_what_is_no_origin_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(ValueError, match="such as http://localhost:3000"):
        read_origin(written)


@given(host=st.text(), origin=st.text())
def test_what_a_stranger_writes_never_gets_in_or_breaks_it(host: str, origin: str) -> None:
    """Whatever stands before or after, an origin is let in only if it is the host's own."""
    for one in (f"localhost{host}", f"{host}localhost", host):
        fault = LOCAL.find_fault("http", [one], [f"http://evil.com{origin}"])
        assert fault is not None
        assert len(fault) < 600
