"""Calls of others on the page as they happen, recordings that are heard, seen and replayed."""

import json
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.emulator.console import other_client
from tests.emulator.console.conftest import Microphone
from tests.emulator.console.rig import RATE_HZ, Desk, Screen, Sound, open_console
from tests.emulator.console.test_call import WORDS, answer, find
from tests.emulator.service import ROOT

pytestmark = [pytest.mark.component, pytest.mark.timeout(180)]

SHOWN = "voiceConsole.stage.shown"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Desk(record=tmp_path) as desk:
        desk.agent.answer = answer()
        yield desk


def folder(desk: Desk) -> Path:
    assert desk.settings.record is not None
    return desk.settings.record


def record(desk: Desk) -> str:
    """A call of two turns, the first of which is interrupted; the id of its session."""
    desk.stt.texts = ["are you open", "stop please"]
    with other_client.call(desk) as client:
        client.speak(0.8)
        client.receive("response.done")
        client.speak(1.0)
        client.receive("response.done")
        time.sleep(0.3)
        return str(client.session_id)


def open_recording(screen: Screen, session: str) -> None:
    screen.page.get_by_role("tab", name="Recordings").click()
    row = screen.page.locator(f'li[data-session="{session}"]')
    row.get_by_role("button", name="Open").click()
    screen.page.wait_for_selector("console-observed-bar input[type=range]")


def test_a_call_of_others_appears_as_it_happens(desk: Desk, microphone: Microphone) -> None:
    desk.stt.texts = ["are you open"]
    card = {"type": "ui.buttons", "buttons": [{"label": "Book", "action": {"book": 1}}]}
    desk.agent.answer = answer(WORDS, card)
    with open_console(desk, microphone()) as screen, other_client.call(desk) as client:
        screen.wait_for(f"{SHOWN}.id === {client.session_id!r}")
        client.speak(0.8)
        client.receive("response.done")
        screen.page.wait_for_selector("article.agent mark")
        assert screen.page.locator("article.you p").inner_text() == "are you open"
        assert screen.page.locator("article.agent p").inner_text() == WORDS
        assert "Live call" in screen.page.locator("console-observed-bar").inner_text()
        # It is read only: its buttons are for its own client.
        assert screen.page.get_by_role("button", name="Book").is_disabled()
        screen.page.wait_for_selector(".turn")
        assert screen.page.locator(".turn .total").first.inner_text().endswith("ms")
        types = screen.page.evaluate(f"() => {SHOWN}.log.rows.map((row) => row.type)")
        assert types.count("input_audio_buffer.speech_started") == 1
        # What is typed there, and what is clicked there, is seen here.
        client.type("a table for two")
        client.send("response.create", response={"invoke_input": {"book": 1}})
        client.receive("response.done")
        screen.wait_for(f"{SHOWN}.session.entries.some((e) => e.chosen === 0)")
        said = screen.page.locator("article.you p").all_inner_texts()
        assert said == ["are you open", "a table for two"]
    assert screen.errors == []


def test_a_call_of_others_does_not_push_ones_own_aside(desk: Desk, microphone: Microphone) -> None:
    with open_console(desk, microphone()) as screen:
        screen.talk()
        screen.wait_for_state("speaking")
        with other_client.call(desk) as client:
            screen.page.get_by_role("tab", name="Calls").click()
            row = screen.page.locator(f'li[data-session="{client.session_id}"]')
            row.get_by_text("live").wait_for()
            assert screen.call("voiceConsole.stage.shown === call")
            row.get_by_role("button", name="Watch").click()
            client.type("hello")
            screen.page.get_by_text("hello", exact=True).wait_for()
            own = screen.page.locator(f'li[data-session="{screen.call("call.session.id")}"]')
            screen.page.get_by_role("tab", name="Calls").click()
            assert "this page's" in own.inner_text()
            screen.page.get_by_role("button", name="Back to my call").click()
            assert screen.call("voiceConsole.stage.shown === call")
        screen.page.get_by_role("tab", name="Calls").click()
        row.get_by_text("ended").wait_for()


