"""Text to speech for the person's side of `check` and `say`: an engine of the emulator."""

import argparse
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from voicelive_agent.client.check.scenario import ScenarioError
from voicelive_agent.command_name import spell_commands

CallerVoice = Callable[[str], Awaitable[bytes]]
"""Text to PCM16 mono."""

_CALLER = {"name": "en-US-AndrewNeural"}
"""Who calls: a man, as agents answer as a woman by default."""
_ADVICE = spell_commands("pip install 'voicelive-agent[emulator]', or use `play:` with a WAV file")


def add_voice_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--caller-voice",
        metavar="ENGINE[:VOICE]",
        help="speaks for the person: an engine of the emulator, and one of its voices",
    )


@contextlib.asynccontextmanager
async def open_voice(name: str | None, rate_hz: int) -> AsyncIterator[CallerVoice]:
    """``name`` is ENGINE or ENGINE:VOICE, an engine of the emulator.

    Raises ScenarioError where it can't be had.
    """
    try:
        from voicelive_agent.emulator.tts import TtsError
        from voicelive_agent.emulator.tts.engines import open_tts
        from voicelive_agent.wire.audio.formats import AudioFormat
        from voicelive_agent.wire.audio.streams import Encoder
    except ImportError as error:
        raise ScenarioError(f"there is no voice for the person's side: {_ADVICE}") from error
    engine, _, voice = (name or "auto").partition(":")
    async with contextlib.AsyncExitStack() as stack:
        try:
            tts = open_tts(engine)
            await tts.start()
        except TtsError as error:
            raise ScenarioError(f"caller_voice: {error}") from error
        stack.push_async_callback(tts.stop)
        resolved, warning = tts.resolve_voice({"name": voice} if voice else _CALLER)
        if voice and warning:
            raise ScenarioError(f"caller_voice: {warning}")

        async def speak(text: str) -> bytes:
            encoder = Encoder(AudioFormat("pcm16", rate_hz), tts.sample_rate_hz)
            async with contextlib.aclosing(tts.speak(text, resolved)) as chunks:
                pieces = [encoder.encode(chunk.pcm) async for chunk in chunks]
            return b"".join([*pieces, encoder.finish()])

        yield speak
