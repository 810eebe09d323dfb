"""States of the console that are pictured: how a page and its emulator get into each.

The agent's answers are written here. What a browser or an emulator refuses (a microphone, a key) is
told to the page here; the tests have it really happen.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import numpy as np

from tests.emulator.console import other_client
from tests.emulator.console.rig import Desk, Screen, Sound
from tests.emulator.fakes import FakeTextToSpeech
from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerError,
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


REFUSALS = {
    "insecure": "",
    "denied": "",
    "no-device": "",
    "busy": "",
    "key": "",
    "full": "",
    "no-agent": "Known are: desk, kitchen.",
    "refused": "The query has no agent-project-name.",
}


def take_refusal(trouble: str) -> Callable[[Screen, Desk], None]:
    def take(screen: Screen, desk: Desk) -> None:
        screen.wait_for("voiceConsole.about")
        why = json.dumps({"trouble": trouble, "detail": REFUSALS[trouble]})
        screen.page.evaluate(f"() => voiceConsole.call.enter('idle', {why})")
        screen.wait_for_state(trouble)

    return take


def take_agent_away(screen: Screen, desk: Desk) -> None:
    screen.page.evaluate(
        "() => { voiceConsole.call.agentAway = 'nothing answers at http://127.0.0.1:8088:"
        " start the agent (voicelive-agent dev)'; voiceConsole.call.changed(); }"
    )
    screen.wait_for_state("agent-away")


def take_phase(phase: str) -> Callable[[Screen, Desk], None]:
    def take(screen: Screen, desk: Desk) -> None:
        screen.page.evaluate(f"() => voiceConsole.call.enter({phase!r})")
        screen.wait_for_state(phase)

    return take


def begin(screen: Screen, desk: Desk, state: str) -> None:
    desk.stt.texts = list(QUESTIONS)
    screen.talk()
    screen.wait_for_state("speaking")
    screen.wait_for_state(state)


def take_state(name: str) -> Callable[[Screen, Desk], None]:
    """One that a call comes to by itself."""
    return lambda screen, desk: begin(screen, desk, name)


async def think(request: AgentRequest) -> AsyncIterator[AgentEvent]:
    if request.text:
        await asyncio.sleep(30)
    async for event in reply(request):
        yield event


def take_slow(screen: Screen, desk: Desk) -> None:
    desk.agent.answer = think
    begin(screen, desk, "thinking")
    screen.page.get_by_text("thinking for 7 s").wait_for()


async def fail(request: AgentRequest) -> AsyncIterator[AgentEvent]:
    if request.text:
        raise AnswerError("agent_error", "the turn failed: KeyError: 'guests' (app/agent.py:12)")
    async for event in reply(request):
        yield event


def take_failed(screen: Screen, desk: Desk) -> None:
    desk.agent.answer = fail
    begin(screen, desk, "agent-failed")


def take_interrupted(screen: Screen, desk: Desk) -> None:
    talk(screen, desk)
    screen.page.keyboard.press("Escape")
    screen.wait_for_state("interrupted")


def take_quiet(screen: Screen, desk: Desk) -> None:
    begin(screen, desk, "listening")
    screen.page.keyboard.press("m")
    screen.wait_for_state("muted")


def take_push_to_talk(screen: Screen, desk: Desk) -> None:
    begin(screen, desk, "listening")
    screen.page.keyboard.down(" ")
    screen.wait_for_state("hearing")


def take_writing(screen: Screen, desk: Desk) -> None:
    screen.page.keyboard.press("/")
    screen.page.keyboard.type(QUESTIONS[0])
    screen.page.keyboard.press("Enter")
    screen.wait_for_state("speaking")
    screen.wait_for_state("writing")


def take_lost(screen: Screen, desk: Desk) -> None:
    begin(screen, desk, "listening")
    screen.call("call.engine.stream.getAudioTracks()[0].dispatchEvent(new Event('ended'))")
    screen.wait_for_state("device-lost")


def take_ending(screen: Screen, desk: Desk) -> None:
    begin(screen, desk, "listening")
    screen.call("(call.session.settings.expires_at = Date.now() / 1000 + 90, call.changed())")
    screen.wait_for_state("ending")


def take_reconnecting(screen: Screen, desk: Desk) -> None:
    talk(screen, desk)
    desk.stop()
    screen.wait_for_state("reconnecting")


def take_ended(screen: Screen, desk: Desk) -> None:
    talk(screen, desk)
    screen.page.keyboard.press("t")
    screen.wait_for_state("ended")


def take_broken(screen: Screen, desk: Desk) -> None:
    """The agent's server does not start with what was saved last."""
    begin(screen, desk, "listening")
    news = {
        "at": "2999-01-01T00:00:00Z",
        "what": "failed",
        "message": "NameError: name 'hours' is not defined",
        "changed": ["app/agent.py"],
        "file": "app/agent.py",
        "line": 12,
    }
    screen.page.evaluate("(news) => voiceConsole.tell('agent', news)", news)
    screen.page.locator("[data-state=agent-broken]").wait_for()


