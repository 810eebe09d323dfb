"""``python -m voicelive_agent.emulator.demo``: a whole spoken conversation with the demo agent.

No microphone, no loudspeaker, no key: the agent server and the emulator run as processes of their
own, and a caller with another voice talks to them through the official SDK, in real time. Prints
who said what as the recogniser heard it, and where the time went; leaves a stereo WAV.
"""

import argparse
import asyncio
import datetime as dt
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from voicelive_agent.emulator.caller import Caller
from voicelive_agent.emulator.services import ServicesError, start_services
from voicelive_agent.emulator.tts import SpeakingError
from voicelive_agent.emulator.watch.marks import STAGES

if TYPE_CHECKING:
    from voicelive_agent.emulator.caller_voice import CallerVoice

CALLER_RATE_HZ = 24_000
DEFAULT_OUTPUT = Path("demo.wav")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the caller says, or does where there is an ``action``."""

    text: str
    interrupts: bool = False
    """Talks into the answer of the step before."""
    action: Mapping[str, Any] | None = None


STEPS = (
    Step("What are your opening hours?"),
    Step("What is the weather in Seattle?", interrupts=True),
    Step("Where are you?", action={"action": "ask", "topic": "address"}),
    Step("I would like to book a table."),
)
FAREWELL = Step("Thank you, goodbye.")
REPLIES_LIMIT = 8
"""So often the caller answers the agent's questions about the booking before giving up."""


def reply_to(question: str, today: dt.date) -> Step | None:
    """What the caller answers while the table is not booked; None where nothing is asked.

    The ears may mishear a detail, and then the agent asks for it again.
    """
    day = today + dt.timedelta(days=2)
    if day.weekday() == 0:
        day += dt.timedelta(days=1)  # the restaurant is closed on Mondays
    replies = {
        "how many": "A table for four.",
        "which day": f"On {day:%A}.",
        "what time": "At seven.",
        "what name": "My name is Miller.",
        "right?": "Yes please.",
        "suit you?": "Yes please.",
        "shall i": "Yes please.",
    }
    asked = question.lower()
    return next((Step(reply) for part, reply in replies.items() if part in asked), None)


INTERRUPTED_AFTER_MS = 1500
PAUSE_S = 0.4
SILENCE_MS = 500
SESSION = {
    "turn_detection": {
        "type": "server_vad",
        "silence_duration_ms": SILENCE_MS,
        "auto_truncate": True,
    }
}

_INTRODUCTION = """\
A caller talks to the demo agent through the emulator, in real time, for about a minute and a half.
"heard" is what the recogniser understood, which is all that the agent gets.

"""

Say = Callable[[str, str], None]


class DemoError(Exception):
    """The demo can't go on; the message says what to do."""


def render_latencies(turns: Sequence[Mapping[str, Any]]) -> str:
    """A table of where the time of each turn went, in ms."""
    head = ["turn", *(name for name, _, _ in STAGES), "voice to voice"]
    rows = [head]
    for turn in turns:
        marks = turn["marks_ms"]
        stages = [
            "–"
            if marks[start] is None or marks[end] is None
            else f"{marks[end] - marks[start]:.0f}"
            for _, start, end in STAGES
        ]
        total = turn["voice_to_voice_ms"]
        name = f"{turn['number']} {turn['kind']}"
        rows.append([name, *stages, "–" if total is None else f"{total:.0f}"])
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return (
        "\nLatency by stage, ms from one mark to the next\n"
        + "\n".join(lines)
        + "\nVoice to voice: from the end of speech to the first audible sample of the answer; "
        f"{SILENCE_MS} of it are\nthe silence that ends a turn.\n"
    )


