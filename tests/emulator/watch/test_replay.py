from pathlib import Path
from typing import Any

import orjson
import pytest
from websockets.asyncio.server import ServerConnection, serve

from voicelive_agent.emulator.watch.recording import SessionRecording
from voicelive_agent.emulator.watch.replay import (
    EXIT_UNUSABLE,
    Events,
    RecordedLine,
    Renaming,
    UnusableRecording,
    compare,
    main,
    outline,
    read_events,
    replay,
    replay_url,
)


def events(*lines: tuple[float, str, Any]) -> Events:
    return Events({"query": {"model": "local"}}, [RecordedLine(*line) for line in lines])


def turn(prefix: str, heard: str = "hello", delay_ms: float = 100) -> list[tuple[float, str, Any]]:
    return [
        (1000, "server", {"type": "input_audio_buffer.speech_stopped", "item_id": f"{prefix}_u"}),
        (
            1000 + delay_ms,
            "server",
            {
                "type": "conversation.item.input_audio_transcription.completed",
                "item_id": f"{prefix}_u",
                "transcript": heard,
            },
        ),
        (1010 + delay_ms, "server", {"type": "response.created", "response": {"id": prefix}}),
        (1020 + delay_ms, "server", {"type": "response.audio.delta", "delta": "AAAA"}),
        (
            1030 + delay_ms,
            "server",
            {"type": "response.done", "response": {"id": prefix, "status": "completed"}},
        ),
    ]


def test_reads_what_a_recording_leaves(tmp_path: Path) -> None:
    recording = SessionRecording(tmp_path, "sess_1", {"query": {"model": "local"}})
    recording.add_event(5, "client", {"type": "response.create"})
    recording.close()
    read = read_events(recording.events_path)
    assert read.connection == {"query": {"model": "local"}, "session_id": "sess_1"}
    assert read.of("client") == [RecordedLine(5.0, "client", {"type": "response.create"})]


@pytest.mark.parametrize("content", [b"", b"hello\n", b"[]\n", b'{"at_ms": 1}\n', b"\xff\xfe\n"])
def test_other_files_are_refused_with_a_reason(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(content)
    with pytest.raises(UnusableRecording, match="--record"):
        read_events(path)


def test_the_command_line_refuses_a_file_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none.jsonl")]) == EXIT_UNUSABLE
    assert "none.jsonl" in capsys.readouterr().err


def test_deltas_may_come_in_any_number() -> None:
    before, now = events(*turn("resp_a")), events(*turn("resp_b"), *[])
    now.lines.insert(
        4, RecordedLine(1121, "server", {"type": "response.audio.delta", "delta": "AA"})
    )
    same, report = compare(before, now)
    assert same, report


def test_another_order_or_other_words_differ() -> None:
    before = events(*turn("resp_a"))
    same, report = compare(before, events(*turn("resp_b", heard="yellow")))
    assert not same
    assert "-user:  hello" in report
    assert "+user:  yellow" in report

    cut = events(*turn("resp_b"))
    cut.lines[-1].event["response"]["status"] = "cancelled"
    same, report = compare(before, cut)
    assert not same
    assert "+response.done (cancelled)" in report


def test_timings_stand_side_by_side_and_do_not_make_a_difference() -> None:
    same, report = compare(events(*turn("resp_a")), events(*turn("resp_b", delay_ms=700)))
    assert same
    row = next(line for line in report.splitlines() if "transcript" in line)
    assert row.split()[-2:] == ["100", "700"]


def test_ids_of_the_recording_become_those_of_the_running_session() -> None:
    renaming = Renaming(event for _, event in events(*turn("resp_a")).server_events())
    for _, event in events(*turn("resp_b")).server_events():
        renaming.learn(event)
    assert renaming.translate({"type": "response.cancel", "response_id": "resp_a"}) == {
        "type": "response.cancel",
        "response_id": "resp_b",
    }
    own = {"type": "conversation.item.create", "item": {"id": "mine", "role": "user"}}
    assert renaming.translate(own) == own


def test_the_connection_asks_for_what_was_recorded() -> None:
    url = replay_url("http://127.0.0.1:1/base/", {"query": {"agent-name": "a b"}})
    assert url == "ws://127.0.0.1:1/base/voice-live/realtime?agent-name=a+b"


async def test_plays_the_client_side_again_and_hears_the_answers() -> None:
    received: list[Any] = []

    async def answer(socket: ServerConnection) -> None:
        await socket.send(orjson.dumps({"type": "session.created", "session": {"id": "sess_2"}}))
        async for frame in socket:
            received.append(orjson.loads(frame))
            await socket.send(
                orjson.dumps({"type": "response.created", "response": {"id": "resp_2"}})
            )

    recorded = events(
        (0, "server", {"type": "session.created", "session": {"id": "sess_1"}}),
        (10, "client", {"type": "response.create"}),
        (20, "server", {"type": "response.created", "response": {"id": "resp_1"}}),
        (200, "client", {"type": "response.cancel", "response_id": "resp_1"}),
        (201, "server", {"type": "response.created", "response": {"id": "resp_3"}}),
    )
    async with serve(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        running = await replay(
            recorded, f"http://127.0.0.1:{port}", api_key="k", quiet_s=0.2, speed=2
        )
    assert received == [
        {"type": "response.create"},
        {"type": "response.cancel", "response_id": "resp_2"},
    ]
    assert outline(running) == ["session.created", "response.created", "response.created"]


async def test_a_server_that_hangs_up_shows_in_the_comparison() -> None:
    async def hang_up(socket: ServerConnection) -> None:
        await socket.send(orjson.dumps({"type": "session.created", "session": {"id": "sess_2"}}))

    recorded = events(
        (0, "server", {"type": "session.created", "session": {"id": "sess_1"}}),
        (100, "client", {"type": "response.create"}),
        (101, "server", {"type": "response.created", "response": {"id": "resp_1"}}),
    )
    async with serve(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        running = await replay(recorded, f"http://127.0.0.1:{port}", api_key="k", quiet_s=5)
    same, report = compare(recorded, running)
    assert not same
    assert "-response.created" in report


def test_help_shows_how_a_session_is_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    """It named options without their values and showed no use."""
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert "replay recordings/SESSION.jsonl" in text
    assert "--endpoint URL" in text
