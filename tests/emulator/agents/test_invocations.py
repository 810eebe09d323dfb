"""Invocations agents: what they are sent, what they answer, and what they do wrong."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.agents.servers import (
    EVENT_STREAM,
    Received,
    ServerScript,
    agent_process,
    answering,
    lines_of,
    raw_server,
)
from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerError,
    AnswerFinished,
    AnswerLimits,
    ScreenEvent,
    TextDelta,
    TextDone,
)
from voicelive_agent.emulator.agents.endpoint import LOCAL_USER_ID
from voicelive_agent.emulator.agents.invocations import AnswerCheck, InvocationsBackend
from voicelive_agent.emulator.agents.responses import ResponsesBackend
from voicelive_agent.listening import find_free_port
from voicelive_agent.wire.invocations import join_halves

HELLO = (
    {"type": "output_audio_transcription.delta", "delta": "Hel"},
    {"type": "output_audio_transcription.delta", "delta": "lo."},
    {"type": "output_audio_transcription.done", "text": "Hello."},
    {"type": "done"},
)


@contextlib.asynccontextmanager
async def backend_at(url: str, **options: Any) -> AsyncIterator[InvocationsBackend]:
    backend = InvocationsBackend(url, **options)
    await backend.start()
    try:
        yield backend
    finally:
        await backend.stop()


async def ask(backend: InvocationsBackend, request: AgentRequest | str = "Hi") -> list[AgentEvent]:
    if isinstance(request, str):
        request = AgentRequest(text=request)
    session = backend.open_session("session-1")
    return [agent_event async for agent_event in session.answer(request)]


async def ask_script(
    script: ServerScript, request: AgentRequest | str = "Hi", **options: Any
) -> tuple[list[AgentEvent], list[Received]]:
    async with raw_server(script) as server, backend_at(server.url, **options) as backend:
        return await ask(backend, request), server.received


def text_of(agent_events: list[AgentEvent]) -> str:
    return "".join(
        agent_event.text for agent_event in agent_events if isinstance(agent_event, TextDelta)
    )


class TestRequest:
    async def test_speech_is_posted_as_voice_live_posts_it(self) -> None:
        _, (received,) = await ask_script(answering(lines_of(*HELLO)), "What time is it?")
        assert received.path == "/invocations"
        assert received.body == {"type": "input_audio.transcription", "input": "What time is it?"}
        assert received.query == {"agent_session_id": ["session-1"]}
        assert received.headers["x-agent-user-id"] == LOCAL_USER_ID
        assert received.headers["content-type"] == "application/json"
        assert received.headers["x-agent-foundry-call-id"]

    async def test_an_action_is_posted_verbatim(self) -> None:
        action = {"type": "click", "nested": {"a": [1, None, "ü"]}}
        _, (received,) = await ask_script(
            answering(lines_of(*HELLO)), AgentRequest(kind="action", action=action)
        )
        assert received.body == action

    async def test_a_greeting_is_a_transcript_without_words(self) -> None:
        _, (received,) = await ask_script(
            answering(lines_of(*HELLO)), AgentRequest(kind="greeting")
        )
        assert received.body == {"type": "input_audio.transcription", "input": ""}

    async def test_each_call_has_an_id_of_its_own_and_the_session_is_the_same(self) -> None:
        async with (
            raw_server(answering(lines_of(*HELLO))) as server,
            backend_at(server.url) as backend,
        ):
            session = backend.open_session("s.1")
            for _ in range(2):
                assert [agent_event async for agent_event in session.answer(AgentRequest(text="x"))]
            first, second = server.received
        assert first.query == second.query == {"agent_session_id": ["s.1"]}
        assert first.headers["x-agent-user-id"] == second.headers["x-agent-user-id"] != ""
        for header in ("x-agent-foundry-call-id", "x-agent-invocation-id"):
            assert first.headers[header] != second.headers[header]

    async def test_a_conversation_that_is_resumed_is_the_same_session_to_the_agent(self) -> None:
        async with (
            raw_server(answering(lines_of(*HELLO))) as server,
            backend_at(server.url) as backend,
        ):
            for session_id in ("s.1", "s.2"):
                session = backend.open_session(session_id, conversation_id="conv_1")
                assert [agent_event async for agent_event in session.answer(AgentRequest(text="x"))]
            assert [one.query for one in server.received] == [{"agent_session_id": ["conv_1"]}] * 2

    @pytest.mark.parametrize(
        ("base", "path"),
        [
            ("", "/invocations"),
            ("/", "/invocations"),
            ("/invocations", "/invocations"),
            ("/agents/a/", "/agents/a/invocations"),
        ],
    )
    async def test_the_url_may_have_a_prefix_and_a_query(self, base: str, path: str) -> None:
        async with (
            raw_server(answering(lines_of(*HELLO))) as server,
            backend_at(f"{server.url}{base}?api-version=v1") as backend,
        ):
            await ask(backend)
        assert server.received[0].path == path
        assert server.received[0].query == {
            "api-version": ["v1"],
            "agent_session_id": ["session-1"],
        }

    @pytest.mark.parametrize("url", ["", "localhost:8088", "ftp://x", "http://", "x y"])
    def test_a_url_that_is_none_is_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match="URL"):
            InvocationsBackend(url)


class TestAnswer:
    async def test_deltas_and_events_arrive_in_their_order(self) -> None:
        card = {"type": "ui.card", "title": "Ü\u2028\x85", "n": [1, {"a": None}]}
        agent_events, _ = await ask_script(answering(lines_of(HELLO[0], card, *HELLO[1:])))
        assert agent_events == [
            TextDelta("Hel"),
            ScreenEvent(card),
            TextDelta("lo."),
            TextDone(),
            AnswerFinished(),
        ]

    @pytest.mark.parametrize(
        "body",
        [
            lines_of(*HELLO),
            lines_of(*HELLO).replace("\n\n", "\n"),
            lines_of(*HELLO).replace("\n", "\r\n"),
            lines_of(*HELLO).replace("\n", "\r"),
            lines_of(*HELLO).replace("data: ", "data:"),
            lines_of(*HELLO).rstrip("\n"),
            "\ufeff" + lines_of(*HELLO),
            ": keep-alive\n\n" + lines_of(*HELLO).replace("\n\n", "\n\n: keep-alive\n\n"),
            "retry: 3000\n" + lines_of(*HELLO).replace("data:", "id: 7\ndata:"),
        ],
    )
    async def test_lines_may_be_written_in_any_way(self, body: str) -> None:
        agent_events, _ = await ask_script(answering(body))
        assert agent_events == [TextDelta("Hel"), TextDelta("lo."), TextDone(), AnswerFinished()]

    async def test_raw_separators_of_unicode_do_not_end_a_line(self) -> None:
        """A line reader that follows ``str.splitlines`` would break the JSON in two."""
        delta = '{"type":"output_audio_transcription.delta","delta":"a\u2028b\x85c"}'
        done = '{"type":"output_audio_transcription.done","text":"a\u2028b\x85c"}'
        agent_events, _ = await ask_script(answering(lines_of(delta, done, {"type": "done"})))
        assert text_of(agent_events) == "a\u2028b\x85c"

    async def test_any_cut_of_the_bytes_gives_the_same(self) -> None:
        body = lines_of(
            {"type": "output_audio_transcription.delta", "delta": "x"},
            '{"type":"output_audio_transcription.delta","delta":"日本 😀"}',
            {"type": "output_audio_transcription.done", "text": "x日本 😀"},
            {"type": "done"},
        ).replace("\n", "\r\n")

        async def bytewise(request: Received, writer: asyncio.StreamWriter) -> None:
            writer.write(EVENT_STREAM.encode())
            for byte in body.encode():
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0)

        agent_events, _ = await ask_script(bytewise)
        assert agent_events[:3] == [TextDelta("x"), TextDelta("日本 😀"), TextDone()]

    async def test_a_delta_is_out_before_the_next_is_written(self) -> None:
        proceed = asyncio.Event()

        async def script(request: Received, writer: asyncio.StreamWriter) -> None:
            writer.write(EVENT_STREAM.encode() + lines_of(HELLO[0]).encode())
            await proceed.wait()
            writer.write(lines_of(*HELLO[1:]).encode())
            await writer.drain()

        async with raw_server(script) as server, backend_at(server.url) as backend:
            agent_events = backend.open_session("s").answer(AgentRequest(text="Hi"))
            assert await anext(agent_events) == TextDelta("Hel")
            proceed.set()
            assert [agent_event async for agent_event in agent_events][-1] == AnswerFinished()

    async def test_an_answer_may_be_silent(self) -> None:
        agent_events, _ = await ask_script(
            answering(
                lines_of(
                    {"type": "ui.note"},
                    {"type": "output_audio_transcription.done", "text": ""},
                    {"type": "done"},
                )
            )
        )
        assert agent_events == [ScreenEvent({"type": "ui.note"}), TextDone(), AnswerFinished()]


class TestBrokenContract:
    @pytest.mark.parametrize(
        ("body", "code", "message"),
        [
            ("", "agent_contract_violation", "without .*done"),
            (lines_of(*HELLO[:2]), "agent_contract_violation", "without .*done"),
            (lines_of("{not json"), "agent_contract_violation", "line 1 is not JSON"),
            (lines_of("[1]"), "agent_contract_violation", "not a JSON object but an array"),
            (lines_of("null"), "agent_contract_violation", "but null"),
            (lines_of('"x"'), "agent_contract_violation", "but a string"),
            ('data: {\ndata: "type": "done"}\n\n', "agent_contract_violation", "one 'data:' line"),
            ('{"type":"done"}\n', "agent_contract_violation", "lacks its prefix"),
            (
                lines_of({"type": "output_audio_transcription.delta", "delta": 3}),
                "agent_contract_violation",
                "delta .* is not a string but a number",
            ),
            (
                lines_of({"type": "output_audio_transcription.delta"}),
                "agent_contract_violation",
                "is not a string but null",
            ),
            (
                lines_of(*HELLO[:2], {"type": "output_audio_transcription.done"}),
                "agent_contract_violation",
                "text .* is not a string",
            ),
            (
                lines_of(HELLO[0], {"error": {"code": "quota", "message": "no more"}}),
                "agent_error",
                "quota: no more",
            ),
            (b"data: \xff\xfe\n\n", "agent_contract_violation", "UTF-8"),
        ],
    )
    async def test_an_unclear_answer_fails(
        self, body: str | bytes, code: str, message: str
    ) -> None:
        with pytest.raises(AnswerError, match=message) as failure:
            await ask_script(answering(body))
        assert failure.value.code == code

    @pytest.mark.parametrize(
        ("body", "breach"),
        [
            (lines_of(*HELLO[:2], HELLO[3]), "no output_audio_transcription.done"),
            (lines_of(*HELLO[:3]), "ended without"),
            (
                lines_of(
                    *HELLO[:2],
                    {"type": "output_audio_transcription.done", "text": "Hello, you."},
                    HELLO[3],
                ),
                "not the concatenation",
            ),
            (lines_of(*HELLO[:3], HELLO[2], HELLO[3]), "more than once"),
            (lines_of(*HELLO[:3], HELLO[0], HELLO[3]), "not spoken"),
        ],
    )
    async def test_a_clear_answer_is_told_to_its_end_and_what_it_broke(
        self, body: str, breach: str
    ) -> None:
        agent_events, _ = await ask_script(answering(body))
        finished = agent_events[-1]
        assert isinstance(finished, AnswerFinished)
        assert text_of(agent_events) == "Hello."
        assert len(finished.breaches) == 1
        assert breach in finished.breaches[0]
        assert finished.warnings == ()

    @pytest.mark.parametrize(
        ("body", "warning"),
        [
            (
                lines_of(
                    *HELLO[:2],
                    {"type": "output_audio_transcription.done", "text": "Hello. "},
                    HELLO[3],
                ),
                "not the concatenation",
            ),
            (lines_of(*HELLO, HELLO[3]), "something follows"),
            (lines_of(*HELLO, "[DONE]"), "something follows"),
            (lines_of(*HELLO[:3], "[DONE]", HELLO[3]), "DONE"),
            ("event: message\n" + lines_of(*HELLO), "'event'"),
            (lines_of({"title": "?"}, *HELLO), "no type"),
        ],
    )
    async def test_what_does_no_harm_is_a_warning(self, body: str, warning: str) -> None:
        agent_events, _ = await ask_script(answering(body))
        finished = agent_events[-1]
        assert isinstance(finished, AnswerFinished)
        assert text_of(agent_events) == "Hello."
        assert len(finished.warnings) == 1
        assert warning in finished.warnings[0]
        assert finished.breaches == ()

    @pytest.mark.parametrize(
        ("head", "body", "code", "message"),
        [
            (
                "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n\r\n",
                '{"error":{"code":"invalid_request","message":"empty input"}}',
                "agent_error",
                "HTTP 400 .invalid_request: empty input.",
            ),
            (
                "HTTP/1.1 500 Oops\r\n\r\n",
                "Internal Server Error",
                "agent_error",
                "HTTP 500 .Internal Server Error.",
            ),
            ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "", "agent_error", "HTTP 404"),
            ("HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n", "{}", "agent_error", "HTTP 202"),
            (
                "HTTP/1.1 307 Elsewhere\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n",
                "",
                "agent_error",
                "HTTP 307",
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n",
                '{"text":"Hello"}',
                "agent_contract_violation",
                "application/json.*text/event-stream",
            ),
            ("HTTP/1.1 200 OK\r\n\r\n", "", "agent_contract_violation", "missing"),
            ("", "", "agent_disconnected", "closed the connection before it answered"),
            ("SSH-2.0-OpenSSH\r\n", "", "agent_disconnected", "closed the connection"),
            (
                EVENT_STREAM.replace("connection: close", "content-length: 999"),
                lines_of(HELLO[0]),
                "agent_disconnected",
                "in mid-answer",
            ),
        ],
    )
    async def test_an_http_failure_names_what_was_expected(
        self, head: str, body: str, code: str, message: str
    ) -> None:
        with pytest.raises(AnswerError, match=message) as failure:
            await ask_script(answering(body, head))
        assert failure.value.code == code

    async def test_charset_and_case_of_the_content_type_do_not_matter(self) -> None:
        head = EVENT_STREAM.replace("text/event-stream", "Text/Event-Stream; charset=utf-8")
        agent_events, _ = await ask_script(answering(lines_of(*HELLO), head))
        assert text_of(agent_events) == "Hello."

    async def test_an_agent_that_is_down_is_named_with_what_to_do(self) -> None:
        async with backend_at(f"http://127.0.0.1:{find_free_port()}") as backend:
            with pytest.raises(AnswerError, match="start the agent") as failure:
                await ask(backend)
        assert failure.value.code == "agent_unreachable"

    async def test_https_where_there_is_none_is_named(self) -> None:
        def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with backend_at(f"https://127.0.0.1:{port}") as backend:
                with pytest.raises(AnswerError, match=r"SSL.*correct its URL") as failure:
                    await ask(backend)
        assert failure.value.code == "agent_unreachable"

    @pytest.mark.parametrize("head", ["", EVENT_STREAM + lines_of(HELLO[0])])
    async def test_an_agent_that_falls_silent_is_given_up(self, head: str) -> None:
        async def script(request: Received, writer: asyncio.StreamWriter) -> None:
            writer.write(head.encode())
            await asyncio.Event().wait()

        with pytest.raises(AnswerError, match=r"silent for 0\.1 s") as failure:
            await ask_script(script, limits=AnswerLimits(silence_s=0.1))
        assert failure.value.code == "agent_timeout"

    async def test_a_stream_held_open_after_done_is_a_warning_and_ends(self) -> None:
        async def script(request: Received, writer: asyncio.StreamWriter) -> None:
            writer.write((EVENT_STREAM + lines_of(*HELLO)).encode())
            await asyncio.Event().wait()

        agent_events, _ = await ask_script(script)
        finished = agent_events[-1]
        assert isinstance(finished, AnswerFinished)
        assert "stays open" in finished.warnings[0]

    async def test_an_endless_line_is_refused(self) -> None:
        async def script(request: Received, writer: asyncio.StreamWriter) -> None:
            writer.write(EVENT_STREAM.encode() + b"data: ")
            while True:
                writer.write(b"x" * 2**16)
                await writer.drain()

        with pytest.raises(AnswerError, match="longer than 4 MiB"):
            await ask_script(script)

    async def test_no_message_holds_what_was_said_or_a_key(self) -> None:
        async with raw_server(answering("", "HTTP/1.1 500 X\r\n\r\n")) as server:
            url = server.url.replace("http://", "http://user:hunter2@") + "?code=hunter3"
            async with backend_at(url) as backend:
                with pytest.raises(AnswerError) as failure:
                    await ask(backend, "my secret")
        assert "secret" not in failure.value.message
        assert "hunter" not in failure.value.message


class TestAgentsOfOthers:
    """Agents that do no harm are not called broken (clients.md, F14)."""

    @pytest.mark.parametrize(
        ("deltas", "text"),
        [
            (["Hi \ud83d", "\ude00 there."], "Hi \U0001f600 there."),
            (["\ud83d", "\ude00"], "\ud83d\ude00"),
            (["a\ud83d", "", "\ude00b"], "a\U0001f600b"),
            (["\ud83d\ude00", "\ud83c", "\udf89!"], "\U0001f600\U0001f389!"),
        ],
    )
    async def test_halves_of_an_emoji_in_two_deltas_are_one(
        self, deltas: list[str], text: str
    ) -> None:
        """Agents on JavaScript, C# and Java cut there: in JSON the deltas are the text."""
        events = [
            *({"type": "output_audio_transcription.delta", "delta": one} for one in deltas),
            {"type": "output_audio_transcription.done", "text": text},
            {"type": "done"},
        ]
        agent_events, _ = await ask_script(answering(lines_of(*events)))
        assert text_of(agent_events) == join_halves(text)
        assert agent_events[-1] == AnswerFinished()

    async def test_half_an_emoji_alone_hurts_nobody(self) -> None:
        events = [
            {"type": "output_audio_transcription.delta", "delta": "a\ude00b\ud83d"},
            {"type": "output_audio_transcription.delta", "delta": "c\ud83d"},
            {"type": "output_audio_transcription.done", "text": "a\ude00b\ud83dc\ud83d"},
            {"type": "done"},
        ]
        agent_events, _ = await ask_script(answering(lines_of(*events)))
        assert text_of(agent_events) == "a\ufffdb\ufffdc"
        assert agent_events[-1] == AnswerFinished()

    @pytest.mark.parametrize("status", [400, 422])
    async def test_an_agent_that_refuses_a_greeting_is_not_broken(self, status: int) -> None:
        """Empty input is a guess of ours: hello-world-invocations-voicelive answers 400."""
        script = answering('{"error":"invalid_request"}', f"HTTP/1.1 {status} No\r\n\r\n")
        (finished,), _ = await ask_script(script, AgentRequest(kind="greeting"))
        assert isinstance(finished, AnswerFinished)
        assert "pre_generated_assistant_message" in finished.warnings[0]
        assert not finished.breaches
        with pytest.raises(AnswerError, match=f"HTTP {status}"):
            await ask_script(script)

    @pytest.mark.parametrize("status", [404, 405, 501])
    async def test_the_wrong_protocol_gets_the_option_of_the_right_one(self, status: int) -> None:
        script = answering("", f"HTTP/1.1 {status} No\r\n\r\n")
        with pytest.raises(AnswerError, match="--agent-protocol responses"):
            await ask_script(script)
        async with raw_server(script) as server:
            backend = ResponsesBackend(server.url)
            await backend.start()
            with pytest.raises(AnswerError, match="--agent-protocol invocations"):
                async for _ in backend.open_session("s").answer(AgentRequest(text="Hi")):
                    pass
            await backend.stop()


