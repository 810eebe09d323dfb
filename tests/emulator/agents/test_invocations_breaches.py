"""Invocations agents that break the contract, and those of others that do no harm."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.agents.asking import HELLO, ask, ask_script, backend_at, text_of
from tests.emulator.agents.servers import EVENT_STREAM, Received, answering, lines_of, raw_server
from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerError,
    AnswerFinished,
    AnswerLimits,
)
from voicelive_agent.emulator.agents.invocations import AnswerCheck
from voicelive_agent.emulator.agents.responses import ResponsesBackend
from voicelive_agent.listening import find_free_port
from voicelive_agent.wire.invocations import join_halves


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
