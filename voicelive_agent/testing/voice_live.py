"""``VoiceLive``: an agent server, an emulator and a caller for one conversation of a test."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from voicelive_agent.agent import Output, Turn
from voicelive_agent.client.check.voice import CallerVoice, open_voice
from voicelive_agent.emulator.engines import Engines, open_engines
from voicelive_agent.emulator.settings import load_settings
from voicelive_agent.frameworks.loading import LoadedAgent, adapt, load_agent
from voicelive_agent.testing.answer import AgentFailed, Answer, Latency, NoAnswer
from voicelive_agent.testing.caller import RATE_HZ, Caller, Event, HungUpError, open_call
from voicelive_agent.testing.exchange import Exchange
from voicelive_agent.testing.services import serve_agent, serve_emulator
from voicelive_agent.testing.typing_engines import open_typing_engines

_PAUSE_S = 0.3
"""What a person waits before they answer."""
_SPOKEN_SESSION = {
    "modalities": ["text", "audio"],
    "turn_detection": {
        "type": "server_vad",
        "silence_duration_ms": 500,
        "auto_truncate": True,
    },
}
_TYPED_SESSION = {"modalities": ["text"], "turn_detection": None}


class VoiceLive:
    """One conversation with an agent, as an asynchronous context manager.

    ``agent``: a function, an object, a class or another framework's agent, or its name
    (``module:attribute``). ``by``: ``voice`` speaks in real time, and takes seconds to start;
    ``text`` types, and is as fast as the agent. ``phrases``: what the recogniser should expect.
    ``session`` is put over the session's settings (``session.update``), ``settings`` over the
    agent server's, by the names of their fields.
    """

    def __init__(
        self,
        agent: Any,
        *,
        by: Literal["voice", "text"] = "voice",
        phrases: Sequence[str] = (),
        session: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        timeout_s: float = 30,
    ) -> None:
        self._agent = _Watched(load_agent(agent) if isinstance(agent, str) else adapt(agent))
        self._by = by
        self._session = {
            **(_SPOKEN_SESSION if by == "voice" else _TYPED_SESSION),
            **({"input_audio_transcription": _transcription(phrases)} if phrases else {}),
            **(session or {}),
        }
        self._settings = settings or {}
        self._timeout_s = timeout_s
        self._unfinished: Exchange | None = None

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            agent_url = await stack.enter_async_context(self._serve_agent())
            settings = load_settings(agents=[agent_url], log_level="warning")
            opened = open_engines if self._by == "voice" else open_typing_engines
            engines: Engines = await stack.enter_async_context(opened(settings))
            url = await stack.enter_async_context(serve_emulator(settings, engines))
            if self._by == "voice":
                self._speak: CallerVoice = await stack.enter_async_context(
                    open_voice(None, RATE_HZ)
                )
            self._http = await stack.enter_async_context(httpx.AsyncClient(base_url=url))
            self._caller: Caller = await stack.enter_async_context(
                open_call(url, speaks=self._by == "voice")
            )
            created = await self._wait("session.created")
            self._session_id = str(created["session"]["id"])
            await self._caller.send("session.update", session=self._session)
            await self._wait("session.updated")
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def greeting(self, *, listen_ms: float | None = None, fails: bool = False) -> Answer:
        """Let the agent speak first; otherwise as ``say``."""
        ask = functools.partial(self._caller.send, "response.create")
        return await self._exchange(ask, listen_ms=listen_ms, fails=fails)

    async def say(
        self, text: str, *, listen_ms: float | None = None, fails: bool = False
    ) -> Answer:
        """Say it, or type it in a session by text, and listen to the answer.

        ``listen_ms``: return after so much of the answer was played; what the caller says or does
        next interrupts it. ``fails``: the agent may fail: ``error`` of the answer has how.
        Raises AgentFailed where it fails otherwise, and NoAnswer where nothing comes.
        """
        if self._by == "text":
            return await self.type(text, listen_ms=listen_ms, fails=fails)
        pcm = await self._speak(text)
        return await self._exchange(
            lambda: self._caller.say(pcm), listen_ms=listen_ms, fails=fails, by_voice=True
        )

    async def type(
        self, text: str, *, listen_ms: float | None = None, fails: bool = False
    ) -> Answer:
        """Type it, in any session; otherwise as ``say``."""
        return await self._exchange(
            lambda: self._send_text(text), heard=text, listen_ms=listen_ms, fails=fails
        )

    async def click(
        self, action: Mapping[str, Any], *, listen_ms: float | None = None, fails: bool = False
    ) -> Answer:
        """Send the action of a button, which the agent gets as ``turn.action``; as ``say``."""
        response = {"invoke_input": dict(action)}
        send = functools.partial(self._caller.send, "response.create", response=response)
        return await self._exchange(send, listen_ms=listen_ms, fails=fails)

    async def _send_text(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self._caller.send("conversation.item.create", item=item)
        await self._caller.send("response.create")

    async def _exchange(
        self,
        act: Callable[[], Awaitable[None]],
        *,
        heard: str = "",
        listen_ms: float | None = None,
        fails: bool = False,
        by_voice: bool = False,
    ) -> Answer:
        """Act, and listen to what the agent answers."""
        before, self._unfinished = self._unfinished, None
        exchange = Exchange(self._caller, self._timeout_s, heard)
        try:
            await self._take_the_word(before, by_voice)
            self._agent.failure = None
            exchange.begin()
            await act()
            if by_voice:
                await exchange.hear_transcript()
            if before is not None:
                await before.settle()
                await self._measure(before)
            await exchange.listen(listen_ms)
        except (TimeoutError, HungUpError) as error:
            raise NoAnswer(exchange.explain()) from error
        await self._measure(exchange)
        if listen_ms is not None:
            self._unfinished = exchange
        answer = exchange.answer
        if answer.error is not None:
            answer.error = self._explain(answer.error)
            if not fails:
                raise answer.error
        return answer

    def _explain(self, error: AgentFailed) -> AgentFailed:
        if (failure := self._agent.failure) is None:
            return error
        explained = AgentFailed(error.code, f"{error} It raised {failure!r}.")
        explained.__cause__ = failure
        return explained

    async def _take_the_word(self, before: Exchange | None, by_voice: bool) -> None:
        """Wait until the answer before was played, or interrupt it; who speaks does so anyway."""
        if before is not None:
            before.end()
            if not by_voice:
                await before.interrupt()
        else:
            await self._caller.hear_out()
            if by_voice:
                await asyncio.sleep(_PAUSE_S)

    async def _measure(self, exchange: Exchange) -> None:
        report = (await self._http.get(f"/sessions/{self._session_id}")).json()
        for turn in report["turns"]:
            if turn["response_id"] == exchange.response_id:
                exchange.answer.latency = Latency(turn["marks_ms"])

    async def _wait(self, type: str) -> Event:
        async with asyncio.timeout(self._timeout_s):
            return (await self._caller.wait_for(lambda event: event["type"] == type)).event

    @contextlib.asynccontextmanager
    async def _serve_agent(self) -> AsyncIterator[str]:
        async with contextlib.AsyncExitStack() as stack:
            try:
                url = await stack.enter_async_context(serve_agent(self._agent, **self._settings))
            except RuntimeError:
                if (failure := self._agent.failure) is None:
                    raise
                raise AgentFailed("start", f"the agent does not start: {failure!r}") from failure
            yield url


def _transcription(phrases: Sequence[str]) -> dict[str, Any]:
    return {"model": "azure-speech", "phrase_list": list(phrases)}


class _Watched:
    """The agent, and what it raised last."""

    def __init__(self, agent: LoadedAgent) -> None:
        self._agent = agent
        self.failure: BaseException | None = None

    async def start(self) -> None:
        try:
            await self._agent.start()
        except Exception as error:
            self.failure = error
            raise

    async def stop(self) -> None:
        await self._agent.stop()

    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        outputs = self._agent.reply(turn)
        try:
            async for output in outputs:
                yield output
        except Exception as error:
            self.failure = error
            raise
        finally:
            if (close := getattr(outputs, "aclose", None)) is not None:
                await close()
