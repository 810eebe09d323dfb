"""Pictures of the console's states for the docs: ``python -m tests.emulator.console.pictures DIR``.

``make pictures`` makes those of ``docs/pictures``, and with ``--all`` each state in light and dark,
wide and narrow, to be looked at. Voice activity, transcripts and sound are those of the tests'
engines, so a picture is the same each time.
"""

import argparse
import base64
import io
import itertools
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.emulator.console.pictured_states import QUESTIONS, SOUNDS, STATES, open_desk
from tests.emulator.console.rig import launch, open_console, write_microphone

SHOWN = ("console-light", "console-dark", "console-narrow", "recording-light", "replay-light")
"""Those that stand in README and docs."""

ANIMATION = "barge-in"
FRAME_S = 0.2
FRAME_WIDTH = 900

HOWS: dict[str, tuple[int, str]] = {
    "light": (1280, "light"),
    "dark": (1280, "dark"),
    "narrow": (390, "light"),
    "narrowdark": (390, "dark"),
}
"""Width in px and theme."""


def take(chromium: Browser, folder: Path, names: list[str]) -> None:
    """One picture a name: the state and how. A state is gone into once for all of its pictures."""
    wanted: dict[str, list[str]] = {}
    for name in names:
        state, _, how = name.rpartition("-")
        wanted.setdefault(state, []).append(how)
    for state, hows in wanted.items():
        width, theme = HOWS[hows[0]]
        agents = ("desk", "kitchen", "spa") if state == "compared" else ("*",)
        with (
            tempfile.TemporaryDirectory() as recordings,
            open_desk(names=agents, record=Path(recordings)) as desk,
            open_console(desk, chromium, **look(width, theme)) as screen,
        ):
            STATES[state](screen, desk)
            for how in hows:
                width, theme = HOWS[how]
                screen.page.set_viewport_size({"width": width, "height": 800})
                screen.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                screen.page.wait_for_timeout(400)
                screen.page.screenshot(path=str(folder / f"{state}-{how}.png"))


def look(width: int, theme: str) -> dict[str, Any]:
    return {"viewport": {"width": width, "height": 800}, "color_scheme": theme}


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
    parser.add_argument(
        "--all", action="store_true", help="every state, light and dark, wide and narrow"
    )
    parser.add_argument("--only", action="append", help="this one: replay-dark, barge-in")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    every = [f"{state}-{how}" for state in STATES for how in HOWS]
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        microphone = write_microphone(Path(temporary) / "microphone.wav", SOUNDS)
        with launch(playwright, microphone) as chromium:
            names = options.only or [*(every if options.all else SHOWN), ANIMATION]
            take(chromium, options.folder, [name for name in names if name != ANIMATION])
            if ANIMATION in names:
                take_barge_in(chromium, options.folder / f"{ANIMATION}.webp")


if __name__ == "__main__":
    main()
