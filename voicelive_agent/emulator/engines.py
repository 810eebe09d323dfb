"""The engines that all sessions share: speech to text, text to speech, agents and the model."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from voicelive_agent.emulator.agents import AgentBackend
from voicelive_agent.emulator.handshake import ConnectionRequest
from voicelive_agent.emulator.settings import ANY_AGENT, Settings
from voicelive_agent.emulator.stt import SpeechToText, SttError
from voicelive_agent.emulator.stt.recognition import Threads
from voicelive_agent.emulator.tts import TextToSpeech, TtsError
from voicelive_agent.emulator.vad import VoiceActivity
from voicelive_agent.emulator.vad.echo_cancellation import warm_up
from voicelive_agent.emulator.vad.smart_turn import SmartTurn
from voicelive_agent.wire.voice_live.shapes import ProtocolError


class EngineError(Exception):
    """An engine can't start; the message says what to do."""


class NoSuchAgent(ProtocolError):
    """The client asks for nobody, or for an agent without an address."""


@dataclass(frozen=True, slots=True)
class Engines:
    """Started engines. ``agents`` are by the name that clients call them by."""

    stt: SpeechToText
    tts: TextToSpeech
    agents: Mapping[str, AgentBackend]
    model: AgentBackend
    open_voice_activity: Callable[[], VoiceActivity]
    end_of_turn: SmartTurn | None = None
    """The model that is asked what a pause means, beside the words."""
    phrases: tuple[str, ...] = ()
    threads: Threads = field(default_factory=lambda: Threads("audio"))
    """For what computes on a session's audio."""

    def find_backend(self, request: ConnectionRequest) -> AgentBackend:
        """Who answers a session. Raises NoSuchAgent."""
        if (
            request.agent_name is None
            and request.project_name is None
            and request.model is not None
        ):
            return self.model
        if request.agent_name is None or request.project_name is None:
            message = (
                "Missing required agent connection string or project name: connect with "
                "agent_name and project_name, or with model."
            )
            if request.agent_name is None and request.project_name is None:
                message += (
                    " If your code passes agent_config={…}, as documentation of older versions"
                    " does: azure-ai-voicelive ignores it from 1.2.0 on; pass agent_name=… and"
                    " project_name=… to connect() instead."
                )
            raise NoSuchAgent(message, code="missing_agent")
        backend = self.agents.get(request.agent_name) or self.agents.get(ANY_AGENT)
        if backend is None:
            raise NoSuchAgent(
                f"No agent '{request.agent_name}': the emulator knows "
                f"{', '.join(sorted(self.agents))}. Start it with --agent NAME=URL.",
                code="agent_not_found",
                param="agent-name",
            )
        return backend

    def describe(self) -> dict[str, str]:
        """What is running, for the page."""
        agents = ", ".join(
            f"{'any other name' if name == ANY_AGENT and len(self.agents) > 1 else name}: "
            f"{backend.name}"
            for name, backend in self.agents.items()
        )
        return {
            "STT": self.stt.name,
            "TTS": f"{self.tts.name}, {self.tts.sample_rate_hz} Hz",
            "Agents": agents,
            "Model": self.model.name,
        }

    async def stop(self) -> None:
        """Stop what was started, whatever of it fails."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.threads.stop)
            for backend in (self.model, *self.agents.values()):
                stack.push_async_callback(backend.stop)
            stack.push_async_callback(self.tts.stop)
            stack.push_async_callback(self.stt.stop)


@contextlib.asynccontextmanager
async def open_engines(settings: Settings) -> AsyncIterator[Engines]:
    """Engines as the settings name them, started and warm. Raises EngineError."""
    # Models load with it, and the loop may serve others already.
    engines = await asyncio.to_thread(_choose_engines, settings)
    starting = [
        asyncio.create_task(start)
        for start in (
            engines.stt.start(),
            engines.tts.start(),
            engines.model.start(),
            *(backend.start() for backend in engines.agents.values()),
            engines.threads.run(warm_up),
        )
    ]
    try:
        try:
            await asyncio.gather(*starting)
        except (SttError, TtsError) as error:
            raise EngineError(str(error)) from error
        yield engines
    finally:
        for task in starting:
            task.cancel()
        await asyncio.gather(*starting, return_exceptions=True)
        await engines.stop()


def _reveal(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _choose_engines(settings: Settings) -> Engines:
    from voicelive_agent.emulator.agents.opening import open_agent, open_model
    from voicelive_agent.emulator.stt.engines import open_stt
    from voicelive_agent.emulator.tts.engines import open_tts
    from voicelive_agent.emulator.vad.smart_turn import open_end_of_turn
    from voicelive_agent.emulator.vad.voice_activity import VoiceActivities

    limits = settings.answer_limits()
    model_key, agent_key = _reveal(settings.model_key), _reveal(settings.agent_api_key)
    try:
        return Engines(
            stt=open_stt(
                settings.stt,
                models_dir=settings.models_dir,
                key=_reveal(settings.stt_key),
                model=settings.stt_model,
            ),
            tts=open_tts(
                settings.tts,
                models_dir=settings.models_dir,
                key=_reveal(settings.tts_key),
                model=settings.tts_model,
            ),
            agents={
                address.name: open_agent(
                    address.url,
                    protocol=address.protocol,
                    name="" if address.name == ANY_AGENT else address.name,
                    key=agent_key,
                    limits=limits,
                    no_input_ms=settings.no_input_ms(),
                    greeting=settings.agent_greeting,
                )
                for address in settings.addresses()
            },
            model=open_model(
                str(settings.model_url) if settings.model_url else None,
                key=model_key,
                model=settings.model_name,
                script=settings.model_script,
                limits=limits,
            ),
            open_voice_activity=VoiceActivities(settings.models_dir).open,
            end_of_turn=open_end_of_turn(settings.end_of_turn, settings.models_dir),
            phrases=settings.read_phrases(),
        )
    except (SttError, TtsError, ValueError) as error:
        raise EngineError(str(error)) from error