def test_a_closed_call_is_looked_at_from_its_beginning(desk: Desk, microphone: Microphone) -> None:
    session = record(desk)
    with open_console(desk, microphone()) as screen:
        screen.page.get_by_role("tab", name="Calls").click()
        screen.page.locator(f'li[data-session="{session}"] button').click()
        screen.page.get_by_text("stop please", exact=True).wait_for()
        # What was not heard is struck, as on the page of its own client.
        struck = screen.page.locator("article.agent del").first.inner_text()
        assert struck and WORDS.endswith(struck)


def test_a_recording_is_heard_and_seen_in_step(desk: Desk, microphone: Microphone) -> None:
    session = record(desk)
    with open_console(desk, microphone()) as screen:
        open_recording(screen, session)
        duration_ms = screen.call("voiceConsole.stage.player.durationMs")
        with wave.open(str(folder(desk) / f"{session}.wav")) as wav:
            assert abs(duration_ms - wav.getnframes() / wav.getframerate() * 1000) < 50
            sides = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, 2)
        # Lanes are the peaks of both sides of the file.
        for side, name in enumerate(("you", "agent")):
            peaks = screen.page.evaluate(f"() => [...{SHOWN}.lanes.peaks.{name}]")
            step = RATE_HZ // 50
            wanted = np.abs(sides[: len(sides) // step * step, side].astype(int))
            loudest = wanted.reshape(-1, step).max(1) / 0x8000 * 255
            assert np.abs(np.array(peaks[: len(loudest)]) - loudest).max() <= 1
        # The agent alone: what leaves for the loudspeaker is its side of the file.
        screen.page.get_by_label("you", exact=True).uncheck()
        screen.page.get_by_role("button", name="Play", exact=True).click()
        screen.page.wait_for_selector("article.agent mark")
        screen.page.wait_for_selector(".turn.now")
        screen.page.wait_for_selector(".event.now")
        first = screen.call("voiceConsole.stage.observed.headMs")
        screen.wait_for(f"voiceConsole.stage.observed.headMs > {first} + 500")
        screen.page.get_by_role("button", name="Pause").click()
        heard = screen.heard()
        start = np.flatnonzero(np.abs(sides[:, 1]) > 500)[0]
        assert find(heard, sides[start : start + RATE_HZ // 2, 1], tolerance=2) >= 0
        # Elsewhere: by the slider, and everything goes along.
        slider = screen.page.get_by_label("Place in the recording")
        slider.fill(str(round(duration_ms // 100 * 100)))
        last = screen.page.locator(".turn").last
        assert "now" in str(last.get_attribute("class"))


def test_a_recording_that_is_gone_is_told(desk: Desk, microphone: Microphone) -> None:
    """Opening one whose files somebody had removed did nothing, and said nothing."""
    session = record(desk)
    with open_console(desk, microphone()) as screen:
        screen.page.get_by_role("tab", name="Recordings").click()
        row = screen.page.locator(f'li[data-session="{session}"]')
        row.wait_for()
        for path in folder(desk).glob(f"{session}*"):
            path.unlink()
        for button in ("Open", "Replay", "WAV", "JSON lines", "Check"):
            row.get_by_role("button", name=button).click()
            screen.page.locator("#panel [role=alert]").get_by_text("no such recording").wait_for()
            screen.page.get_by_role("tab", name="Calls").click()
            screen.page.get_by_role("tab", name="Recordings").click()


def test_a_turn_is_selected_with_its_events_its_span_and_its_sound(
    desk: Desk, microphone: Microphone
) -> None:
    desk.stt.texts = ["are you open"]
    with open_console(desk, microphone(Sound(4.5, 1.0))) as screen:
        screen.talk()
        screen.wait_for("voiceConsole.call.rows.length > 1")
        screen.wait_for_state("listening")
        screen.page.wait_for_timeout(400)
        before = len(screen.heard())
        screen.page.locator('.turn[data-turn="2"]').click()
        screen.wait_for("voiceConsole.stage.isPlaying")
        assert screen.page.get_by_text("Events of the selected turn").is_visible()
        shown = screen.page.evaluate(
            "() => document.querySelector('console-event-log').found.map((r) => r.type)"
        )
        assert shown.count("input_audio_buffer.speech_started") == 1
        assert shown.count("response.done") == 1
        span = screen.page.evaluate("() => document.querySelector('console-lanes').selection")
        speech = screen.call("call.lanes.speech[0]")
        assert span["fromMs"] <= speech["fromMs"] < span["toMs"]
        # While it sounds, the microphone would take it for the person.
        assert screen.call("call.headMs") is not None
        screen.wait_for("!voiceConsole.stage.isPlaying")
        screen.page.wait_for_timeout(200)
        heard = screen.heard()[before:].astype(float)
        assert screen.call("call.headMs") is None
        # First the person's tone, and then the answer, as they were heard.
        begun = int(np.argmax(np.abs(heard) > 500))
        tone = np.abs(np.fft.rfft(heard[begun : begun + RATE_HZ]))
        assert abs(np.argmax(tone) - 220) <= 15
        assert screen.call("call.state.name") == "listening"
        assert len(desk.agent.requests) == 2


def test_a_recording_is_replayed_and_what_changed_is_seen(
    desk: Desk, microphone: Microphone
) -> None:
    session = record(desk)
    desk.stt.texts = ["are you open", "stop please"]
    desk.agent.answer = answer(WORDS.replace("two", "too"))
    with open_console(desk, microphone()) as screen:
        screen.page.get_by_role("tab", name="Recordings").click()
        row = screen.page.locator(f'li[data-session="{session}"]')
        row.get_by_role("button", name="Replay", exact=True).click()
        # It is a call like any other while it lasts.
        screen.page.get_by_text("Live call of another client").wait_for()
        row.locator(".changes").wait_for(timeout=60_000)
        verdict = row.locator(".verdict").inner_text()
        assert verdict == "2 of 2 turns changed."
        turn = row.locator('.change[data-turn="1"]')
        assert turn.locator("del").first.inner_text() == "two"
        assert turn.locator("ins").first.inner_text() == "too"
        assert "first sound" in turn.locator(".latency").inner_text()
        assert "are you open" in turn.inner_text()


def test_a_replay_of_what_is_the_same_says_so(desk: Desk, microphone: Microphone) -> None:
    with other_client.call(desk) as client:
        client.type("hello")
        session = client.session_id
    with open_console(desk, microphone()) as screen:
        screen.page.get_by_role("tab", name="Recordings").click()
        row = screen.page.locator(f'li[data-session="{session}"]')
        row.get_by_role("button", name="Replay", exact=True).click()
        row.get_by_text("Nothing changed").wait_for(timeout=60_000)


def test_what_is_exported_is_taken_by_the_commands(
    desk: Desk, microphone: Microphone, tmp_path: Path
) -> None:
    session = record(desk)
    saved: dict[str, Path] = {}
    with open_console(desk, microphone()) as screen:
        screen.page.get_by_role("tab", name="Recordings").click()
        row = screen.page.locator(f'li[data-session="{session}"]')
        for name in ("WAV", "JSON lines", "Check"):
            with screen.page.expect_download() as download:
                row.get_by_role("button", name=name).click()
            saved[name] = tmp_path / "saved" / download.value.suggested_filename
            download.value.save_as(saved[name])
    assert saved["WAV"].read_bytes() == (folder(desk) / f"{session}.wav").read_bytes()
    with wave.open(str(saved["WAV"])) as wav:
        assert wav.getnchannels() == 2
    scenario = yaml.safe_load(saved["Check"].read_text("utf-8"))
    assert [step.get("say") for step in scenario["steps"]] == ["are you open"]
    assert scenario["steps"][0]["interrupt"]["say"] == "stop please"
    desk.stt.texts = ["are you open", "stop please"]
    command = [sys.executable, "-m", "voicelive_agent.emulator.watch.replay"]
    ran = subprocess.run(
        [*command, str(saved["JSON lines"]), "--endpoint", desk.url, "--quiet", "1"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = [json.loads(line) for line in saved["JSON lines"].read_text("utf-8").splitlines()]
    assert sum("audio" in line.get("event", {}) for line in lines) > 50


def test_without_recordings_the_page_says_how_to_make_some(microphone: Microphone) -> None:
    with Desk() as desk, open_console(desk, microphone()) as screen:
        screen.page.get_by_role("tab", name="Recordings").click()
        screen.page.get_by_text("--record DIRECTORY").wait_for()
