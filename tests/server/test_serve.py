"""``voicelive-agent serve``: options, what it says, and where it works."""

import asyncio
import os
import re
import shlex
import signal
import sys
from pathlib import Path

import httpx
import pytest

from tests.server.processes import ROOT, start_server
from tests.server.test_main import run_to_the_end
from voicelive_agent.listening import find_free_port
from voicelive_agent.server.serve import main

AGENT = 'async def reply(turn):\n    yield f"You said {turn.text}."\n'


async def serve_in(
    folder: Path, *arguments: str, **environment: str
) -> tuple[asyncio.subprocess.Process, str]:
    """A server that runs in ``folder``, and what it said when it was ready."""
    library = folder / "library"
    library.mkdir()
    # Alone, as it is installed: this repository's app/ isn't beside it.
    (library / "voicelive_agent").symlink_to(ROOT / "voicelive_agent")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "voicelive_agent", "serve", *arguments),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(library),
            "PYTHONUNBUFFERED": "1",
            **environment,
        },
    )
    assert process.stdout
    said = ""
    async with asyncio.timeout(60):
        while "Talk to it" not in said and (line := await process.stdout.readline()):
            said += line.decode()
    return process, said


@pytest.mark.parametrize("installed", [True, False])
async def test_uvloop_serves_where_it_is_installed(tmp_path: Path, installed: bool) -> None:
    (tmp_path / "looking.py").write_text(
        "import asyncio\n"
        "async def reply(turn):\n"
        "    yield type(asyncio.get_running_loop()).__name__\n"
    )
    without = "" if installed else "sys.modules['uvloop'] = None; "
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); "
        f"{without}from voicelive_agent.server.serve import main; main()"
    )
    async with (
        start_server(tmp_path, ("-c", code), VOICELIVE_AGENT="looking:reply") as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        answer = (await client.post("/invocations", json={"input": "hello"})).text
        assert ("AcceptingLoop" in answer) == installed
        assert ("EventLoop" in answer) != installed
        server.signal(signal.SIGTERM)
        assert await server.wait() == 0


@pytest.mark.slow
async def test_it_says_where_it_listens_and_a_curl_line_that_works(tmp_path: Path) -> None:
    """A folder's own app.py was hidden behind a package `app` of the server."""
    (tmp_path / "app.py").write_text(AGENT)
    port = find_free_port()
    process, said = await serve_in(
        tmp_path, "app:reply", "--port", str(port), VOICELIVE_AGENT_API_KEY="s3cret"
    )
    try:
        assert f"app:reply is served at http://127.0.0.1:{port}" in said
        assert "dev" in said
        match = re.search(r"curl -N (?:.*\\\n)*.*\n", said)
        assert match
        curl = await asyncio.create_subprocess_exec(
            *shlex.split(match[0].replace("$VOICELIVE_AGENT_API_KEY", "s3cret")),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        output, _ = await asyncio.wait_for(curl.communicate(), 30)
        assert b"You said hello." in output
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0


async def test_a_folder_without_an_agent_is_told_what_to_write_and_run(tmp_path: Path) -> None:
    process, said = await serve_in(tmp_path)
    assert await asyncio.wait_for(process.wait(), 30) == 1
    assert "No agent is named, and there is no app/agent.py here" in said
    assert "async def reply(turn):" in said
    assert "serve my_agent:reply" in said
    assert "Traceback" not in said


async def test_an_invalid_option_is_named_with_its_variable(tmp_path: Path) -> None:
    code, output = await run_to_the_end(
        tmp_path, "-m", "voicelive_agent", "serve", "--port", "99999", VOICELIVE_HISTROY_TURNS="1"
    )
    assert code == 2
    assert "--port (PORT): " in output
    assert "VOICELIVE_HISTROY_TURNS is no setting: did you mean VOICELIVE_HISTORY_TURNS?" in output


def test_the_agent_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            main(["my_agent:reply", "--agent", "other:reply"])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 2
    assert "name the agent once" in capsys.readouterr().err
