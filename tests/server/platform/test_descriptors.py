"""More connections than the system lets the server have."""

import asyncio
import contextlib
import json
from pathlib import Path

import httpx
import pytest

from tests.server.processes import start_server
from voicelive_agent.server.platform.descriptors import find_max_connections

resource = pytest.importorskip("resource")


def start_with(soft: int, hard: int) -> tuple[str, str]:
    limits = f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))"
    return "-c", f"import resource; {limits}; from voicelive_agent.server.serve import main; main()"


async def test_callers_beyond_the_limit_are_told_and_others_go_on(tmp_path: Path) -> None:
    """None was left for the store and for models, and the log had 50,000 lines in a minute."""
    async with (
        start_server(tmp_path, start_with(100, 100)) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30) as early,
    ):
        assert (await early.post("/invocations")).status_code == 200
        port = int(server.url.rpartition(":")[2])
        connections = []
        for _ in range(75):
            connections.append(await asyncio.open_connection("127.0.0.1", port))
            await asyncio.sleep(0.005)
        reader, writer = connections[-1]
        head, _, body = (await asyncio.wait_for(reader.read(), 30)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in head.lower()
        assert json.loads(body)["error"]["code"] == "too_many_connections"
        assert (await early.post("/invocations")).status_code == 200
        for _, writer in connections:
            writer.close()
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as late, asyncio.timeout(30):
            while (await late.post("/invocations")).status_code != 200:
                await asyncio.sleep(0.05)


async def test_more_callers_than_descriptors_are_one_line_in_the_log(tmp_path: Path) -> None:
    """asyncio says it for each place of the queue, 2048 times for one failure."""
    async with start_server(tmp_path, start_with(60, 60)) as server, asyncio.timeout(60):
        port = int(server.url.rpartition(":")[2])
        connections = []
        with contextlib.suppress(OSError):
            connections = await asyncio.gather(
                *(asyncio.open_connection("127.0.0.1", port) for _ in range(200))
            )
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as late:
            for _, writer in connections:
                writer.close()
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await late.post("/invocations")).status_code == 200:
                        break
                await asyncio.sleep(0.05)
    assert server.log.read_text().count("out of system resource") <= 3


async def test_the_server_uses_what_the_system_allows(tmp_path: Path) -> None:
    async with start_server(tmp_path, start_with(100, 4000)) as server:
        limits = Path(f"/proc/{server.process.pid}/limits")
        if not limits.exists():
            pytest.skip("this system says it elsewhere")
        (line,) = [each for each in limits.read_text().splitlines() if "open files" in each]
        assert line.split()[3:5] == ["4000", "4000"]


def test_some_descriptors_are_left_for_others() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert 0 < find_max_connections() < soft
