"""A call from the page: what is heard, how it is cut, and that page and service agree on it."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.emulator.console.conftest import Microphone
from tests.emulator.console.rig import RATE_HZ, Desk, Screen, Sound, open_console
from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerFinished,
    ScreenEvent,
    TextDelta,
)

pytestmark = [pytest.mark.component, pytest.mark.alone, pytest.mark.timeout(180)]

WORDS = "one two three four five six seven eight nine ten eleven twelve"
QUIET = ()


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


def answer(text: str = WORDS, *cards: dict[str, Any]) -> Any:
    async def reply(request: AgentRequest) -> AsyncIterator[AgentEvent]:
        for card in cards:
            yield ScreenEvent(card)
        yield TextDelta(text)
        yield AnswerFinished()

    return reply


def sent(screen: Screen) -> np.ndarray:
    """The sound of the newest answer, as it came."""
    return np.concatenate(
        [
            np.frombuffer(base64.b64decode(chunk), "<i2")
            for chunk in screen.page.evaluate("window.sound[window.sound.length - 1]")
        ]
    )


def keep_sound(screen: Screen) -> None:
    """Keep the sound of each answer as it comes over the socket, past the page's own code."""
    screen.page.evaluate(
        """() => {
          window.sound = [];
          const parse = JSON.parse;
          JSON.parse = (text, ...rest) => {
            const event = parse(text, ...rest);
            if (event?.type === "response.created") window.sound.push([]);
            if (event?.type === "response.audio.delta") window.sound.at(-1).push(event.delta);
            return event;
          };
        }"""
    )


def find(heard: np.ndarray, wanted: np.ndarray, tolerance: int = 1) -> int:
    """Where it stands in what was heard, or -1."""
    first = int(np.flatnonzero(np.abs(wanted) > 500)[0])
    probe = wanted[first : first + 400].astype(int)
    for start in np.flatnonzero(
        np.abs(heard[: len(heard) - len(probe)].astype(int) - probe[0]) <= tolerance
    ):
        if np.abs(heard[start : start + len(probe)].astype(int) - probe).max() <= tolerance:
            return int(start) - first
    return -1


def test_what_leaves_for_the_loudspeaker_is_what_was_sent(
    desk: Desk, microphone: Microphone
) -> None:
    desk.agent.answer = answer()
    with open_console(desk, microphone(*QUIET)) as screen:
        keep_sound(screen)
        screen.talk()
        screen.wait_for_state("speaking")
        screen.wait_for_state("listening")
        screen.page.wait_for_timeout(100)
        wanted, heard = sent(screen), screen.heard()
        at = find(heard, wanted)
        assert at >= 0
        assert np.abs(heard[at : at + len(wanted)].astype(int) - wanted).max() <= 1
        assert screen.call("call.underruns") == 0
        marks = screen.call("[...call.session.marks.values()][0]")
        assert marks["playing"] - marks["received"] < 250, "held back for 60 ms, on a busy machine"


