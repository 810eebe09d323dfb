"""The console in a real Chromium, at an emulator whose engines the test holds in its hand."""

import asyncio
import base64
import contextlib
import os
import shutil
import threading
import time
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Playwright

from tests.emulator.fakes import (
    FakeAgentBackend,
    FakeSpeechToText,
    FakeTextToSpeech,
    FakeVoiceActivity,
)
from tests.emulator.service import Service, say
from voicelive_agent.emulator.agents import AgentBackend
from voicelive_agent.emulator.agents.invocations import InvocationsBackend
from voicelive_agent.emulator.engines import Engines
from voicelive_agent.emulator.settings import load_settings
from voicelive_agent.emulator.watch.feed import Feed
from voicelive_agent.emulator.watch.sessions import Sessions
from voicelive_agent.testing.services import serve_emulator

RATE_HZ = 24_000
MICROPHONE_RATE_HZ = 48_000
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)

_DRAWN = """() => Promise.race([
  new Promise((resolve) =>
    setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(resolve)), 410)),
  new Promise((resolve) => setTimeout(resolve, 1500)),
])"""
"""Resolves once all parts are drawn that were stale when it was called (``parts/part.js``: large
ones every 400 ms); a hidden tab draws nothing."""
TAP = """
// What leaves for the loudspeaker is kept, too: by a second capture worklet of the page's own.
window.tap = { chunks: [], times: [] };
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode) {
    const options = { numberOfOutputs: 0, processorOptions: { rateHz: this.context.sampleRate } };
    const node = new AudioWorkletNode(this.context, "capture", options);
    node.port.onmessage = ({ data }) => {
      window.tap.chunks.push(data.pcm);
      window.tap.times.push(performance.timeOrigin + performance.now());
    };
    connect.call(this, node);
  }
  return connect.call(this, target, ...rest);
};
window.violations = [];
addEventListener("securitypolicyviolation", ({ violatedDirective }) =>
  window.violations.push(violatedDirective));
"""

READ_TAP = """() => {
  let text = "";
  for (const chunk of window.tap.chunks) {
    const bytes = new Uint8Array(chunk.buffer);
    for (let at = 0; at < bytes.length; at += 8192)
      text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}"""


def require_chromium() -> None:
    """Skip where there is no browser; in CI that is an error."""
    if not Path(CHROMIUM).exists():
        say = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        say("Chromium is missing: sudo apt-get install chromium")


class Desk:
    """An emulator with fake engines, on a thread of its own.

    ``urls`` are agent servers by their names, which really are asked; the other agents are fakes,
    all the same one but for those in ``fakes``.
    ``beside`` is what runs with it, as of ``voicelive-agent dev``.
    """

    def __init__(
        self,
        names: Sequence[str] = ("*",),
        port: int = 0,
        *,
        urls: Mapping[str, str] | None = None,
        fakes: Mapping[str, FakeAgentBackend] | None = None,
        beside: Callable[[Feed], contextlib.AbstractAsyncContextManager[Any]] | None = None,
        **settings: Any,
    ) -> None:
        self.urls = urls or {}
        self.fakes = fakes or {}
        self.names = tuple(dict.fromkeys((*self.urls, *self.fakes, *names)))
        self.port = port
        self._beside = beside or contextlib.nullcontext
        self.stt = FakeSpeechToText()
        self.tts = FakeTextToSpeech()
        self.agent = FakeAgentBackend()
        given = {name: "http://127.0.0.1:9" for name in self.names if name != "*"}
        given |= self.urls
        agents = [url if name == "*" else f"{name}={url}" for name, url in given.items()]
        self.settings = load_settings(log_level="warning", agents=agents, **settings)
        self.url = ""
        self._stop: Callable[[], object] = lambda: None
        self.hang: Callable[[float], object] = lambda seconds: None
        """For so long it answers nothing, and takes nothing."""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    async def _run(self) -> None:
        asked: dict[str, AgentBackend] = dict.fromkeys(self.names, self.agent)
        asked |= self.fakes
        asked |= {name: InvocationsBackend(url, name=name) for name, url in self.urls.items()}
        engines = Engines(
            self.stt,
            self.tts,
            asked,
            self.agent,
            open_voice_activity=FakeVoiceActivity,
        )
        sessions = Sessions()
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as stack:
            for backend in asked.values():
                await backend.start()
                stack.push_async_callback(backend.stop)
            await stack.enter_async_context(self._beside(sessions.feed))
            serving = serve_emulator(self.settings, engines, self.port, sessions)
            self.url = await stack.enter_async_context(serving)
            self.port = int(self.url.rpartition(":")[2])
            self._stop = lambda: loop.call_soon_threadsafe(stop.set)
            self.hang = lambda seconds: loop.call_soon_threadsafe(time.sleep, seconds)
            self._ready.set()
            await stop.wait()

    def __enter__(self) -> "Desk":
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._stop()
            self._thread.join(30)


