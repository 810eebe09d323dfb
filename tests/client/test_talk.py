import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.client.service import Endless, Fault, Service, proxy
from tests.client.sound.pulseaudio import write_wav
from tests.client.stage import NotingScreen
from voicelive_agent.client import connection, reconnection
from voicelive_agent.client.core import wait_for_quiet as quiet
from voicelive_agent.client.settings import load_settings
from voicelive_agent.client.sound.file_devices import (
    FileMicrophone,
    SilentLoudspeaker,
    SilentMicrophone,
)
from voicelive_agent.client.talk import NO_ANSWER, Talk
from voicelive_agent.client.troubles import ConversationError
from voicelive_agent.client.ui.terminal import Terminal

KEY = "s3cret-key"
PATIENCE_S = 20


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that a person would not notice."""
    monkeypatch.setattr(reconnection, "BACKOFF_S", 0.01)
    monkeypatch.setattr(quiet, "SETTLE_S", 0.1)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service().running() as running:
        yield running


def open_talk(
    url: str, screen: NotingScreen, *lines: str, microphone: Any = None, **options: Any
) -> Talk:
    """A person who types lines, each after the answer to the one before."""

    async def typed() -> AsyncIterator[str]:
        for line in lines:
            yield line

    settings = load_settings({"api_key": KEY, "answer_timeout_s": 5, **options})
    return Talk(
        settings,
        url,
        screen,
        SilentLoudspeaker(),
        microphone,
        lines=typed(),
        lines_wait=True,
        jitter=lambda: 0.0,
    )


async def run(url: str, *lines: str, **options: Any) -> tuple[int, NotingScreen]:
    screen = NotingScreen()
    async with asyncio.timeout(PATIENCE_S):
        code = await open_talk(url, screen, *lines, **options).run()
    return code, screen


async def fail(url: str, **options: Any) -> str:
    """What a person is told who can't talk."""
    screen = NotingScreen()
    with pytest.raises(ConversationError) as caught:
        async with asyncio.timeout(PATIENCE_S):
            await open_talk(url, screen, "hello", **options).run()
    text = f"{caught.value}\n{screen.shown}"
    assert KEY not in text
    assert "voice-live/realtime" not in text
    return str(caught.value)


def answers(screen: NotingScreen) -> list[str]:
    return [text for who, _, text, final in screen.transcripts if who == "agent" and final]


async def test_typed_lines_are_answered_in_turn(service: Service) -> None:
    code, screen = await run(service.url, "one", "two")
    assert code == 0
    assert len(answers(screen)) == 2
    assert len(screen.turns) == 2
    assert service.headers[0]["api-key"] == KEY
    assert "agent-name=local" in service.paths[0]
    items = [
        event["item"]["content"][0]["text"] for event in service.of("conversation.item.create")
    ]
    assert items == ["one", "two"]


async def test_the_microphone_is_sent(service: Service) -> None:
    microphone = SilentMicrophone()
    code, _ = await run(service.url, "hello", microphone=microphone)
    assert code == 0
    assert service.of("input_audio_buffer.append")


def cut_once(type: str) -> Fault:
    """Cut the connection in place of the first event of this type."""
    left: Iterator[bool] = iter([True])

    def fault(frame: str) -> list[str] | None:
        if json.loads(frame)["type"] == type and next(left, False):
            return None
        return [frame]

    return fault


@pytest.mark.parametrize(
    "type", ["session.created", "session.updated", "response.created", "response.audio.delta"]
)
async def test_a_cut_connection_is_opened_again(service: Service, type: str) -> None:
    """The SDK shows an abrupt end as a normal one (code 1000)."""
    async with proxy(service.url, cut_once(type)) as url:
        code, screen = await run(url, "one", "two")
    # Half of an answer is none.
    assert code == (NO_ANSWER if type == "response.audio.delta" else 0)
    assert any("connection was lost. Reconnecting" in notice for notice in screen.notices)
    assert answers(screen)[-1].startswith("This is answer")
    if type.startswith("response"):
        assert "conversation-id=thread_1" in service.paths[-1]


