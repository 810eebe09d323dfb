"""Pages of others in a real browser: none reads or talks to the emulator, the SDK still does."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from tests.emulator.console.rig import Desk, launch
from tests.emulator.console.test_call import answer

pytestmark = [pytest.mark.component, pytest.mark.timeout(120)]

HOSTS = "--host-resolver-rules=MAP rebound.test 127.0.0.1, MAP evil.test 127.0.0.1"
QUERY = "agent-name=agent&agent-project-name=local&api-version=2026-07-15"
TRY = """async ([url, query]) => {
  const paths = ["/about", "/sessions", "/feed", "/settings", "/recordings", "/conversations/x"];
  const ask = async (path) => {
    const answer = await fetch(url + path);
    return `${answer.status} ${await answer.text()}`;
  };
  const read = await Promise.all(paths.map((path) => ask(path).catch(() => "blocked")));
  const socket = new WebSocket(`${url.replace("http", "ws")}/voice-live/realtime?${query}`);
  const talked = await new Promise((resolve) => {
    socket.onmessage = () => resolve(true);
    socket.onclose = () => resolve(false);
  });
  socket.close();
  return { read, talked };
}"""


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    with launch(playwright, None, HOSTS) as chromium:
        yield chromium


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        desk.agent.answer = answer("Hi.")
        yield desk


@pytest.fixture
def other_port(tmp_path: Path) -> Iterator[int]:
    """A web server of somebody else on this machine."""
    (tmp_path / "index.html").write_text("<p>hello</p>")
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1", "localhost"])
def test_a_page_of_another_origin_neither_reads_nor_talks(
    desk: Desk, other_port: int, chromium: Browser, host: str
) -> None:
    page = chromium.new_page()
    page.goto(f"http://{host}:{other_port}/")
    tried = page.evaluate(TRY, [desk.url, QUERY])
    page.close()
    assert set(tried["read"]) == {"blocked"}
    assert tried["talked"] is False
    assert desk.agent.sessions == []


def test_a_name_that_was_rebound_to_this_machine_gets_no_page(
    desk: Desk, chromium: Browser
) -> None:
    page = chromium.new_page()
    answered = page.goto(desk.url.replace("127.0.0.1", "rebound.test"))
    assert answered is not None and answered.status == 403
    tried = page.evaluate(TRY, [desk.url.replace("127.0.0.1", "rebound.test"), QUERY])
    page.close()
    assert {read.split()[0] for read in tried["read"]} == {"403"}
    assert tried["talked"] is False
    assert desk.agent.sessions == []


def test_the_consoles_own_page_does_both(desk: Desk, chromium: Browser) -> None:
    """What is refused to the others is not refused for another reason."""
    page = chromium.new_page()
    page.goto(desk.url)
    page.wait_for_selector("console-bar button")
    talked = page.evaluate(
        """([query]) => new Promise((resolve) => {
          const url = `${location.origin.replace("http", "ws")}/voice-live/realtime?${query}`;
          const socket = new WebSocket(url);
          socket.onmessage = () => resolve(true);
          socket.onclose = () => resolve(false);
        })""",
        [QUERY],
    )
    assert talked is True
    assert page.evaluate("async () => (await fetch('/about')).status") == 200
    page.close()
