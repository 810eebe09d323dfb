"""Text to speech for the person's side of `check` and `say`: whatever engine is here."""

import argparse
import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from voicelive_agent.client.check.scenario import ScenarioError
from voicelive_agent.client.sound.audio_files import read_sound
from voicelive_agent.command_name import spell_commands

if TYPE_CHECKING:
    from voicelive_agent.emulator.tts import TextToSpeech

CallerVoice = Callable[[str], Awaitable[bytes]]
"""Text to PCM16 mono."""

PROGRAMS = {"flite": "slt", "espeak-ng": "en-us+klatt4"}
"""Programs that speak, the best understood first, and the voice to use of each."""
_ADVICE = spell_commands(
    "Install one: apt-get install -y flite (or espeak-ng), brew install espeak-ng, or "
    'pip install "voicelive-agent[emulator,espeak]"; or use `play:` with a WAV file'
)


def add_voice_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--caller-voice",
        metavar="ENGINE[:VOICE]",
        help="speaks for the person: flite, espeak-ng, or an engine of the emulator",
    )


@contextlib.asynccontextmanager
async def open_voice(name: str | None, rate_hz: int) -> AsyncIterator[CallerVoice]:
    """``name`` is ENGINE or ENGINE:VOICE, an engine of the emulator or one of ``PROGRAMS``.

    Raises ScenarioError where it can't be had.
    """
    engine, _, voice = (name or "auto").partition(":")
    async with contextlib.AsyncExitStack() as stack:
        spoken = None
        if engine not in PROGRAMS or not shutil.which(engine):
            spoken = await stack.enter_async_context(_engine_voice(engine, voice, rate_hz))
        if spoken is None:
            spoken = _program_voice(engine, voice, rate_hz)
        yield spoken


@contextlib.asynccontextmanager
async def _engine_voice(engine: str, voice: str, rate_hz: int) -> AsyncIterator[CallerVoice | None]:
    """None where a program may serve instead."""
    try:
        from voicelive_agent.emulator.tts import TtsError
        from voicelive_agent.emulator.tts.engines import open_tts
        from voicelive_agent.wire.audio.formats import AudioFormat
        from voicelive_agent.wire.audio.streams import Encoder
    except ImportError:
        yield None
        return
    async with contextlib.AsyncExitStack() as stack:
        try:
            tts = _open_any() if engine == "auto" else open_tts(engine)
            await tts.start()
        except TtsError as error:
            if engine not in ("auto", *PROGRAMS):
                raise ScenarioError(f"caller_voice: {error}") from error
            yield None
            return
        stack.push_async_callback(tts.stop)
        wanted = voice or (_other_voice(tts) if engine == "auto" else "")
        resolved, warning = tts.resolve_voice({"name": wanted} if wanted else {})
        if voice and warning:
            raise ScenarioError(f"caller_voice: {warning}")

        async def speak(text: str) -> bytes:
            encoder = Encoder(AudioFormat("pcm16", rate_hz), tts.sample_rate_hz)
            async with contextlib.aclosing(tts.speak(text, resolved)) as chunks:
                pieces = [encoder.encode(chunk.pcm) async for chunk in chunks]
            return b"".join([*pieces, encoder.finish()])

        yield speak


def _open_any() -> "TextToSpeech":
    """The engine that is understood best, of those that are here."""
    from voicelive_agent.emulator.tts.engines import espeak, flite

    return flite.open_tts() if flite.find_library() else espeak.open_tts()


def _other_voice(tts: "TextToSpeech") -> str:
    """Another voice than the one that agents answer with by default."""
    default, _ = tts.resolve_voice({})
    names = [one.name for one in getattr(tts, "voices", ()) if one.language == default.locale]
    best = PROGRAMS["flite"]
    return best if best in names or not names else names[1 % len(names)]


def _program_voice(engine: str, voice: str, rate_hz: int) -> CallerVoice:
    programs = [engine] if engine in PROGRAMS else list(PROGRAMS)
    program = next((name for name in programs if shutil.which(name)), None)
    if program is None:
        raise ScenarioError(f"there is no speech engine for the person's side. {_ADVICE}")
    voice = voice or PROGRAMS[program]

    async def speak(text: str) -> bytes:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "speech.wav"
            if program == "flite":
                arguments = ["-voice", voice, "-t", text, "-o", str(path)]
            else:
                arguments = ["-v", voice, "-w", str(path), "--", text]
            process = await asyncio.create_subprocess_exec(
                program, *arguments, stderr=asyncio.subprocess.PIPE
            )
            _, said = await process.communicate()
            if process.returncode or not path.exists():
                raise ScenarioError(f"{program} failed: {said.decode(errors='replace').strip()}")
            return await asyncio.to_thread(read_sound, path, rate_hz)

    return speak
