"""The form of a session's settings: what applies now, what is kept, what is refused and where."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.emulator.console.conftest import Microphone
from tests.emulator.console.rig import Desk, Screen, loud_s, open_console
from tests.emulator.console.test_call import answer
from voicelive_agent.client.core.session import describe_session
from voicelive_agent.client.settings import load_settings
from voicelive_agent.emulator.routes.settings_form import describe_settings

pytestmark = [pytest.mark.component, pytest.mark.timeout(180)]


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        desk.agent.answer = answer("Hi.")
        yield desk


def open_form(screen: Screen) -> None:
    screen.page.keyboard.press(",")
    screen.page.wait_for_selector("[data-setting=turn_detection]")
    for group in ("Hearing", "Voice", "Model", "Other"):
        screen.page.locator(f"details.group:not([open]) summary >> text={group}").click()


def write(screen: Screen, path: str, value: str) -> None:
    field = screen.page.locator(f"#session-{path}")
    field.fill(value)
    field.press("Tab")


def wait_for_outcome(screen: Screen, name: str, outcome: str) -> None:
    screen.page.wait_for_selector(f'[data-setting="{name}"][data-outcome="{outcome}"]')


def asked(screen: Screen) -> list[dict[str, Any]]:
    return [event["session"] for event in screen.frames("session.update")]


def test_the_form_has_all_that_the_emulator_takes(desk: Desk, microphone: Microphone) -> None:
    with open_console(desk, microphone()) as screen:
        open_form(screen)
        names = screen.page.locator("[data-setting]").evaluate_all(
            "(all) => all.map((one) => one.dataset.setting)"
        )
        fields = {field["path"]: field for field in describe_settings()["fields"]}
        assert sorted(names) == sorted(fields)
        for name, field in fields.items():
            when = {"now": "now", "next_call": "next call", "never": "not here"}[field["applies"]]
            head = screen.page.locator(f'[data-setting="{name}"] .head').first.inner_text()
            assert when in head
            assert ("the agent's own" in head) is field["ignored_in_agent_mode"]


def test_live_settings_apply_and_others_wait_for_the_next_call(
    desk: Desk, microphone: Microphone
) -> None:
    with open_console(desk, microphone()) as screen:
        screen.talk()
        screen.wait_for_state("listening")
        open_form(screen)
        before = len(asked(screen))
        write(screen, "turn_detection-silence_duration_ms", "820")
        wait_for_outcome(screen, "turn_detection", "applied")
        assert asked(screen)[before:] == [
            {
                "turn_detection": {
                    "type": "server_vad",
                    "silence_duration_ms": 820,
                    "auto_truncate": True,
                }
            }
        ]
        assert screen.call("call.session.settings.turn_detection.silence_duration_ms") == 820
        # The next change is made to what was written, not to what was there at first.
        screen.page.locator("#session-turn_detection-auto_truncate").uncheck()
        wait_for_outcome(screen, "turn_detection", "applied")
        screen.wait_for("voiceConsole.call.session.settings.turn_detection.auto_truncate === false")
        assert screen.call("call.session.settings.turn_detection.silence_duration_ms") == 820

        before = len(asked(screen))
        write(screen, "voice-name", "tone")
        wait_for_outcome(screen, "voice", "kept")
        assert len(asked(screen)) == before
        screen.page.evaluate("voiceConsole.call.hangUp()")
        screen.wait_for_state("ended")
        screen.talk()
        screen.wait_for_state("listening")
        assert asked(screen)[0]["voice"]["name"] == "tone"
        assert screen.call("call.session.settings.voice.name") == "tone"
        assert asked(screen)[0]["turn_detection"]["silence_duration_ms"] == 820
        # Kept by the browser, until it is taken back.
        assert screen.page.evaluate("JSON.parse(localStorage['voicelive-console']).session") == {
            "turn_detection": screen.call("call.wishes.turn_detection"),
            "voice": screen.call("call.wishes.voice"),
        }
        screen.page.locator('[data-setting="voice"] >> text=default').click()
        assert screen.call("'voice' in call.wishes") is False


def test_what_is_wrong_is_told_at_its_field_and_changes_nothing(
    desk: Desk, microphone: Microphone
) -> None:
    with open_console(desk, microphone()) as screen:
        screen.talk()
        screen.wait_for_state("listening")
        open_form(screen)
        before = len(asked(screen))
        write(screen, "turn_detection-threshold", "7")
        problem = screen.page.locator("#session-turn_detection-threshold-error")
        assert problem.inner_text() == "It must be from 0 to 1."
        field = screen.page.locator("#session-turn_detection-threshold")
        assert field.get_attribute("aria-invalid") == "true"
        assert len(asked(screen)) == before
        write(screen, "turn_detection-threshold", "0.7")
        wait_for_outcome(screen, "turn_detection", "applied")
        assert problem.count() == 0

        # What no field can tell alone is the service's to say.
        screen.page.locator("#session-input_audio_echo_cancellation").select_option(
            label="server_echo_cancellation"
        )
        wait_for_outcome(screen, "input_audio_echo_cancellation", "applied")
        write(screen, "input_audio_echo_cancellation-channels", "2")
        wait_for_outcome(screen, "input_audio_echo_cancellation", "refused")
        problem = screen.page.locator("#session-input_audio_echo_cancellation-channels-error")
        assert "reference_source to 'client'" in problem.inner_text()
        channels = screen.page.locator("#session-input_audio_echo_cancellation-channels")
        assert channels.input_value() == "2"
        settings = screen.call("call.session.settings.input_audio_echo_cancellation")
        assert settings["channels"] == 1
        assert screen.page.locator("console-conversation .note").count() == 0

        # What is only warned of stands at its field as well.
        screen.page.locator("#session-avatar").fill('{"character": "lisa"}')
        screen.page.locator("#session-avatar").press("Tab")
        wait_for_outcome(screen, "avatar", "warned")
        assert "avatars" in screen.page.locator('[data-setting="avatar"] .warning').inner_text()


def test_what_is_written_stands_while_the_page_is_drawn_anew(
    desk: Desk, microphone: Microphone
) -> None:
    """Each event draws the page; a number was set back under the fingers that typed it."""
    with open_console(desk, microphone()) as screen:
        screen.talk()
        screen.wait_for_state("listening")
        open_form(screen)
        field = screen.page.locator("#session-turn_detection-prefix_padding_ms")
        field.fill("12")
        screen.page.evaluate("voiceConsole.call.changed()")
        screen.page.wait_for_timeout(200)
        field.press("End")
        screen.page.keyboard.type("3")
        screen.page.evaluate("voiceConsole.call.changed()")
        screen.page.wait_for_timeout(100)
        field.press("Tab")
        wait_for_outcome(screen, "turn_detection", "applied")
        assert screen.call("call.session.settings.turn_detection.prefix_padding_ms") == 123


def test_a_setting_that_is_refused_does_not_keep_anybody_from_talking(
    desk: Desk, microphone: Microphone
) -> None:
    """Kept from an older emulator, say: no call would ever begin."""
    with open_console(desk, microphone()) as screen:
        screen.page.evaluate(
            "voiceConsole.call.prefer({ session: { output_audio_format: 'mp3',"
            " metadata: { a: 'b' } } })"
        )
        screen.talk()
        screen.wait_for_state("listening")
        assert screen.call("call.session.settings.output_audio_format") == "pcm16"
        assert screen.call("call.session.settings.metadata") == {"a": "b"}
        open_form(screen)
        wait_for_outcome(screen, "output_audio_format", "refused")
        assert screen.call("call.preferences.session") == {"metadata": {"a": "b"}}


@pytest.mark.parametrize("output", ["g711_ulaw", "pcm16_8000hz"])
def test_other_formats_are_heard_as_well(desk: Desk, microphone: Microphone, output: str) -> None:
    desk.agent.answer = answer("one two three four five")
    with open_console(desk, microphone()) as screen:
        session: dict[str, Any] = {"output_audio_format": output, "input_audio_format": "g711_alaw"}
        session |= {"input_audio_sampling_rate": 8000}
        screen.page.evaluate(f"voiceConsole.call.prefer({{ session: {json.dumps(session)} }})")
        screen.talk()
        screen.wait_for_state("speaking")
        screen.wait_for_state("listening")
        # Five words of 200 ms: a tone, which is neither longer nor quieter than it was made.
        entry = screen.call("call.session.entries[0]")
        assert entry["audioMs"] == pytest.approx(1000, abs=60)
        assert loud_s(screen.heard()) == pytest.approx(1.0, abs=0.15)
        # Where it sets in, a tone rings by a tenth: what lasts is measured.
        loud = np.abs(screen.heard().astype(int))
        assert np.percentile(loud[loud > 2000], 95) == pytest.approx(8000, rel=0.05)


def test_what_is_copied_is_the_session_that_was_asked_for(
    desk: Desk, microphone: Microphone, tmp_path: Path
) -> None:
    with open_console(
        desk, microphone(), permissions=["clipboard-read", "clipboard-write", "microphone"]
    ) as screen:
        open_form(screen)
        write(screen, "turn_detection-silence_duration_ms", "820")
        write(screen, "input_audio_transcription-phrase_list", 'Corner "Table"\nÖlmühle')
        wishes = screen.call("call.wishes")
        assert wishes["turn_detection"]["silence_duration_ms"] == 820
        copied = {}
        for name in ("JSON", "Python", "TOML"):
            screen.page.get_by_role("button", name=f"Copy as {name}").click()
            screen.page.wait_for_selector("text=Copied")
            copied[name] = screen.page.evaluate("navigator.clipboard.readText()")
        assert json.loads(copied["JSON"]) == {"type": "session.update", "session": wishes}
        call = ast.parse(copied["Python"], mode="eval").body
        assert isinstance(call, ast.Await) and isinstance(call.value, ast.Call)
        assert ast.literal_eval(call.value.keywords[0].value) == wishes
        # The voice client asks for the same with this profile.
        profile = tmp_path / "profile.toml"
        profile.write_text(copied["TOML"], encoding="utf-8")
        client = load_settings({"profile": profile, "agent_name": "demo", "project_name": "p"})
        described = describe_session(client, [])
        assert {name: described[name] for name in wishes} == wishes