class Conversation:
    """The caller's side of the demo, and what is printed of it."""

    def __init__(self, connection: Any, caller: Caller, voice: "CallerVoice", say: Say) -> None:
        self._connection = connection
        self._caller = caller
        self._voice = voice
        self._say = say
        self.session_id = ""

    async def hold(self) -> None:
        """Talk through all steps. Raises TimeoutError where an answer does not come."""
        created = await self._caller.wait_for("session.created")
        self.session_id = str(created.event.session.id)
        await self._connection.session.update(session=SESSION)
        await self._caller.wait_for("session.updated")
        since = len(self._caller.happened)
        await self._connection.response.create()
        await self._hear_answer(since)
        answer = ""
        for step in STEPS:
            answer = await self._take(step)
        today = dt.datetime.now().astimezone().date()
        for _ in range(REPLIES_LIMIT):
            if (reply := reply_to(answer, today)) is None:
                break
            answer = await self._take(reply)
        await self._take(FAREWELL)
        await self._caller.hear_out()

    async def _take(self, step: Step) -> str:
        """Say or do it, and hear the answer, which is returned as text."""
        caller = self._caller
        pcm = await self._voice(step.text) if step.action is None else b""
        if step.interrupts:
            await self._wait_played(INTERRUPTED_AFTER_MS)
        else:
            await caller.hear_out()
            await asyncio.sleep(PAUSE_S)
        since = len(caller.happened)
        if step.action is not None:
            self._say("clicks", step.text)
            await self._connection.response.create(response={"invoke_input": dict(step.action)})
        else:
            self._say("barges in" if step.interrupts else "caller", step.text)
            await caller.say(pcm)
            heard = await caller.wait_for(
                "conversation.item.input_audio_transcription.completed", since=since
            )
            self._say("heard", heard.event.transcript)
        return await self._hear_answer(since)

    async def _wait_played(self, played_ms: int) -> None:
        """Wait until so much of the last answer was played."""
        caller = self._caller
        created = [one for one in caller.happened if one.type == "response.created"][-1]
        since = caller.happened.index(created)
        first = await caller.wait_for("response.audio.delta", since=since)
        await asyncio.sleep(max(0.0, first.at_ms + played_ms - caller.now_ms()) / 1000)

    async def _hear_answer(self, since: int) -> str:
        """Wait for the whole answer to arrive, as text; it is still being played then."""
        done = await self._caller.wait_for(
            "response.done",
            since=since,
            where=lambda event: event.response.status == "completed",
        )
        parts = [
            str(part.get("transcript") or part.get("text") or "")
            for item in done.event.response.output or []
            for part in item.get("content") or []
        ]
        for part in parts:
            self._say("agent", part)
        return " ".join(parts)


async def run_demo(output: Path, say: Say) -> dict[str, Any]:
    """The whole demo; what ``GET /sessions/{id}`` tells of it.

    Raises DemoError, ServicesError and SpeakingError.
    """
    from azure.ai.voicelive.aio import connect
    from azure.core.credentials import AzureKeyCredential

    from voicelive_agent.emulator.caller_voice import open_caller_voice

    with tempfile.TemporaryDirectory(prefix="demo-") as directory:
        async with (
            open_caller_voice(CALLER_RATE_HZ) as voice,
            start_services(Path(directory)) as url,
        ):
            try:
                async with (
                    connect(
                        endpoint=url,
                        credential=AzureKeyCredential("local"),
                        agent_name="demo",
                        project_name="local",
                    ) as connection,
                    Caller(connection, CALLER_RATE_HZ) as caller,
                ):
                    conversation = Conversation(connection, caller, voice, say)
                    await conversation.hold()
            except TimeoutError as error:
                raise DemoError(
                    "no answer came in time: the machine may be too busy; try again"
                ) from error
            async with httpx.AsyncClient(base_url=url) as http:
                answer = await http.get(f"/sessions/{conversation.session_id}")
                session: dict[str, Any] = answer.json()
        # The recording is complete when the emulator has ended.
        await asyncio.to_thread(_keep_recording, Path(directory), output)
    return session


def _keep_recording(directory: Path, output: Path) -> None:
    for recorded in directory.glob("*.wav"):
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(recorded, output)


def _explain_missing(error: ImportError) -> int:
    sys.stderr.write(
        f"{error.name} is missing: pip install 'voicelive-agent[emulator,espeak,client]'\n"
    )
    return 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m voicelive_agent.emulator.demo",
        description="A whole spoken conversation with the demo agent, without a microphone.",
    )
    parser.add_argument(
        "--output", type=Path, default=DEFAULT_OUTPUT, metavar="FILE", help="default: %(default)s"
    )
    options = parser.parse_args(arguments)

    def say(who: str, what: str) -> None:
        sys.stdout.write(f"{who:>10}  {what}\n")
        sys.stdout.flush()

    try:
        from voicelive_agent.emulator.watch.recording import check_directory

        check_directory(options.output.parent)
    except ImportError as error:
        return _explain_missing(error)
    except OSError as error:
        sys.stderr.write(
            f"{options.output}: can't be written ({error.strerror or error}): choose another "
            "place with --output\n"
        )
        return 1
    sys.stdout.write(_INTRODUCTION)
    sys.stdout.flush()
    try:
        session = asyncio.run(run_demo(options.output, say))
    except (DemoError, ServicesError, SpeakingError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except ImportError as error:
        return _explain_missing(error)
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(render_latencies(session["turns"]))
    sys.stdout.write(f"\nListen to it: {options.output} (left the caller, right the agent)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