def take_cards(screen: Screen, desk: Desk) -> None:
    async def show(request: AgentRequest) -> AsyncIterator[AgentEvent]:
        for card in CARDS:
            yield ScreenEvent(card)
        yield TextDelta("This is what an agent can show.")
        yield AnswerFinished()

    desk.agent.answer = show
    begin(screen, desk, "listening")


CARDS: list[Any] = [
    CARD | {"buttons": BUTTONS["buttons"]},
    {"type": "ui.list", "title": "Tonight", "items": ["Soup", "Fish", "Cake"]},
    {
        "type": "ui.table",
        "title": "Tables",
        "columns": ["Table", "Seats", "Free"],
        "rows": [["1", "2", "yes"], ["2", "6", "from nine"]],
    },
    {"type": "order.created", "title": "Two soups", "order": {"soup": 2}},
    BUTTONS,
]


def take_functions(screen: Screen, desk: Desk) -> None:
    tool = {"type": "function", "name": "get_weather", "description": "The weather in a city"}
    wish = json.dumps({"model": "local", "session": {"tools": [tool]}})
    screen.page.evaluate(f"() => voiceConsole.call.prefer({wish})")
    begin(screen, desk, "listening")
    screen.page.evaluate(
        """() => {
          const { call } = voiceConsole;
          const item = { type: "function_call", id: "f", call_id: "c", name: "get_weather" };
          call.session.receive({ type: "response.output_item.added", item }, 0);
          const done = "response.function_call_arguments.done";
          call.session.receive({ type: done, item_id: "f", arguments: '{"city":"Seattle"}' }, 0);
          voiceConsole.open("functions");
        }"""
    )
    screen.page.locator(".card.call").first.wait_for()


def take_compared(screen: Screen, desk: Desk) -> None:
    screen.wait_for("voiceConsole.about")
    for _ in "12":
        screen.page.evaluate("() => voiceConsole.act('compare')")
    desk.stt.texts = [question for question in QUESTIONS for _ in "123"]
    screen.talk()
    screen.wait_for("voiceConsole.comparison.calls.every((call) => call.rows.length > 2)")
    screen.page.locator('section.column .turn[data-turn="2"]').first.click()
    screen.page.locator("section.column console-event-log .event").first.wait_for()


STATES: dict[str, Callable[[Screen, Desk], None]] = {
    "idle": take_idle,
    "console": take_call,
    "turn": take_turn,
    "settings": open_tab("settings"),
    "state": open_tab("state"),
    "functions": take_functions,
    "calls": open_tab("calls"),
    "recording": take_recording,
    "replay": take_replay,
    "watched": take_watched,
    "compared": take_compared,
    "cards": take_cards,
    "help": take_help,
    **{trouble: take_refusal(trouble) for trouble in REFUSALS},
    "away": take_away,
    "agent-away": take_agent_away,
    "asking": take_phase("asking"),
    "connecting": take_phase("connecting"),
    "listening": take_state("listening"),
    "hearing": take_state("hearing"),
    "thinking": take_slow,
    "agent-failed": take_failed,
    "agent-broken": take_broken,
    "interrupted": take_interrupted,
    "muted": take_quiet,
    "muted-talking": take_muted,
    "push-to-talk": take_push_to_talk,
    "writing": take_writing,
    "device-lost": take_lost,
    "ending": take_ending,
    "reconnecting": take_reconnecting,
    "ended": take_ended,
}