class TestClosing:
    @staticmethod
    async def never_ending(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write((EVENT_STREAM + lines_of(HELLO[0])).encode())
        await asyncio.Event().wait()

    async def test_closing_the_stream_of_events_closes_the_stream_at_once(self) -> None:
        async with raw_server(self.never_ending) as server, backend_at(server.url) as backend:
            async with aclosing(
                backend.open_session("s").answer(AgentRequest(text="Hi"))
            ) as agent_events:
                assert await anext(agent_events) == TextDelta("Hel")
                began = asyncio.get_running_loop().time()
            assert await asyncio.wait_for(server.gone, 1) - began < 0.05

    async def test_cancelling_the_task_closes_the_stream_at_once(self) -> None:
        async with raw_server(self.never_ending) as server, backend_at(server.url) as backend:
            heard = asyncio.Event()

            async def listen() -> None:
                async with aclosing(
                    backend.open_session("s").answer(AgentRequest(text="Hi"))
                ) as agent_events:
                    async for _ in agent_events:
                        heard.set()

            task = asyncio.create_task(listen())
            await heard.wait()
            began = asyncio.get_running_loop().time()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.wait_for(server.gone, 1) - began < 0.05

    async def test_a_request_can_be_cancelled_before_its_answer(self) -> None:
        arrived = asyncio.Event()

        async def silent(request: Received, writer: asyncio.StreamWriter) -> None:
            arrived.set()
            await asyncio.Event().wait()

        async with raw_server(silent) as server, backend_at(server.url) as backend:
            task = asyncio.create_task(ask(backend))
            await arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.gone, 1)

    async def test_sessions_do_not_wait_for_each_other(self) -> None:
        """A pool of connections with the usual limit of 100 would hold the 101st session back."""
        waiting = 0
        all_here = asyncio.Event()

        async def script(request: Received, writer: asyncio.StreamWriter) -> None:
            nonlocal waiting
            waiting += 1
            if waiting == 120:
                all_here.set()
            await all_here.wait()
            writer.write((EVENT_STREAM + lines_of(*HELLO)).encode())
            await writer.drain()

        async with raw_server(script) as server, backend_at(server.url) as backend:
            answers = await asyncio.gather(*(ask(backend) for _ in range(120)))
        assert {text_of(answer) for answer in answers} == {"Hello."}


