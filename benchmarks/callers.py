"""Callers of an Invocations agent: each one session, one connection, and words of its own.

Written on asyncio's streams, so that hundreds of them cost the caller's core little.
"""

import asyncio
import json
import random
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from voicelive_agent.wire.invocations import (
    AGENT_ERROR,
    DELTA,
    DONE,
    SESSION_QUERY,
    SPEECH_DONE,
    speech_input,
)

_SYLLABLES = ("ba", "do", "fi", "ga", "ke", "lo", "mi", "nu", "pa", "ro", "su", "ta", "vi", "zo")


def make_secret(number: int) -> str:
    """A name that nobody else has and that a front desk takes as a name."""
    name = ""
    for _ in range(4):
        number, digit = divmod(number, len(_SYLLABLES))
        name += _SYLLABLES[digit]
    return name.capitalize()


@dataclass(slots=True)
class Outcome:
    """How one turn went. ``error`` is empty for a whole stream."""

    text: str = ""
    first_delta_s: float | None = None
    turn_s: float = 0.0
    error: str = ""


@dataclass(slots=True)
class Report:
    """What happened to all callers."""

    first_delta_s: list[float] = field(default_factory=list)
    turn_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    interrupted: int = 0

    def add(self, outcome: Outcome) -> None:
        if outcome.error:
            self.errors.append(outcome.error)
            return
        self.turn_s.append(outcome.turn_s)
        if outcome.first_delta_s is not None:
            self.first_delta_s.append(outcome.first_delta_s)


class Caller:
    """One session on one connection, opened again where the server closed it."""

    def __init__(self, url: str, session_id: str, headers: dict[str, str] | None = None) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "localhost"
        self._ssl = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._ssl else 80)
        query = urlencode({SESSION_QUERY: session_id})
        self._path = f"{parts.path.rstrip('/')}/invocations?{query}&{parts.query}".rstrip("&")
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def say(self, text: str, *, hang_up_after_s: float | None = None) -> Outcome:
        """One turn; with ``hang_up_after_s`` the connection is dropped so long after its start."""
        outcome = Outcome()
        started = time.perf_counter()
        try:
            async with asyncio.timeout(hang_up_after_s or 60):
                await self._ask(text)
                await self._listen(outcome, started)
        except TimeoutError:
            self.close()
            if hang_up_after_s is None:
                outcome.error = "no end of the stream within 60 s"
        except (OSError, EOFError) as error:
            self.close()
            outcome.error = outcome.error or f"connection lost: {type(error).__name__}"
        outcome.turn_s = time.perf_counter() - started
        return outcome

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _ask(self, text: str) -> None:
        if self._reader is None or self._reader.at_eof():
            self.close()
        if self._writer is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection(
                self._host, self._port, ssl=self._ssl, limit=1 << 20
            )
        body = json.dumps(speech_input(text)).encode()
        self._writer.write(
            f"POST {self._path} HTTP/1.1\r\nhost: {self._host}\r\n{self._headers}"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            + body
        )

    async def _listen(self, outcome: Outcome, started: float) -> None:
        assert self._reader is not None
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = head.split(" ")[1]
        ended = False
        async for line in self._read_lines(head):
            if not line.startswith(b"data: "):
                continue
            event = json.loads(line[6:])
            if event["type"] == DELTA:
                outcome.first_delta_s = outcome.first_delta_s or time.perf_counter() - started
                outcome.text += event["delta"]
            elif event["type"] == SPEECH_DONE:
                if event["text"] != outcome.text:
                    outcome.error = "done.text is not the concatenation of the deltas"
            elif event["type"] == AGENT_ERROR:
                outcome.error = event["error"]["code"]
            ended = event["type"] == DONE
        if status != "200":
            outcome.error = f"status {status}"
        elif not ended:
            outcome.error = outcome.error or "stream without done"
        if "connection: close" in head:
            self.close()

    async def _read_lines(self, head: str) -> AsyncIterator[bytes]:
        assert self._reader is not None
        if "transfer-encoding: chunked" not in head:
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            for line in (await self._reader.readexactly(length)).split(b"\n"):
                yield line
            return
        rest = b""
        while size := int(await self._reader.readline(), 16):
            rest += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
            *lines, rest = rest.split(b"\n")
            for line in lines:
                yield line
        await self._reader.readline()


async def hold_conversations(
    url: str,
    callers: int,
    seconds: float,
    *,
    think_s: float,
    barge_in_rate: float,
    headers: dict[str, str] | None = None,
    run: str = "",
) -> Report:
    """``callers`` book tables side by side, think, interrupt, and check what they are told."""
    report = Report()
    secrets = [make_secret(number) for number in range(callers)]
    until = time.perf_counter() + seconds
    everybody = {secret.lower() for secret in secrets}

    def check(outcome: Outcome, own: str) -> None:
        report.add(outcome)
        said = {word.strip(".,!?").lower() for word in outcome.text.split()}
        for secret in said & everybody - {own.lower()}:
            report.leaks.append(f"{own} was told {secret}")

    async def call(number: int) -> None:
        secret = secrets[number]
        chance = random.Random(number)
        await asyncio.sleep(chance.uniform(0, min(think_s, seconds / 4)))
        session = 0
        while time.perf_counter() < until:
            session += 1
            caller = Caller(url, f"load-{run}-{number}-{session}", headers)
            lines = (
                "hello",
                f"a table for {chance.randint(2, 6)} tomorrow at seven under the name {secret}",
                # The first may come before the details could be heard; then they are read again.
                "yes",
                "yes",
                "what is the weather in seattle",
                "can you repeat my booking",
            )
            for line in lines:
                if time.perf_counter() >= until:
                    break
                if chance.random() < barge_in_rate:
                    # Hang up in mid-answer, as Voice Live does when the caller interrupts.
                    await caller.say("what are your opening hours", hang_up_after_s=0.005)
                    report.interrupted += 1
                outcome = await caller.say(line)
                check(outcome, secret)
                if line is lines[-1] and not outcome.error and secret not in outcome.text:
                    report.forgotten.append(f"{secret}: {outcome.text}")
                await asyncio.sleep(chance.expovariate(1 / think_s) if think_s else 0)
            caller.close()

    await asyncio.gather(*(call(number) for number in range(callers)))
    return report
