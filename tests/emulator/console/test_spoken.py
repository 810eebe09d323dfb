"""A person speaks to the front desk from the page: real speech to text, real voice, real sound."""

import os
import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Playwright

from tests.client.sound.pulseaudio import SoundSystem, start_sound_system
from tests.emulator.console import other_client
from tests.emulator.console.conftest import Microphone
from tests.emulator.console.rig import RATE_HZ, Screen, Sound, launch, open_console
from tests.emulator.console.test_call import find, keep_sound, sent
from tests.emulator.service import Service, front_desk
from voicelive_agent.client.check.expectations import contains_words

pytestmark = [
    *(pytest.mark.slow, pytest.mark.component, pytest.mark.nightly),
    pytest.mark.timeout(300),
]

QUESTION = "What are your opening hours?"
SECOND = "What is the weather in Seattle?"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with front_desk() as service:
        yield service


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def test_what_is_asked_is_understood_and_what_is_answered_is_heard(
    service: Service, microphone: Microphone
) -> None:
    """What left for the loudspeaker is what was sent, and is recognised when it is heard again."""
    with open_console(service, microphone(Sound(2.0, text=QUESTION))) as screen:
        keep_sound(screen)
        screen.page.evaluate("voiceConsole.call.prefer({ isGreeting: false })")
        screen.talk()
        screen.wait_for_state("speaking")
        screen.wait_for_state("listening")
        screen.page.wait_for_timeout(300)
        asked = screen.call("call.session.entries.find((e) => e.kind === 'you').text")
        assert words(asked) == words(QUESTION)
        answer = screen.call("call.session.entries.find((e) => e.kind === 'agent').text")
        wanted, heard = sent(screen), screen.heard()
        at = find(heard, wanted)
        assert at >= 0
        assert np.abs(heard[at : at + len(wanted)].astype(int) - wanted).max() <= 1
        assert screen.call("call.underruns") == 0
    with other_client.call(service) as client:
        client.play(heard[at : at + len(wanted)].tobytes(), silent_s=1.5)
        done = "conversation.item.input_audio_transcription.completed"
        again = [client.receive(done)["transcript"]]
        again += [event["transcript"] for event in client.events[:-1] if event["type"] == done]
    assert contains_words(" ".join(again), words(answer)), again


def test_a_person_who_interrupts_silences_the_page(
    service: Service, microphone: Microphone
) -> None:
    spoken = (Sound(2.0, text=QUESTION), Sound(7.5, text=SECOND))
    with open_console(service, microphone(*spoken)) as screen:
        screen.page.evaluate("voiceConsole.call.prefer({ isGreeting: false })")
        screen.talk()
        screen.wait_for("voiceConsole.call.session.entries.some((e) => e.cutMs > 0)", 60)
        screen.wait_for(
            "voiceConsole.call.session.entries.filter((e) => e.kind === 'agent').length > 1", 60
        )
        said = screen.call(
            "call.session.entries.filter((e) => e.kind === 'you').map((e) => e.text)"
        )
        assert [words(text) for text in said] == [words(QUESTION), words(SECOND)]
        assert screen.call("call.cutMs") < 60
        assert silent_after_the_cut(screen)
        assert screen.page.locator("article.agent del").first.inner_text()


def silent_after_the_cut(screen: Screen) -> bool:
    """From the cut to the next answer nothing is heard for a while."""
    heard = np.abs(screen.heard().astype(int))
    quiet = np.flatnonzero(np.convolve(heard > 1, np.ones(RATE_HZ // 5), "valid") == 0)
    loud = np.flatnonzero(heard > 500)
    return bool(len(quiet)) and bool((quiet > loud[0]).any())


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundSystem]:
    """A loudspeaker that the microphone hears."""
    with start_sound_system(monkeypatch) as sound:
        path = ("source=speaker.monitor", "sink=speech", "latency_msec=30", "adjust_time=0")
        sound.control("load-module", "module-loopback", *path)
        yield sound


def test_the_page_asks_the_browser_to_take_out_what_its_loudspeaker_plays(
    service: Service, playwright: Playwright, room: SoundSystem
) -> None:
    """Without echo cancellation, an agent interrupts its own greeting again and again."""
    environment = dict(os.environ)
    with (
        launch(playwright, None, env=environment) as chromium,
        open_console(service, chromium) as screen,
    ):
        echo = hear_a_greeting(screen, is_cancelled=False)
        assert echo > 0.01, "the loudspeaker was not heard: this shows nothing"
        assert hear_a_greeting(screen, is_cancelled=True) < echo / 4


def hear_a_greeting(screen: Screen, *, is_cancelled: bool) -> float:
    """The median RMS of the microphone while the agent speaks, from its second second on."""
    switches = f"{{ echoCancellation: {str(is_cancelled).lower()} }}"
    screen.page.evaluate(f"voiceConsole.call.process({switches})")
    # It may not interrupt itself here, so that both are heard whole.
    screen.page.evaluate("voiceConsole.call.prefer({ session: { turn_detection: null } })")
    screen.talk()
    screen.wait_for_state("speaking")
    screen.wait_for("voiceConsole.call.session.entries.some((e) => e.playedMs > 1000)")
    screen.page.evaluate(
        """() => {
          window.levels = [];
          const { call } = voiceConsole;
          const { listener } = call.engine;
          const { captured } = listener;
          listener.captured = (chunk) => {
            if (call.session.playing) window.levels.push(chunk.rms);
            captured(chunk);
          };
        }"""
    )
    screen.wait_for("voiceConsole.call.session.playing === null", 30)
    screen.page.keyboard.press("t")
    screen.wait_for_state("ended")
    levels = screen.page.evaluate("window.levels")
    assert len(levels) > 50
    return float(np.median(levels))
