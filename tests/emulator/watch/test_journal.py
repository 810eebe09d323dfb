import wave
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from tests.emulator.conversing import Client, Desk, open_client, open_desk

ANSWER = "one two three four five six seven eight nine ten eleven twelve"
"""Twelve words of 200 ms, after "You said "."""


async def speak(client: Client) -> str:
    """Have a long answer sent; the id of its item."""
    await client.say_text(ANSWER)
    item = (await client.receive("response.audio.delta"))["item_id"]
    await client.receive("response.done")
    return str(item)


async def read_turns(desk: Desk) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=desk.url) as http:
        (session,) = (await http.get("/sessions")).json()["sessions"]
        turns: list[dict[str, Any]] = (await http.get(f"/sessions/{session['id']}")).json()["turns"]
        return turns


def read_agent_side(directory: Path) -> Any:
    (path,) = directory.glob("*.wav")
    with wave.open(str(path)) as wav:
        return np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, 2)[:, 1]


async def test_a_clients_truncate_after_the_answer_was_sent_is_a_barge_in(tmp_path: Path) -> None:
    """An answer is sent within half a second and heard for eight: who interrupts by then can only
    truncate. The session knew of it; the turn had no barge-in, and the recording went on.
    """
    async with open_desk(record=tmp_path) as desk, open_client(desk) as client:
        item = await speak(client)
        await client.send(
            "conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=1200
        )
        await client.receive("conversation.item.truncated")
        (turn,) = await read_turns(desk)
        assert turn["status"] == "completed"
        assert turn["marks_ms"]["barge_in"] >= turn["marks_ms"]["first_audio_byte"]
    (audible,) = np.nonzero(read_agent_side(tmp_path))
    assert abs((audible[-1] - audible[0]) / 24 - 1200) < 5


async def test_a_truncate_that_cuts_nothing_is_no_barge_in(tmp_path: Path) -> None:
    async with open_desk(record=tmp_path) as desk, open_client(desk) as client:
        item = await speak(client)
        ms = 14 * 200
        await client.send(
            "conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=ms
        )
        await client.receive("conversation.item.truncated")
        (turn,) = await read_turns(desk)
        assert turn["marks_ms"]["barge_in"] is None
    (audible,) = np.nonzero(read_agent_side(tmp_path))
    assert abs((audible[-1] - audible[0]) / 24 - ms) < 5


async def test_marks_know_a_barge_in_without_a_recording() -> None:
    async with open_desk() as desk, open_client(desk) as client:
        item = await speak(client)
        await client.send(
            "conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=100
        )
        await client.receive("conversation.item.truncated")
        (turn,) = await read_turns(desk)
        assert turn["marks_ms"]["barge_in"] is not None