@dataclass(frozen=True)
class Sound:
    """A tone of so many seconds, which fake voice activity takes for speech, or ``text``."""

    at_s: float
    seconds: float = 1.0
    text: str = ""

    def samples(self) -> np.ndarray:
        """PCM16 at the microphone's rate."""
        if self.text:
            return np.frombuffer(say(self.text, MICROPHONE_RATE_HZ), "<i2")
        at_s = np.arange(int(self.seconds * MICROPHONE_RATE_HZ)) / MICROPHONE_RATE_HZ
        return (9000 * np.sin(2 * np.pi * 220 * at_s)).astype("<i2")


def write_microphone(path: Path, sounds: Sequence[Sound]) -> Path:
    """A file for Chromium's fake microphone, with two seconds of silence at the end."""
    placed = [(int(sound.at_s * MICROPHONE_RATE_HZ), sound.samples()) for sound in sounds]
    end = max((start + len(samples) for start, samples in placed), default=0)
    track = np.zeros(end + 2 * MICROPHONE_RATE_HZ, "<i2")
    for start, samples in placed:
        track[start : start + len(samples)] = samples
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(MICROPHONE_RATE_HZ)
        file.writeframes(track.tobytes())
    return path


@contextlib.contextmanager
def launch(
    playwright: Playwright,
    microphone: Path | None,
    *flags: str,
    grants: bool = True,
    env: Mapping[str, str] | None = None,
) -> Iterator[Browser]:
    """``microphone`` None is the machine's, if any; ``grants`` False a user who says no."""
    arguments = [*FLAGS, *flags]
    arguments.append("--use-fake-ui-for-media-stream" if grants else "--deny-permission-prompts")
    if microphone is not None:
        arguments.append("--use-fake-device-for-media-stream")
        arguments.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
    chromium = playwright.chromium.launch(
        executable_path=CHROMIUM,
        args=arguments,
        ignore_default_args=["--mute-audio"],
        env=dict(env or os.environ),
    )
    try:
        yield chromium
    finally:
        chromium.close()


class Screen:
    """The console's page, and what a test asks of it."""

    def __init__(self, page: Page, *, is_tapped: bool = True) -> None:
        """``is_tapped``: what leaves for the loudspeaker is kept, which costs CPU."""
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.sockets: list[str] = []
        page.on("websocket", lambda socket: self.sockets.append(socket.url))
        page.on("request", lambda request: self.requests.append(request.url))
        if is_tapped:
            page.add_init_script(TAP)

    def wait_for_state(self, *names: str) -> None:
        selector = ", ".join(f'[role=status][data-state="{name}"]' for name in names)
        self.page.wait_for_selector(selector)

    def wait_for(self, expression: str, timeout_s: float = 20) -> None:
        """Until it is true, and drawn. Playwright's own would need ``eval``: forbidden here."""
        deadline_s = time.monotonic() + timeout_s
        while not self.page.evaluate(f"() => Boolean({expression})"):
            state = self.call("[call.state.name, call.state.sentence, call.session.entries.length]")
            assert time.monotonic() < deadline_s, f"never: {expression}; {state}; {self.errors}"
            self.page.wait_for_timeout(20)
        self.page.evaluate(_DRAWN)

    def call(self, expression: str) -> Any:
        """Something of the page's call, as ``call.…``."""
        return self.page.evaluate(
            f"() => {{ const call = voiceConsole.call; return {expression}; }}"
        )

    def talk(self) -> None:
        self.page.click("button.talk")

    def heard(self) -> np.ndarray:
        """All that left for the loudspeaker, at 24 kHz."""
        return np.frombuffer(base64.b64decode(self.page.evaluate(READ_TAP)), "<i2")

    def frames(self, type: str, sender: str = "client") -> list[Any]:
        """The frames of a type, as they were sent or came."""
        found: list[Any] = self.call(
            f"call.log.rows.filter((row) => row.from === {sender!r} && row.type === {type!r})"
            ".map((row) => JSON.parse(row.raw))"
        )
        return found


def loud_s(heard: np.ndarray) -> float:
    """Seconds of what the fake voice speaks, gaps between its samples filled."""
    steps = np.abs(heard[: len(heard) // 240 * 240].astype(int)).reshape(-1, 240).max(axis=1)
    return float((steps > 2000).sum() * 240 / RATE_HZ)


@contextlib.contextmanager
def open_console(
    desk: Desk | Service,
    chromium: Browser,
    path: str = "/",
    url: str = "",
    *,
    is_tapped: bool = True,
    **options: Any,
) -> Iterator[Screen]:
    """Its page; nothing may have gone wrong in it when the block ends."""
    context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    screen = Screen(context.new_page(), is_tapped=is_tapped)
    try:
        screen.page.goto((url or desk.url) + path)
        screen.page.wait_for_selector("console-bar button")
        yield screen
        assert screen.errors == []
    finally:
        context.close()
