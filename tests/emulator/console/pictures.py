"""Pictures of the console's states for the docs: ``python -m tests.emulator.console.pictures DIR``.

``make pictures`` makes those of ``docs/pictures``, and with ``--all`` each state in light and dark,
wide and narrow, to be looked at. The agent's answers are written here; voice activity, transcripts
and sound are those of the tests' engines, so a picture is the same each time.
"""

import argparse
import base64
import io
import itertools
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.emulator.console import other_client
from tests.emulator.console.rig import Desk, Screen, Sound, launch, open_console, write_microphone
from tests.emulator.fakes import FakeTextToSpeech
from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerFinished,
    ScreenEvent,
    TextDelta,
)
from voicelive_agent.emulator.tts import SpokenChunk, Viseme

CARD = {
    "type": "ui.card",
    "title": "Opening hours",
    "lines": ["Monday: closed", "Tuesday to Friday: 5 pm to 10 pm", "Weekend: noon to 10 pm"],
}
BUTTONS = {
    "type": "ui.buttons",
    "buttons": [
        {"label": label, "action": {"ask": label}}
        for label in ("Book a table", "Opening hours", "Weather")
    ],
}
QUESTIONS = ("what are your opening hours", "what is the weather in seattle")
SOUNDS = (Sound(5.0, text=QUESTIONS[0]), Sound(8.2, text=QUESTIONS[1]))

SHOWN = ("console-light", "console-dark", "console-narrow", "recording-light", "replay-light")
"""Those that stand in README and docs."""

ANIMATION = "barge-in"
FRAME_S = 0.2
FRAME_WIDTH = 900


class Voice(FakeTextToSpeech):
    """Words that look spoken in the lanes."""

    async def speak(self, clause: str, voice: Any) -> AsyncGenerator[SpokenChunk, None]:
        async for chunk in super().speak(clause, voice):
            samples = np.frombuffer(chunk.pcm, "<i2")
            at = np.linspace(0, np.pi * len(chunk.words[0].text) / 2, len(samples))
            louder = 0.2 + 1.4 * np.abs(np.sin(at)) * np.sin(np.linspace(0, np.pi, len(samples)))
            mouth = (Viseme(2, chunk.words[0].offset_ms), Viseme(6, chunk.words[0].offset_ms + 90))
            yield SpokenChunk((samples * louder).astype("<i2").tobytes(), chunk.words, mouth)


async def reply(request: AgentRequest) -> AsyncIterator[AgentEvent]:
    text = request.text or ""
    if "hours" in text:
        yield ScreenEvent(CARD)
        yield TextDelta(
            "We are open for dinner from Tuesday to Sunday, from five to ten, and for lunch on "
            "weekends, from noon to three."
        )
    elif "weather" in text:
        yield TextDelta("The weather in Seattle is fifty-two degrees and partly cloudy.")
    else:
        yield ScreenEvent(BUTTONS)
        yield TextDelta("Hello, this is The Corner Table. What can I do for you?")
    yield AnswerFinished()


async def reply_anew(request: AgentRequest) -> AsyncIterator[AgentEvent]:
    """What the agent says after a change."""
    async for event in reply(request):
        if isinstance(event, TextDelta):
            yield TextDelta(event.text.replace("Tuesday to Sunday", "Wednesday to Sunday"))
        else:
            yield event


def open_desk(**settings: Any) -> Desk:
    desk = Desk(**settings)
    desk.tts = Voice()
    desk.agent.answer = reply
    return desk


def talk(screen: Screen, desk: Desk) -> None:
    desk.stt.texts = list(QUESTIONS)
    screen.talk()
    screen.wait_for(
        "voiceConsole.call.session.entries.filter((e) => e.kind === 'agent').length > 2"
        " && voiceConsole.call.session.entries.at(-1).playedMs > 900"
    )


def take_call(screen: Screen, desk: Desk) -> None:
    talk(screen, desk)


def take_idle(screen: Screen, desk: Desk) -> None:
    screen.wait_for_state("idle")


def take_turn(screen: Screen, desk: Desk) -> None:
    talk(screen, desk)
    screen.page.keyboard.press("t")
    screen.page.evaluate("voiceConsole.open('turns')")
    screen.page.locator('.turn[data-turn="2"]').click()


def open_tab(name: str) -> Callable[[Screen, Desk], None]:
    def take(screen: Screen, desk: Desk) -> None:
        talk(screen, desk)
        screen.page.evaluate(f"voiceConsole.open({name!r})")

    return take


def take_help(screen: Screen, desk: Desk) -> None:
    screen.page.keyboard.press("?")


def take_away(screen: Screen, desk: Desk) -> None:
    desk.stop()
    screen.talk()
    screen.wait_for_state("away")


def take_muted(screen: Screen, desk: Desk) -> None:
    desk.stt.texts = list(QUESTIONS)
    screen.talk()
    screen.wait_for_state("speaking")
    screen.page.keyboard.press("m")
    screen.wait_for_state("muted-talking")