@given(st.lists(st.one_of(st.text(max_size=60), st.sampled_from(lines_of(*HELLO).split("\n")))))
def test_any_lines_end_in_events_or_in_one_error(lines: list[str]) -> None:
    check = AnswerCheck()
    agent_events: list[AgentEvent] = []
    try:
        for line in lines:
            if check.done:
                break
            agent_events += check.read_line(line)
        agent_events.append(check.finish())
    except AnswerError as error:
        assert error.code in ("agent_contract_violation", "agent_error")
        assert not any(isinstance(agent_event, AnswerFinished) for agent_event in agent_events)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with agent_process("invocations_agent.py", tmp_path_factory.mktemp("agent")) as url:
        yield url


@pytest.mark.slow
class TestMicrosoftsPackage:
    """An agent on azure-ai-agentserver-invocations, as a process of its own."""

    async def test_it_answers_greets_and_shows(self, url: str) -> None:
        async with backend_at(url) as backend:
            assert text_of(await ask(backend, AgentRequest(kind="greeting"))) == (
                "Welcome to the front desk."
            )
            agent_events = await ask(backend, "Good morning")
            assert text_of(agent_events) == "You said: Good morning"
            assert agent_events[-2:] == [TextDone(), AnswerFinished()]
            click = {"type": "button_click", "action": "select_hotel", "hotel_id": 3}
            agent_events = await ask(backend, AgentRequest(kind="action", action=click))
            assert agent_events[0] == ScreenEvent(
                {"type": "ui.card", "title": "Überraschung", "clicked": click}
            )
            with pytest.raises(AnswerError, match="invalid_request: I know no such input"):
                await ask(backend, AgentRequest(kind="action", action={"type": "odd"}))

    async def test_it_keeps_sessions_apart(self, url: str) -> None:
        async with backend_at(url) as backend:
            one, two = backend.open_session("one"), backend.open_session("two")
            for session, text in ((one, "red"), (two, "blue"), (one, "green")):
                assert [
                    agent_event async for agent_event in session.answer(AgentRequest(text=text))
                ]
            history = [
                agent_event async for agent_event in one.answer(AgentRequest(text="history"))
            ]
            assert text_of(history) == "You said red and green"

    async def test_it_notices_that_it_was_cut(self, url: str) -> None:
        async with backend_at(url) as backend:
            session = backend.open_session("cut")
            async with aclosing(session.answer(AgentRequest(text="slowly " * 50))) as agent_events:
                assert await anext(agent_events) == TextDelta("You")
            told = [
                agent_event async for agent_event in session.answer(AgentRequest(text="stopped"))
            ]
            assert text_of(told) == f"I was stopped 1 times by {LOCAL_USER_ID}"