async def test_frames_that_come_twice_and_late_are_one_answer(service: Service) -> None:
    held: list[str] = []

    def fault(frame: str) -> list[str]:
        # Each frame comes twice, and the second time behind the next one.
        late, held[:] = held[:], [frame]
        return [frame, *late]

    async with proxy(service.url, fault) as url:
        code, screen = await run(url, "one")
    assert code == 0
    assert [text.startswith("This is answer") for text in answers(screen)] == [True]


async def test_what_can_not_be_read_is_passed_over(service: Service) -> None:
    service.first_frames = ["", "garbage", "[1, 2]", '"text"', "{}", b"\xff\xfe", '{"type": 3}']
    code, screen = await run(service.url, "one")
    assert code == 0
    assert len(answers(screen)) == 1


async def test_garbage_alone_ends_the_talk(service: Service) -> None:
    service.first_frames = ["garbage"] * 30
    assert "can't be read" in await fail(service.url)


async def test_a_huge_frame_is_read(service: Service) -> None:
    service.first_frames = [json.dumps({"type": "x", "data": "a" * 6_000_000})]
    code, _ = await run(service.url, "one")
    assert code == 0


async def test_a_service_that_says_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnection, "READY_TIMEOUT_S", 0.2)
    service.is_mute = True
    assert "begins no session" in await fail(service.url)


@pytest.mark.parametrize(
    ("status", "text"),
    [(401, "wants a key|refuses the key"), (403, "Foundry User"), (404, "check --endpoint")],
)
async def test_refusals(service: Service, status: int, text: str) -> None:
    service.status = [status]
    import re

    assert re.search(text, await fail(service.url))
    assert len(service.paths) == 1


async def test_a_fault_of_the_service_while_reconnecting_passes(service: Service) -> None:
    async with proxy(service.url, cut_once("response.created")) as url:
        service.status = []
        code, screen = await run(url, "one", "two")
    assert code == 0
    assert screen.errors == []


@pytest.mark.parametrize("code", [1001, 1011, 1012])
async def test_a_service_that_always_closes_is_given_up(service: Service, code: int) -> None:
    service.close_code = code
    assert f"close code {code}" in await fail(service.url)
    assert len(service.paths) == reconnection.ATTEMPTS_MAX


async def test_a_service_that_refuses_the_session_is_asked_once(service: Service) -> None:
    service.close_code = 4401
    assert "refuses this session" in await fail(service.url)
    assert len(service.paths) == 1


async def test_a_normal_close_is_the_end(service: Service) -> None:
    service.close_code = 1000
    code, _ = await run(service.url)
    assert code == 0
    assert len(service.paths) == 1


async def test_without_an_endpoint_a_running_emulator_is_found(service: Service) -> None:
    settings = load_settings({"emulator_port": urlsplit(service.url).port})
    assert await connection.find_endpoint(settings) == (service.url, True)
    service.status = [401]
    assert await connection.find_endpoint(settings) == (service.url, True)
    nobody = load_settings({"emulator_port": 9})
    with pytest.raises(connection.ConnectError, match=r"voicelive-agent dev.*give --endpoint"):
        await connection.find_endpoint(nobody)


@pytest.mark.parametrize("make_screen", [NotingScreen, lambda: Terminal(io.StringIO())])
async def test_an_endless_answer_can_be_ended(
    make_screen: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C had no end: each frame gave the service's goodbye its whole time again."""
    monkeypatch.setattr(connection, "CLOSE_TIMEOUT_S", 0.2)
    async with Endless().running() as service:
        # It is never whole, and has a loaded machine's time.
        talk = open_talk(service.url, make_screen(), "hello", answer_timeout_s=60)
        running = asyncio.create_task(talk.run())
        async with asyncio.timeout(PATIENCE_S):
            while not talk.conversation.busy:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)
            talk.end()
            assert await running == 0


