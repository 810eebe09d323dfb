"""Start a built image's server as a container engine would, and judge it."""

import contextlib
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.debian import HOMES, enter_read_only, find_user
from infra.image.build import Image
from voicelive_agent.listening import find_free_port

_START_SECONDS = 60.0
_EXIT_SECONDS = 60.0
# No proxy stands between this machine and itself.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class CheckError(Exception):
    """The image does not do what it has to; the text says what was seen."""


@dataclass(slots=True)
class Server:
    """The image's command, running; killed at the end of ``serve`` if it still runs."""

    process: subprocess.Popen[bytes]
    url: str
    key: str
    cold_start_ms: float
    log: Path


@contextlib.contextmanager
def serve(image: Image, log: Path, home: str = "own", **environment: str) -> Iterator[Server]:
    """The image's own command, as its user, its root read-only, $HOME fresh and as ``home`` says.

    Raises CheckError when ``/readiness`` does not answer.
    """
    port, key = find_free_port(), secrets.token_urlsafe()
    inside = {
        **image.environment,
        "PORT": str(port),
        "VOICELIVE_AGENT_API_KEY": key,
        **environment,
    }
    command = list(image.command)
    url = f"http://127.0.0.1:{port}"
    with log.open("ab") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            enter_read_only(image.root, inside, image.user, image.directory, command, home),
            stdout=output,
            stderr=output,
        )
        try:
            _wait_until_ready(process, url, log)
            cold_start_ms = (time.perf_counter() - started) * 1000
            yield Server(process, url, key, cold_start_ms, log)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def stop(server: Server) -> None:
    """SIGTERM, and exit code 0 as an answer. Raises CheckError."""
    server.process.send_signal(signal.SIGTERM)
    _expect_clean_exit(server)


def measure_cold_start_ms(image: Image, log: Path, runs: int = 5) -> float:
    """Median from the start of the process to the first 200 of ``/readiness``."""
    times = []
    for _ in range(runs):
        with serve(image, log) as server:
            times.append(server.cold_start_ms)
            stop(server)
    return statistics.median(times)


def check_confinement(image: Image, server: Server) -> None:
    """Not root, no capabilities, nothing to write to but $HOME. Raises CheckError."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    owner = find_user(image.root, image.user)
    if owner.uid == 0 or fields["Uid"].split() != [str(owner.uid)] * 4:
        raise CheckError(f"the server runs as {fields['Uid']}, not as {image.user}")
    if int(fields["CapEff"], 16):
        raise CheckError(f"the server has capabilities: {fields['CapEff']}")
    home = image.environment["HOME"]
    probe = f"! touch /probe {image.directory}/probe /tmp/probe 2>&1 && touch {home}/probe"
    seen = subprocess.run(
        enter_read_only(image.root, image.environment, image.user, "/", ["/bin/sh", "-c", probe]),
        capture_output=True,
        text=True,
        check=False,
    )
    if seen.returncode or seen.stdout.count("Read-only file system") != 3:
        raise CheckError(f"only $HOME should be writable: {seen.stdout}{seen.stderr}")


def check_homes(image: Image, log: Path) -> None:
    """Where $HOME can't be written it serves from memory, and says so. Raises CheckError."""
    for home in HOMES.keys() - {"own"}:
        log.write_bytes(b"")
        with serve(image, log, home) as server:
            with _DIRECT.open(f"{server.url}/readiness", timeout=5) as answer:
                details = json.load(answer).get("details", {})
            if "in memory" not in details.get("conversations", ""):
                raise CheckError(f"$HOME is {home}, and readiness does not say so: {details}")
            if '"type":"done"' not in ask(server, "hello"):
                raise CheckError(f"$HOME is {home}, and a turn has no end")
            stop(server)
        if "KEPT IN MEMORY" not in log.read_text():
            raise CheckError(f"$HOME is {home}, and the log does not say so:\n{_read_end(log)}")


def check_contract(project: Path, server: Server) -> str:
    """The contract tests against it, the drain ones too; gives their last line.

    Raises CheckError with what they said when one fails or the server does not exit with 0.
    """
    command = [sys.executable, "-m", "voicelive_agent", "contract", server.url]
    done = subprocess.run(
        [*command, "--header", "api-key: $IMAGE_KEY", "--pid", str(server.process.pid)],
        cwd=project,
        env={**os.environ, "IMAGE_KEY": server.key},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CheckError(f"the contract tests fail:\n{done.stdout[-6000:]}")
    _expect_clean_exit(server)
    return next(line for line in reversed(done.stdout.splitlines()) if " passed" in line)


def ask(server: Server, words: str) -> str:
    """The stream that answers a turn, whole."""
    body = f'{{"type":"input_audio.transcription","input":"{words}"}}'.encode()
    headers = {"content-type": "application/json", "api-key": server.key}
    request = urllib.request.Request(f"{server.url}/invocations", body, headers)
    with _DIRECT.open(request, timeout=30) as answer:
        return str(answer.read().decode())


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.perf_counter() + _START_SECONDS
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise CheckError(f"the server ended with {process.returncode}:\n{_read_end(log)}")
        with contextlib.suppress(OSError), _DIRECT.open(f"{url}/readiness", timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.005)
    raise CheckError(f"/readiness did not answer in {_START_SECONDS:.0f} s:\n{_read_end(log)}")


def _expect_clean_exit(server: Server) -> None:
    try:
        code = server.process.wait(_EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        code = None
    if code != 0:
        raise CheckError(f"after SIGTERM the exit code was {code}:\n{_read_end(server.log)}")


def _read_end(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]
