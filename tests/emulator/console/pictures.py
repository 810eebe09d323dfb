"""Pictures of the console's states for the docs: ``python -m tests.emulator.console.pictures DIR``.

``make pictures`` makes those of ``docs/pictures``. The agent's answers are written here; voice
activity, transcripts and sound are those of the tests' engines, so a picture is the same each time.
"""

import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.emulator.console.rig import Desk, Screen, Sound, launch, open_console, write_microphone
from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerFinished,
    ScreenEvent,
    TextDelta,
)

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
QUESTIONS = ["what are your opening hours", "what is the weather in seattle"]


async def reply(request: AgentRequest) -> AsyncIterator[AgentEvent]:
    text = request.text or ""
    if "hours" in text:
        yield ScreenEvent(CARD)
        yield TextDelta("We are open for dinner from Tuesday to Sunday, and for lunch on weekends.")
    elif "weather" in text:
        yield TextDelta("The weather in Seattle is fifty-two degrees and partly cloudy.")
    else:
        yield ScreenEvent(BUTTONS)
        yield TextDelta("Hello, this is The Corner Table. What can I do for you?")
    yield AnswerFinished()


def talk(screen: Screen, desk: Desk) -> None:
    desk.stt.texts = list(QUESTIONS)
    screen.talk()
    screen.wait_for(
        "voiceConsole.call.session.entries.filter((e) => e.kind === 'agent').length > 2"
        " && voiceConsole.call.session.entries.at(-1).playedMs > 900"
    )


def take(chromium: Browser, folder: Path) -> None:
    for name, theme, width in (
        ("console-light", "light", 1280),
        ("console-dark", "dark", 1280),
        ("console-narrow", "light", 390),
    ):
        with Desk() as desk:
            desk.agent.answer = reply
            size = {"width": width, "height": 800}
            with open_console(desk, chromium, viewport=size, color_scheme=theme) as screen:
                talk(screen, desk)
                screen.page.screenshot(path=str(folder / f"{name}.png"))
                screen.page.keyboard.press(",")
                screen.page.wait_for_timeout(300)
                screen.page.screenshot(path=str(folder / f"{name}-settings.png"))


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        sounds = (Sound(5.0, 1.4), Sound(8.2, 1.4))
        microphone = write_microphone(Path(temporary) / "microphone.wav", sounds)
        with launch(playwright, microphone) as chromium:
            take(chromium, folder)


if __name__ == "__main__":
    main()
