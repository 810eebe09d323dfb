"""Calls over the Bridge: cost of a turn, many calls at once, and a server that dies in mid-answer.

    python -m benchmarks.bridge [--turns 400] [--calls 500] [--kills 100]

CPU of a turn of five deltas is printed beside Microsoft's host's, in one run. Each call is then
held open on one worker and interrupted in mid-answer. Last, the server is killed (``kill -9``) in
mid-answer and started again: no turn that was completed is lost, and none is answered twice.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from benchmarks.peers import Peer, pin_to_core, start_peer
from voicelive_agent.wire.bridge import messages as bridge

OURS = {"VOICELIVE_WIRES": "bridge"}
_ROUND = 100
"""Turns of one call."""
DEADLINES = bridge.ResponseTimeouts(first_output_ms=60_000, idle_ms=60_000, max_duration_ms=600_000)


async def open_call(peer: Peer, session: str, *, reconnect: bool = False) -> ClientConnection:
    """A call that has begun."""
    return await open_call_at(peer.port, session, reconnect=reconnect)


async def open_call_at(port: int, session: str, *, reconnect: bool = False) -> ClientConnection:
    """Likewise, at a server's port."""
    url = f"ws://127.0.0.1:{port}/invocations_ws?agent_session_id={session}"
    socket = await connect(url, compression=None)
    start = bridge.SessionStart(
        protocol_version="1.0", reconnect=reconnect, response_timeouts=DEADLINES
    )
    await socket.send(bridge.encode(start))
    await receive(socket, "session.ready")
    return socket


async def receive(socket: ClientConnection, kind: str) -> dict[str, str]:
    """The next message of a kind; those before it are passed over."""
    async with asyncio.timeout(60):
        while True:
            message: dict[str, str] = json.loads(await socket.recv())
            if message["type"] == kind:
                return message


async def say(socket: ClientConnection, item_id: str, text: str) -> None:
    part = bridge.InputText(text=text)
    await socket.send(bridge.encode(bridge.UserMessage(item_id=item_id, content=[part])))


async def compare_turns(turns: int) -> None:
    """CPU of a turn, ours and the official host's, call by call: a busy machine slows both."""
    async with (
        start_peer("ours", "five", **OURS) as ours,
        start_peer("official-bridge", "five") as official,
    ):
        used = dict.fromkeys(("ours", "official-bridge"), 0.0)
        for number in range(-1, turns // _ROUND):
            for peer in (ours, official):
                socket = await open_call(peer, f"s{number}")
                before = peer.cpu_s
                for turn in range(_ROUND):
                    await say(socket, f"in_{turn}", "hello")
                    await receive(socket, "response.done")
                # The first round warms up.
                used[peer.name] += peer.cpu_s - before if number >= 0 else 0
    ms = [1000 * each / (turns // _ROUND * _ROUND) for each in used.values()]
    print(f"CPU of a turn: ours {ms[0]:.2f} ms, official {ms[1]:.2f} ms")
    print(f"ours / official: {ms[0] / ms[1]:.2f}")


async def interrupt(socket: ClientConnection, number: int) -> float:
    """Milliseconds from a barge-in in mid-answer to the first word of the next answer."""
    await say(socket, "in_1", "hello")
    created = await receive(socket, "response.created")
    await receive(socket, "response.output_text.delta")
    started = time.perf_counter()
    cut = bridge.BargeIn(response_id=created["response_id"], heard_text="Wait.")
    await socket.send(bridge.encode(cut))
    await say(socket, "in_2", "hello")
    await receive(socket, "response.output_text.delta")
    return 1000 * (time.perf_counter() - started)


async def hold_calls(calls: int) -> None:
    """Memory of each call, and what a barge-in costs while all are open."""
    async with start_peer("ours", "idle", **OURS) as peer:
        await open_call(peer, "first")
        before = peer.rss_bytes
        sockets = [await open_call(peer, f"s{number}") for number in range(calls)]
        print(f"{calls} calls: {(peer.rss_bytes - before) / 1024 / calls:.1f} kB each")
        took = [await interrupt(socket, number) for number, socket in enumerate(sockets)]
        ordered = sorted(took)
        print(
            f"barge-in to the next answer's first word with {calls} calls open:"
            f" p50 {statistics.median(took):.1f} ms, p99 {ordered[int(0.99 * calls)]:.1f} ms"
        )
        broken = sum(socket.close_code is not None for socket in sockets)
        print(f"calls that broke: {broken}")


async def kill_in_mid_answer(kills: int) -> None:
    """Completed turns survive, and an input that is sent again is not answered from before."""
    with tempfile.TemporaryDirectory() as home:
        completed: list[str] = []
        store = f"sqlite:///{Path(home) / 'store.db'}"
        settings = {**OURS, "VOICELIVE_CONVERSATIONS": store}
        for number in range(kills):
            async with start_peer("ours", "half", **settings) as peer:
                socket = await open_call(peer, "s", reconnect=number > 0)
                await say(socket, f"in_{number}", f"question {number}")
                await receive(socket, "response.done")
                completed.append(f"question {number}")
                await say(socket, f"in_{number}b", "wait")
                await receive(socket, "response.output_text.delta")
                peer.process.kill()
                await peer.process.wait()
        turns = await export(store)
        kept = [turn["text"] for turn in turns if turn["status"] == "completed"]
        lost = len(set(completed) - set(kept))
        twice = len(kept) - len(set(kept))
        print(f"{kills} kills in mid-answer: {lost} completed turns lost, {twice} answered twice")


async def export(store: str) -> list[dict[str, str]]:
    """All turns that a store holds."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "voicelive_agent", "conversations", "export", "--store", store),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return [json.loads(line) for line in output.splitlines()]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=400)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--kills", type=int, default=100)
    arguments = parser.parse_args()
    pin_to_core(1)
    if arguments.turns:
        await compare_turns(arguments.turns)
    if arguments.calls:
        await hold_calls(arguments.calls)
    if arguments.kills:
        await kill_in_mid_answer(arguments.kills)


if __name__ == "__main__":
    asyncio.run(main())
