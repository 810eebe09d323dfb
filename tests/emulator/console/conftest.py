"""Chromium for the console's tests: one for each microphone, started when it is first asked for."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.emulator.console.rig import Desk, Sound, launch, require_chromium, write_microphone
from tests.emulator.service import ROOT
from voicelive_agent.dev.news import News
from voicelive_agent.dev.reload import ReloadingAgent
from voicelive_agent.listening import bind, url_of

Microphone = Callable[..., Browser]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    require_chromium()
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def microphone(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Microphone]:
    """A browser whose microphone hears these sounds, each from its second on, and then silence."""
    folder = tmp_path_factory.mktemp("microphones")
    browsers: dict[tuple[Sound, ...], Browser] = {}
    with contextlib.ExitStack() as stack:

        def of(*sounds: Sound) -> Browser:
            if sounds not in browsers:
                path: Path = write_microphone(folder / f"{len(browsers)}.wav", sounds)
                browsers[sounds] = stack.enter_context(launch(playwright, path))
            return browsers[sounds]

        yield of


@pytest.fixture
def agent_file(agent_code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The agent's file with ``agent_code``, in the directory that its server is started in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("VOICELIVE_CONVERSATIONS", "memory:")
    path = tmp_path / "my_agent.py"
    path.write_text(agent_code)
    return path


@pytest.fixture
def dev_desk(agent_file: Path) -> Iterator[Desk]:
    """``voicelive-agent dev my_agent:reply``, but for the engines."""
    listener = bind("127.0.0.1", 0)
    agent = ReloadingAgent(listener, ["my_agent:reply"], News(), agent_file.parent)
    url = url_of(listener, "127.0.0.1")
    with Desk(urls={"*": url}, beside=agent.running) as desk:
        yield desk