@pytest.mark.parametrize(
    ("endpoint", "is_warned"),
    [
        ("http://voice.example", True),
        ("ws://10.0.0.5:8090", True),
        ("http://127.0.0.1.example:8090", True),
        ("http://localhost.example", True),
        ("https://voice.example", False),
        ("wss://voice.example", False),
        ("http://127.0.0.1:8090", False),
        ("http://[::1]:8090", False),
        ("ws://emulator.localhost", False),
    ],
)
def test_a_key_in_plain_text_is_warned_of(endpoint: str, is_warned: bool) -> None:
    """It went to any http:// host in silence."""
    warning = connection.warn_of_plain_text(load_settings({"api_key": KEY}), endpoint)
    assert ("The key and all that is said" in warning) is is_warned
    assert KEY not in warning
    signed_in = connection.warn_of_plain_text(load_settings({}), endpoint)
    assert ("Your sign-in" in signed_in) is is_warned


async def test_the_warning_of_plain_text_comes_before_the_key_leaves(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "is_on_this_machine", lambda url: False)
    monkeypatch.setattr(service, "status", [401])
    screen = NotingScreen()
    with pytest.raises(ConversationError):
        await open_talk(service.url, screen, "hello").run()
    assert "unencrypted: use https://" in screen.notices[0]


async def test_nobody_listens_there() -> None:
    assert "voicelive-agent emulate" in await fail("http://127.0.0.1:9")


async def test_a_session_that_ends_is_renewed_in_a_pause(service: Service) -> None:
    # Half of what is left is the time before the notice.
    service.expires_at = time.time() + 1.0
    screen = NotingScreen()
    talk = open_talk(service.url, screen, microphone=SilentMicrophone())
    talk._lines = None
    running = asyncio.create_task(talk.run())
    async with asyncio.timeout(PATIENCE_S):
        # Whoever ends it while it connects leaves an open session of the SDK behind.
        while len(service.of("session.update")) < 2:
            service.expires_at = None if screen.notices else service.expires_at
            await asyncio.sleep(0.02)
        talk.end()
        assert await running == 0
    assert any("ends this session" in notice for notice in screen.notices)
    assert "conversation-id=thread_1" in service.paths[1]


async def test_an_unanswered_input_is_told(service: Service) -> None:
    async with proxy(service.url, lambda frame: [] if "response" in frame else [frame]) as url:
        code, screen = await run(url, "one", answer_timeout_s=0.3)
    assert code == NO_ANSWER
    assert "no answer within 0.3 s" in screen.errors[0]


REFUSAL = {"type": "server_error", "code": "agent_error", "message": "The agent is down."}