def take_watched(screen: Screen, desk: Desk) -> None:
    desk.stt.texts = list(QUESTIONS)
    with other_client.call(desk) as client:
        client.speak(0.9)
        client.receive("response.done")
        screen.page.wait_for_selector("article.agent mark")
        screen.page.screenshot()


def record(screen: Screen, desk: Desk) -> str:
    """A call of the page itself; the id of its session."""
    talk(screen, desk)
    session = str(screen.call("call.session.id"))
    screen.page.wait_for_timeout(600)
    screen.page.keyboard.press("t")
    screen.wait_for_state("ended")
    screen.page.evaluate("voiceConsole.open('recordings')")
    screen.page.locator(f'li[data-session="{session}"]').wait_for()
    return session


def take_recording(screen: Screen, desk: Desk) -> None:
    session = record(screen, desk)
    row = screen.page.locator(f'li[data-session="{session}"]')
    row.get_by_role("button", name="Open").click()
    screen.page.get_by_role("button", name="Play", exact=True).click()
    screen.wait_for("voiceConsole.stage.observed?.headMs > 8000", timeout_s=40)
    screen.page.get_by_role("button", name="Pause").click()


def take_replay(screen: Screen, desk: Desk) -> None:
    session = record(screen, desk)
    desk.agent.answer = reply_anew
    desk.stt.texts = list(QUESTIONS)
    row = screen.page.locator(f'li[data-session="{session}"]')
    row.get_by_role("button", name="Replay", exact=True).click()
    row.locator(".verdict").wait_for(timeout=60_000)


STATES: dict[str, Callable[[Screen, Desk], None]] = {
    "idle": take_idle,
    "console": take_call,
    "turn": take_turn,
    "settings": open_tab("settings"),
    "state": open_tab("state"),
    "calls": open_tab("calls"),
    "recording": take_recording,
    "replay": take_replay,
    "watched": take_watched,
    "muted": take_muted,
    "help": take_help,
    "away": take_away,
}


def take(chromium: Browser, folder: Path, names: list[str]) -> None:
    """One picture a name: the state, ``-light``, ``-dark`` or ``-narrow``."""
    for name in names:
        state, _, how = name.rpartition("-")
        size = {"width": 390 if how == "narrow" else 1280, "height": 800}
        theme = "dark" if how == "dark" else "light"
        with (
            tempfile.TemporaryDirectory() as recordings,
            open_desk(record=Path(recordings)) as desk,
            open_console(desk, chromium, viewport=size, color_scheme=theme) as screen,
        ):
            STATES[state](screen, desk)
            screen.page.wait_for_timeout(300)
            screen.page.screenshot(path=str(folder / f"{name}.png"))


def take_barge_in(chromium: Browser, path: Path) -> None:
    """An animation of an answer that is interrupted."""
    shots: list[tuple[float, bytes]] = []
    with open_desk() as desk, open_console(desk, chromium) as screen:
        talking = screen.page.context.new_cdp_session(screen.page)

        def keep(frame: dict[str, Any]) -> None:
            shots.append((frame["metadata"]["timestamp"], base64.b64decode(frame["data"])))
            talking.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})

        talking.on("Page.screencastFrame", keep)
        desk.stt.texts = list(QUESTIONS)
        screen.talk()
        screen.wait_for("voiceConsole.call.session.turns > 0")
        talking.send("Page.startScreencast", {"format": "jpeg", "quality": 90})
        screen.wait_for("voiceConsole.call.session.turns > 1")
        screen.wait_for("voiceConsole.call.session.entries.at(-1).playedMs > 1500")
        talking.send("Page.stopScreencast")
    write_animation(path, shots)


def write_animation(path: Path, shots: list[tuple[float, bytes]]) -> None:
    """``shots`` have the second of each; those that come soon after another are left out."""
    kept: list[tuple[float, bytes]] = []
    for at_s, shot in shots:
        if not kept or at_s - kept[-1][0] >= FRAME_S:
            kept.append((at_s, shot))
    frames = [Image.open(io.BytesIO(shot)).convert("RGB") for _, shot in kept]
    height = FRAME_WIDTH * frames[0].height // frames[0].width
    small = [frame.resize((FRAME_WIDTH, height), Image.Resampling.LANCZOS) for frame in frames]
    lasts = [round((after - at) * 1000) for (at, _), (after, _) in itertools.pairwise(kept)]
    # In the end one looks at it for a while.
    durations = [*lasts, 3000]
    rest = small[1:]
    small[0].save(path, save_all=True, append_images=rest, duration=durations, loop=0, quality=50)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="every state, light, dark and narrow")
    parser.add_argument("--only", action="append", help="this one: replay-dark, barge-in")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    every = [f"{state}-{how}" for state in STATES for how in ("light", "dark", "narrow")]
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        microphone = write_microphone(Path(temporary) / "microphone.wav", SOUNDS)
        with launch(playwright, microphone) as chromium:
            names = options.only or [*(every if options.all else SHOWN), ANIMATION]
            take(chromium, options.folder, [name for name in names if name != ANIMATION])
            if ANIMATION in names:
                take_barge_in(chromium, options.folder / f"{ANIMATION}.webp")


if __name__ == "__main__":
    main()
