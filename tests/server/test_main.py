"""Starting the server as a person would: what works, and what is said when it can't."""

import asyncio
import signal
import sys
from pathlib import Path

import httpx
import pytest

from tests.server.processes import ROOT, connect, start_python, start_server
from tests.server.serving import read_events
from voicelive_agent.listening import find_free_port


async def run_to_the_end(tmp_path: Path, *command: str, **environment: str) -> tuple[int, str]:
    said = tmp_path / "said.txt"
    process = start_python(tmp_path, command, said, cwd=ROOT, **environment)
    code = await asyncio.wait_for(process.wait(), 60)
    return code, said.read_text()


@pytest.mark.parametrize(
    "command",
    [("-m", "voicelive_agent", "serve"), ("-m", "uvicorn", "app.main:app")],
)
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "eighty", "PORT"),
        ("VOICELIVE_CONVERSATIONS", "postgres://x", "VOICELIVE_CONVERSATIONS"),
        ("VOICELIVE_AGENT", "no.such.module:reply", "no.such.module"),
    ],
)
async def test_an_invalid_variable_stops_the_start_with_a_message_that_names_it(
    tmp_path: Path, command: tuple[str, ...], name: str, value: str, said: str
) -> None:
    code, output = await run_to_the_end(tmp_path, *command, **{name: value})
    assert code != 0
    assert said in output
    assert "Traceback" not in output


async def test_the_seeds_question_is_answered_and_survives_kill_9(tmp_path: Path) -> None:
    question = {"type": "input_audio.transcription", "input": "what is the weather in seattle"}
    path = "/invocations?agent_session_id=s"
    async with start_server(tmp_path) as server, httpx.AsyncClient() as client:
        response = await client.post(server.url + path, json=question)
        events = read_events(response.text)
        assert events[-2]["text"] == "The weather in Seattle is 52°F and partly cloudy."
        invocation_id = response.headers["x-agent-invocation-id"]
        server.signal(signal.SIGKILL)
        await server.wait()
    async with start_server(tmp_path) as server, httpx.AsyncClient() as client:
        state = (await client.get(f"{server.url}/invocations/{invocation_id}")).json()
        assert state["status"] == "completed"
        assert state["text"] == events[-2]["text"]


async def test_a_turn_cut_by_kill_9_is_reported_as_failed_after_the_restart(
    tmp_path: Path,
) -> None:
    agent = "tests.server.slow_agent:reply"
    ids = {"x-agent-invocation-id": "cut"}
    async with (
        start_server(tmp_path, VOICELIVE_AGENT=agent) as server,
        httpx.AsyncClient() as client,
    ):
        with pytest.raises(httpx.RemoteProtocolError):
            async with client.stream(
                "POST", server.url + "/invocations", json={"input": "60"}, headers=ids
            ) as stream:
                async for _ in stream.aiter_bytes():
                    server.signal(signal.SIGKILL)
    async with (
        start_server(tmp_path, VOICELIVE_AGENT=agent) as server,
        httpx.AsyncClient() as client,
    ):
        state = (await client.get(server.url + "/invocations/cut")).json()
        assert state["status"] == "failed"


async def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    port = str(find_free_port())
    async with start_server(tmp_path, PORT=port):
        code, output = await run_to_the_end(tmp_path, "-m", "voicelive_agent", "serve", PORT=port)
        assert code != 0
        assert port in output


async def test_ids_and_headers_of_callers_stay_out_of_the_log(tmp_path: Path) -> None:
    """uvicorn's access log had the query with the session id, OpenTelemetry's the baggage."""
    port = str(find_free_port())
    command = ("-m", "uvicorn", "app.main:app", "--port", port)
    async with (
        start_server(tmp_path, command, PORT=port) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        headers = {b"baggage": "xyzzyé=1".encode()}
        await client.post("/invocations?agent_session_id=plugh", headers=headers)
        server.signal(signal.SIGTERM)
        await server.wait()
        log = server.log.read_text()
        assert '"POST /invocations HTTP/1.1" 200' in log
        assert "plugh" not in log
        assert "xyzzy" not in log


async def test_a_caller_that_does_not_read_is_one_line_in_the_log(tmp_path: Path) -> None:
    """It was logged as a failed request, with six tracebacks.

    Sockets hold more than the longest answer that is allowed by default: the turn had ended before
    anybody noticed that nothing was read.
    """
    agent = "tests.server.endless_agent:reply"
    async with (
        start_server(
            tmp_path,
            VOICELIVE_AGENT=agent,
            VOICELIVE_SEND_TIMEOUT_SECONDS="0.5",
            VOICELIVE_MAX_ANSWER_BYTES=str(1 << 30),
        ) as server,
        connect(server, limit=1024) as (_, writer),
    ):
        writer.write(b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n")
        async with asyncio.timeout(30):
            while "turn cancelled (disconnected)" not in server.log.read_text():
                await asyncio.sleep(0.05)
        writer.close()
        server.signal(signal.SIGTERM)
        assert await server.wait() == 0
        log = server.log.read_text()
        assert "read too slowly" in log
        assert "Traceback" not in log


async def test_what_was_said_stays_out_of_the_log_at_every_level(tmp_path: Path) -> None:
    """A library that streams logged each chunk at DEBUG, spoken words included."""
    async with (
        start_server(tmp_path, VOICELIVE_LOG_LEVEL="DEBUG") as server,
        httpx.AsyncClient() as client,
    ):
        await client.post(server.url + "/invocations", json={"input": "xyzzy is my password"})
        await client.post(server.url + "/invocations", json={"input": "weather in seattle"})
        server.signal(signal.SIGTERM)
        await server.wait()
        log = server.log.read_text()
        assert "xyzzy" not in log
        assert "Seattle" not in log
        assert log.count("turn completed") == 2


async def test_garbage_collection_leaves_what_was_imported_alone() -> None:
    """A full collection stopped all turns at once, with a model's agent for 140 ms."""
    code = "import app.main, gc; print(gc.get_freeze_count() > 10 * len(gc.get_objects()))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert output.decode().strip() == "True"
