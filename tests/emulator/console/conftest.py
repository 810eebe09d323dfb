"""Chromium for the console's tests: one for each microphone, started when it is first asked for."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.emulator.console.rig import Sound, launch, require_chromium, write_microphone

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