def fail_first(change: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> Fault:
    """``change`` is what becomes of each event of the first answer."""
    first: list[str] = []

    def fault(frame: str) -> list[str]:
        event = json.loads(frame)
        response_id = event.get("response_id") or event.get("response", {}).get("id")
        if response_id and not first:
            first.append(response_id)
        return [json.dumps(one) for one in change(event)] if response_id in first else [frame]

    return fault


def refuse(event_id: str | None) -> Callable[[dict[str, Any]], list[dict[str, Any]]]:
    """An ``error``, and no answer."""
    error = {"type": "error", "error": {**REFUSAL, "event_id": event_id}}
    return lambda event: [error] if event["type"] == "response.created" else []


def break_off(event: dict[str, Any]) -> list[dict[str, Any]]:
    """An answer that fails at its end."""
    if event["type"] == "response.done":
        event["response"] |= {
            "status": "failed",
            "status_details": {"type": "failed", "error": REFUSAL},
        }
    return [event]


@pytest.mark.parametrize(
    "change", [refuse("ask_1"), refuse(None), break_off], ids=["named", "unnamed", "broken off"]
)
async def test_an_answer_that_fails_is_not_waited_for(service: Service, change: Any) -> None:
    """After an error the client waited out its whole patience, and a failed answer was one."""
    async with proxy(service.url, fail_first(change)) as url:
        code, screen = await run(url, "one", "two", answer_timeout_s=2 * PATIENCE_S)
    assert code == NO_ANSWER
    assert [error for error in screen.errors if "The agent is down." not in error] == []
    assert len(screen.errors) == 1
    assert answers(screen)[-1].startswith("This is answer")
    assert screen.statuses[-1] != "thinking"


async def test_a_spoken_input_whose_answer_fails_is_not_waited_for(
    service: Service, tmp_path: Path
) -> None:
    def fault(frame: str) -> list[str]:
        if json.loads(frame)["type"] != "conversation.item.input_audio_transcription.failed":
            return [frame]
        return [json.dumps({"type": "error", "error": {**REFUSAL, "event_id": None}})]

    service.is_deaf = True
    path = write_wav(tmp_path / "question.wav", bytes(24_000), 24_000)
    screen = NotingScreen()
    options = {"input": [str(path)], "answer_timeout_s": 2 * PATIENCE_S}
    async with proxy(service.url, fault) as url:
        talk = open_talk(url, screen, microphone=FileMicrophone([path]), **options)
        talk._lines = None
        async with asyncio.timeout(PATIENCE_S):
            assert await talk.run() == NO_ANSWER
    assert screen.errors == ["The agent is down. (agent_error)"]


async def test_an_input_that_is_never_answered_ends(service: Service, tmp_path: Path) -> None:
    """A turn that was heard and not answered used to keep the client waiting for ever."""
    service.is_deaf = True
    path = write_wav(tmp_path / "question.wav", bytes(24_000), 24_000)
    screen = NotingScreen()
    options = {"input": [str(path)], "answer_timeout_s": 0.3}
    talk = open_talk(service.url, screen, microphone=FileMicrophone([path]), **options)
    talk._lines = None
    async with asyncio.timeout(PATIENCE_S):
        assert await talk.run() == NO_ANSWER
    assert "too noisy" in screen.errors[0]
    assert "no answer within 0.3 s" in screen.errors[1]


async def test_keys_of_other_servers_are_not_shown(service: Service) -> None:
    tool = {
        "type": "mcp",
        "server_label": "docs",
        "server_url": "https://example.com/mcp?key=s3cret-key",
        "authorization": "Bearer s3cret-key",
    }
    _, screen = await run(service.url, "one", model="m", session={"tools": [tool]})
    [update] = service.of("session.update")
    assert update["session"]["tools"] == [tool]
    assert "s3cret-key" not in json.dumps(screen.events)
    assert "https://example.com/mcp" in json.dumps(screen.events)


async def test_commands(service: Service) -> None:
    code, screen = await run(
        service.url,
        "/help",
        "/nonsense",
        "/click not json",
        '/click {"type": "ui.click"}',
        "/say Good morning.",
        "hello",
        "/mute",
        "/mute",
        "/history",
        "/quit",
        "never said",
    )
    assert code == 0
    assert any("/history" in notice for notice in screen.notices)
    assert "/nonsense is no command" in screen.errors[0]
    assert "JSON object" in screen.errors[1]
    asked = [event.get("response") for event in service.of("response.create")]
    assert asked[1] is not None
    assert asked[0] == {"invoke_input": {"type": "ui.click"}}
    assert "pre_generated_assistant_message" in asked[1]
    assert asked[2] is None
    off = screen.notices.index("The microphone is off.")
    assert screen.notices[off + 1] == "The microphone is on."
    assert "you: hello" in screen.notices[off + 2 :]


async def test_push_to_talk_sends_a_turn_between_two_presses(service: Service) -> None:
    screen = NotingScreen()
    talk = open_talk(service.url, screen, microphone=SilentMicrophone(), push_to_talk=True)
    talk._lines = None
    running = asyncio.create_task(talk.run())
    async with asyncio.timeout(PATIENCE_S):
        while not talk.was_ready and not screen.statuses.count("press Enter to talk"):
            await asyncio.sleep(0.01)
        assert service.of("session.update")[0]["session"]["turn_detection"] is None
        assert service.of("input_audio_buffer.append") == []
        talk.press()
        while not service.of("input_audio_buffer.append"):
            await asyncio.sleep(0.01)
        talk.press()
        while not screen.turns:
            await asyncio.sleep(0.01)
        talk.end()
        assert await running == 0
    types = [event["type"] for event in service.received]
    commit = types.index("input_audio_buffer.commit")
    assert types[commit + 1 :] == ["response.create"]
    assert types[commit - 1] == "input_audio_buffer.append"
