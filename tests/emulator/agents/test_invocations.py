"""Invocations agents: what they are sent, what they answer, and how an answer is closed."""

import asyncio
from contextlib import aclosing

import pytest

from tests.emulator.agents.asking import HELLO, ask, ask_script, backend_at, text_of
from tests.emulator.agents.servers import EVENT_STREAM, Received, answering, lines_of, raw_server
from voicelive_agent.emulator.agents import (
    AgentRequest,
    AnswerFinished,
    ScreenEvent,
    TextDelta,
    TextDone,
)
from voicelive_agent.emulator.agents.endpoint import LOCAL_USER_ID
from voicelive_agent.emulator.agents.invocations import InvocationsBackend


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
            assert await asyncio.wait_for(server.gone, 10) - began < 1

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
            assert await asyncio.wait_for(server.gone, 10) - began < 1

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
            await asyncio.wait_for(server.gone, 10)

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
