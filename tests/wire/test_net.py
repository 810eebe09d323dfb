import pytest

from voicelive_agent.wire.net import is_on_this_machine, is_this_machine


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.2", "127.255.255.254", "::1", "[::1]", "0:0:0:0:0:0:0:1"),
        *("localhost", "LOCALHOST", "localhost.", "agent.localhost", "agent.localhost."),
        *("::ffff:127.0.0.1", "::ffff:7f00:1"),
    ],
)
def test_this_machine_has_many_names(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", ".", None, "0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "example.com", "::2"),
        *("::ffff:10.0.0.1", "notlocalhost", "localhost.example.com", "127.example.com"),
    ],
)
def test_others_are_not_this_machine(host: str | None) -> None:
    """``127.example.com`` is anybody's: a prefix of a name says nothing."""
    assert not is_this_machine(host)


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://127.0.0.2:8090", True),
        ("ws://[::1]:8090/voice-live", True),
        ("https://localhost", True),
        ("https://my.services.ai.azure.com", False),
        ("http://127.example.com", False),
        ("localhost:8090", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_a_url_is_on_the_machine_of_its_host(url: str, is_local: bool) -> None:
    assert is_on_this_machine(url) is is_local