def test_a_barge_in_silences_the_page_and_strikes_what_was_not_heard(
    desk: Desk, microphone: Microphone
) -> None:
    desk.agent.answer = answer()
    desk.stt.texts = ["what is the weather"]
    with open_console(desk, microphone(Sound(1.4))) as screen:
        keep_sound(screen)
        screen.talk()
        screen.wait_for("voiceConsole.call.session.entries.some((e) => e.cutMs > 0)")
        entry = screen.call("call.session.entries.find((e) => e.cutMs > 0)")
        screen.wait_for(
            "voiceConsole.call.session.entries.filter((e) => e.kind === 'agent').length > 1"
        )
        # From the cut on, nothing of that answer is played.
        assert screen.call("call.cutMs") < 60
        wanted = np.frombuffer(
            b"".join(base64.b64decode(one) for one in screen.page.evaluate("window.sound[0]")),
            "<i2",
        )
        heard = screen.heard()
        at, played = find(heard, wanted), round(entry["playedMs"] * RATE_HZ / 1000)
        assert np.abs(heard[at : at + played].astype(int) - wanted[:played]).max() <= 1
        assert np.abs(heard[at + played : at + played + 2400].astype(int)).max() <= 1
        # The screen shows it: struck, with the page's own count.
        struck = screen.page.locator("article.agent del").first.inner_text()
        assert struck and WORDS.endswith(struck)
        heard_words = int(entry["cutMs"] // 200) + 1
        assert struck == " ".join(WORDS.split()[heard_words:])
        assert (
            f"{entry['cutMs'] / 1000:.2f} s"
            in screen.page.locator("article .cut").first.inner_text()
        )
        # The service took as much to be heard, or was told.
        told = screen.frames("conversation.item.truncate")
        differs = abs(entry["playedMs"] - entry["serverMs"]) > 100
        assert [one["audio_end_ms"] for one in told] == ([entry["cutMs"]] if differs else [])


def test_interrupting_what_is_made_already_truncates_and_cancels_nothing(
    desk: Desk, microphone: Microphone
) -> None:
    """response.cancel would be an error by then: the answer is made long before it is heard."""
    desk.agent.answer = answer()
    with open_console(desk, microphone(*QUIET)) as screen:
        screen.talk()
        screen.wait_for(
            "voiceConsole.call.session.entries[0]?.playedMs > 500"
            " && !voiceConsole.call.session.active"
        )
        screen.page.keyboard.press("Escape")
        screen.wait_for_state("interrupted")
        cut = screen.call("call.session.entries[0].cutMs")
        assert [one["audio_end_ms"] for one in screen.frames("conversation.item.truncate")] == [cut]
        assert screen.frames("response.cancel") == []
        screen.wait_for("voiceConsole.call.session.entries[0].serverMs !== null")
        assert screen.call("call.session.entries[0].serverMs") == cut
        assert screen.frames("error", "server") == []


def test_interrupting_what_is_being_made_cancels_and_truncates(
    desk: Desk, microphone: Microphone
) -> None:
    async def slow(request: AgentRequest) -> AsyncIterator[AgentEvent]:
        for _ in range(40):
            yield TextDelta("This is a sentence that goes on. ")
            await asyncio.sleep(0.4)
        yield AnswerFinished()

    desk.agent.answer = slow
    with open_console(desk, microphone(*QUIET)) as screen:
        screen.talk()
        screen.wait_for("voiceConsole.call.session.entries[0]?.playedMs > 600")
        assert screen.call("call.session.active") is not None
        screen.page.get_by_role("button", name="Interrupt").click()
        screen.wait_for(
            "voiceConsole.call.session.active === null"
            " && voiceConsole.call.session.entries[0].serverMs !== null"
        )
        assert len(screen.frames("response.cancel")) == 1
        assert len(screen.frames("conversation.item.truncate")) == 1
        assert screen.frames("error", "server") == []
        before = len(screen.heard())
        screen.page.wait_for_timeout(500)
        assert np.abs(screen.heard()[before + 2400 :].astype(int)).max(initial=0) <= 1


def test_a_button_is_sent_as_it_came_and_works_once(desk: Desk, microphone: Microphone) -> None:
    action = {"type": "click", "action": "book", "seats": [2, {"x": None}]}
    desk.agent.answer = answer(
        "Which one?",
        {
            "type": "ui.buttons",
            "buttons": [{"label": "Book", "action": action}, {"label": "Leave", "action": {}}],
        },
    )
    with open_console(desk, microphone(*QUIET)) as screen:
        screen.talk()
        screen.page.get_by_role("button", name="Book").click()
        screen.wait_for(
            "voiceConsole.call.session.entries.filter((e) => e.kind === 'agent').length > 1"
        )
        asked = screen.frames("response.create")
        assert asked[-1]["response"] == {"invoke_input": action}
        expect(screen.page.locator(".choices").first.locator("button:enabled")).to_have_count(0)
        # By its number, the newest buttons are meant.
        screen.page.keyboard.press("2")
        screen.wait_for(
            "voiceConsole.call.log.rows.filter((row) => row.type === 'response.create').length > 2"
        )
        assert screen.frames("response.create")[-1]["response"] == {"invoke_input": {}}


def test_writing_while_the_agent_speaks_interrupts_it(desk: Desk, microphone: Microphone) -> None:
    desk.agent.answer = answer()
    with open_console(desk, microphone(*QUIET)) as screen:
        screen.talk()
        screen.wait_for("voiceConsole.call.session.entries[0]?.playedMs > 300")
        screen.page.keyboard.press("/")
        screen.page.keyboard.type("are you open today")
        screen.page.keyboard.press("Enter")
        screen.wait_for(
            "voiceConsole.call.session.entries.filter((e) => e.kind === 'agent').length > 1"
        )
        assert desk.agent.requests[-1].text == "are you open today"
        screen.wait_for("voiceConsole.call.session.entries[0].cutMs > 300")
        assert screen.frames("error", "server") == []


def test_writing_needs_no_microphone(desk: Desk, microphone: Microphone) -> None:
    desk.agent.answer = answer("Yes, we are open from nine to five, every day.")
    with open_console(desk, microphone(*QUIET)) as screen:
        screen.page.get_by_label("Say it in writing").fill("are you open")
        screen.page.get_by_role("button", name="Send").click()
        screen.wait_for_state("speaking")
        screen.wait_for_state("writing")
        assert screen.call("call.log.appends") == 0
        assert screen.call("call.engine.stream") is None
        assert [request.text for request in desk.agent.requests] == ["are you open"]


def test_a_muted_microphone_sends_silence_and_says_so(desk: Desk, microphone: Microphone) -> None:
    desk.agent.answer = answer("Hi.")
    with open_console(desk, microphone(Sound(2.5, 12.0))) as screen:
        screen.page.evaluate(
            """() => {
              window.loud = 0;
              const send = WebSocket.prototype.send;
              WebSocket.prototype.send = function (frame) {
                const event = JSON.parse(frame);
                if (event.audio && /[^A=]/.test(event.audio)) window.loud += 1;
                return send.call(this, frame);
              };
            }"""
        )
        screen.talk()
        screen.wait_for_state("listening", "speaking")
        screen.page.keyboard.press("m")
        screen.page.wait_for_timeout(100)
        loud = screen.page.evaluate("window.loud")
        screen.wait_for_state("muted-talking")
        appends = screen.call("call.log.appends")
        screen.page.wait_for_timeout(300)
        assert screen.page.evaluate("window.loud") == loud
        assert screen.call("call.log.appends") > appends, "silence is sent, so that turns end"
        screen.page.get_by_role("button", name="Unmute").first.click()
        screen.wait_for(f"window.loud > {loud}")


def test_talk_hang_up_and_talk_again(desk: Desk, microphone: Microphone) -> None:
    """Elsewhere voice works once, or text of a person is missing after that (adk-web #119)."""
    desk.agent.answer = answer("Hello there.")
    with open_console(desk, microphone(Sound(1.5, 0.8))) as screen:
        screen.page.add_init_script(
            """
              window.contexts = []; window.tracks = [];
              const Context = AudioContext;
              window.AudioContext = class extends Context {
                constructor(...a) {
                  super(...a);
                  window.contexts.push(this);
                }
              };
              const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
              navigator.mediaDevices.getUserMedia = async (what) => {
                const stream = await ask(what);
                window.tracks.push(...stream.getTracks());
                return stream;
              };
            """
        )
        screen.page.reload()
        screen.page.wait_for_selector("console-bar button")
        for number in range(3):
            desk.stt.texts = [f"question {number}"]
            screen.page.keyboard.press("t")
            screen.wait_for(
                "voiceConsole.call.session.entries"
                f".some((e) => e.kind === 'you' && e.text === 'question {number}')"
            )
            # What is said stands on the page with its next frame.
            screen.page.locator("article.you").get_by_text(f"question {number}").wait_for()
            assert screen.page.locator("article.you p").count() == 1
            assert (
                screen.page.evaluate("window.contexts.filter((c) => c.state === 'running').length")
                == 1
            )
            assert (
                screen.page.evaluate("window.tracks.filter((t) => t.readyState === 'live').length")
                == 1
            )
            screen.page.keyboard.press("t")
            screen.wait_for_state("ended")
            assert (
                screen.page.evaluate("window.tracks.filter((t) => t.readyState === 'live').length")
                == 0
            )
        assert (
            screen.page.evaluate("window.contexts.filter((c) => c.state !== 'closed').length") == 1
        )


def test_an_agent_hangs_up_once(desk: Desk, microphone: Microphone) -> None:
    """Closing the loudspeaker told that it was quiet, which ended the call again, and so on: the
    page was busy with nothing else, and a new call was ended before it began."""
    end = {"type": "agent.end_call", "reason": "all said"}
    desk.agent.answer = answer("Goodbye, and thank you for calling us this afternoon.", end)
    with open_console(desk, microphone()) as screen:
        for _ in range(2):
            screen.talk()
            screen.wait_for_state("speaking")
            screen.wait_for_state("ended")
            assert screen.call("call.state.sentence") == "All said. Talk again when you like."
        screen.page.evaluate(
            """() => {
              window.ends = 0;
              const { call } = voiceConsole;
              const { end } = call;
              call.end = (reason) => (window.ends++, end.call(call, reason));
            }"""
        )
        screen.page.wait_for_timeout(300)
        assert screen.page.evaluate("window.ends") == 0


def test_the_call_is_opened_beside_a_microphone_that_nobody_is_asked_for(
    desk: Desk, microphone: Microphone
) -> None:
    """The page waited for the microphone, then asked whether it would be let in, then made its
    context, and opened the call last: the greeting came 700 ms after the click."""
    desk.agent.answer = answer("Hello there, what is it that I can do for you?")
    with open_console(desk, microphone(*QUIET)) as screen:
        screen.wait_for("voiceConsole.call.engine.playback !== null")
        assert screen.call("call.engine.context.state") == "suspended"
        screen.page.evaluate(
            """() => {
              const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
              const slow = new Promise((resolve) => { window.give = resolve; });
              navigator.mediaDevices.getUserMedia = async (what) => (await slow, ask(what));
            }"""
        )
        screen.talk()
        screen.wait_for("voiceConsole.call.session.isReady")
        screen.page.wait_for_timeout(200)
        assert screen.frames("response.create") == [], "nobody can answer its greeting yet"
        screen.page.evaluate("window.give()")
        screen.wait_for_state("speaking")
        screen.wait_for("voiceConsole.call.log.appends > 0")


def test_a_microphone_that_does_not_open_ends_the_call(desk: Desk, microphone: Microphone) -> None:
    with open_console(desk, microphone(*QUIET)) as screen:
        screen.page.evaluate(
            """() => {
              const slow = new Promise((resolve) => { window.refuse = resolve; });
              navigator.mediaDevices.getUserMedia = async () => {
                await slow;
                throw new DOMException("Could not start audio source", "NotReadableError");
              };
            }"""
        )
        screen.talk()
        screen.wait_for("voiceConsole.call.session.isReady")
        screen.page.evaluate("window.refuse()")
        screen.page.locator('[data-state="busy"]').first.wait_for()
        screen.wait_for("!voiceConsole.call.isOpen")
        assert desk.agent.requests == []


def test_a_call_that_is_hung_up_at_once_lets_go_of_the_microphone(
    desk: Desk, microphone: Microphone
) -> None:
    """It was opened after the end of the call, and stayed open."""
    with open_console(desk, microphone(*QUIET)) as screen:
        screen.page.evaluate(
            """() => {
              const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
              const slow = new Promise((resolve) => { window.give = resolve; });
              navigator.mediaDevices.getUserMedia = async (what) => {
                await slow;
                window.stream = await ask(what);
                return window.stream;
              };
            }"""
        )
        screen.talk()
        screen.page.keyboard.press("t")
        screen.wait_for_state("ended")
        screen.page.evaluate("window.give()")
        screen.wait_for("window.stream?.getTracks()[0].readyState === 'ended'")
        screen.wait_for_state("ended")


def test_the_volume_is_kept(desk: Desk, microphone: Microphone) -> None:
    """The slider stood where it was left, and the sound was as loud as ever."""
    with open_console(desk, microphone(*QUIET)) as screen:
        screen.page.evaluate("voiceConsole.call.setLoudspeaker({ volume: 0.25 })")
        screen.page.reload()
        screen.wait_for("voiceConsole.call.engine.gain")
        assert screen.call("call.engine.gain.gain.value") == 0.25


def test_hold_to_talk_commits_when_it_is_let_go(desk: Desk, microphone: Microphone) -> None:
    desk.agent.answer = answer("Good.")
    desk.stt.texts = ["hello in one piece"]
    with open_console(desk, microphone(Sound(0.5, 6.0))) as screen:
        screen.page.evaluate("voiceConsole.call.prefer({ isGreeting: false })")
        screen.talk()
        screen.wait_for_state("listening", "hearing")
        screen.page.keyboard.down(" ")
        screen.wait_for("voiceConsole.call.session.settings.turn_detection === null")
        screen.page.wait_for_timeout(500)
        assert screen.call("call.state.name") == "hearing"
        screen.page.keyboard.up(" ")
        screen.wait_for("voiceConsole.call.session.entries.some((e) => e.kind === 'agent')")
        assert len(screen.frames("input_audio_buffer.commit")) == 1
        assert screen.frames("error", "server") == []


def test_a_start_that_comes_in_drops_is_held_and_a_stall_is_counted(
    desk: Desk, microphone: Microphone
) -> None:
    """The emulator's first delta is 37 ms, and the next one comes up to 86 ms later."""
    with open_console(desk, microphone(*QUIET)) as screen:
        screen.page.evaluate("voiceConsole.call.prefer({ isGreeting: false })")
        screen.talk()
        screen.wait_for_state("listening")
        feed = """async ([first, wait, second]) => {
          const { engine } = voiceConsole.call;
          const sound = (ms) => new Int16Array(ms * 24).fill(3000);
          engine.play("item_x" + wait, sound(first));
          await new Promise((done) => setTimeout(done, wait));
          engine.play("item_x" + wait, sound(second));
          engine.end("item_x" + wait);
        }"""
        screen.page.evaluate(feed, [37, 50, 200])
        screen.page.wait_for_timeout(600)
        assert screen.call("call.underruns") == 0
        screen.page.evaluate(feed, [200, 900, 100])
        screen.page.wait_for_timeout(300)
        assert screen.call("call.underruns") == 1


def test_push_to_talk_ends_a_turn_when_it_is_let_go(desk: Desk, microphone: Microphone) -> None:
    """Held, the page is heard, and nobody waits for a pause; there was no way back from it."""
    desk.agent.answer = answer("Hi.")
    desk.stt.texts = ["what is new", "and now"]
    with open_console(desk, microphone(Sound(3.0, 1.0), Sound(9.0, 1.0))) as screen:
        screen.page.evaluate("() => voiceConsole.call.prefer({ isGreeting: false })")
        screen.talk()
        screen.wait_for_state("listening")
        screen.page.keyboard.down(" ")
        screen.wait_for_state("hearing")
        screen.wait_for("voiceConsole.call.session.settings.turn_detection === null")
        screen.wait_for("voiceConsole.call.lanes.loudest(0, 1e9) > 0.1")
        screen.page.wait_for_timeout(600)
        assert desk.agent.requests == [], "a pause ends nothing"
        screen.page.keyboard.up(" ")
        screen.wait_for("voiceConsole.call.session.entries.some((e) => e.kind === 'agent')")
        assert desk.agent.requests[0].text == "what is new"
        screen.wait_for_state("push-to-talk")
        sent_before = screen.call("call.log.appends")
        screen.page.wait_for_timeout(300)
        assert screen.call("call.log.appends") == sent_before, "let go, nothing is heard"
        screen.page.get_by_role("button", name="Hands-free").click()
        screen.wait_for("voiceConsole.call.session.settings.turn_detection?.type === 'server_vad'")
        screen.wait_for_state("listening")
        screen.wait_for("voiceConsole.call.session.turns > 1")
        assert screen.frames("error", "server") == []
