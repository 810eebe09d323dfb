"""One connection to Voice Live, by the official SDK.

Frames are read by the SDK's ``recv_bytes`` and parsed here: its ``recv`` takes an empty frame for
the end, raises for a JSON array, and ends an ``async for`` without a word when the service is
gone. What leaves goes through one queue, so events keep their order and nobody but the
microphone ever waits for the network.
"""

import asyncio
import base64
import contextlib
import json
import ssl
import traceback
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from azure.ai.voicelive.aio import ConnectionClosed, ConnectionError, VoiceLiveConnection, connect
from azure.core.credentials import AzureKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError

from voicelive_agent.client.core.protocol import Event
from voicelive_agent.client.core.session import LOCAL_NAME
from voicelive_agent.client.core.unicode_text import WholeCharacters
from voicelive_agent.client.settings import Settings
from voicelive_agent.client.troubles import Trouble, explain
from voicelive_agent.command_name import spell_command
from voicelive_agent.wire.net import is_on_this_machine

CONNECT_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 2.0
PROBE_TIMEOUT_S = 1.0
MAX_FRAME_BYTES = 16 * 1024 * 1024
MAX_UNREADABLE = 20
"""So many frames in a row that are no events: whoever sends them is no Voice Live."""

# What the SDK says when the transport ended without a close frame (aiohttp's CLOSED).
_DROPPED = "Connection closed"


class ConnectError(Exception):
    """There is no connection; ``trouble`` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.text)
        self.trouble = trouble


class Lost(Exception):
    """The connection is over without our doing; ``code`` is the service's close code, if any."""

    def __init__(self, code: int | None = None, *, unreadable: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.unreadable = unreadable


class Connection:
    """An open connection; ``receive`` until it raises Lost."""

    def __init__(self, raw: VoiceLiveConnection, on_sent: Callable[[Event], None]) -> None:
        self._raw = raw
        self._on_sent = on_sent
        self._queue: asyncio.Queue[tuple[Event, asyncio.Future[None] | None]] = asyncio.Queue()
        self._unreadable = 0
        self._closed = False
        self._characters = WholeCharacters()

    def send(self, event: Event) -> None:
        """Queue an event; it leaves in order."""
        if not self._closed:
            self._queue.put_nowait((event, None))

    async def send_audio(self, audio: bytes) -> None:
        """Append audio; waits until it has left. Raises Lost."""
        if self._closed:
            raise Lost
        left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        event = {
            "type": "input_audio_buffer.append",
            "audio": base64.b64encode(audio).decode("ascii"),
        }
        self._queue.put_nowait((event, left))
        await left

    async def run_sender(self) -> None:
        """Send what is queued, until cancelled or the connection is lost."""
        left: asyncio.Future[None] | None = None
        try:
            while True:
                event, left = await self._queue.get()
                self._on_sent(event)
                await self._raw.send(event)
                if left is not None and not left.done():
                    left.set_result(None)
        except (ConnectionError, OSError):
            # The reader learns the reason; here it is enough to stop.
            return
        finally:
            self._closed = True
            self._release(left)

    def _release(self, left: asyncio.Future[None] | None) -> None:
        waiting = [left]
        while not self._queue.empty():
            waiting.append(self._queue.get_nowait()[1])
        for future in waiting:
            if future is not None and not future.done():
                future.set_exception(Lost())

    async def receive(self) -> Event:
        """The next event. Raises Lost."""
        while True:
            try:
                frame = await self._raw.recv_bytes()
            except ConnectionClosed as closed:
                dropped = closed.reason == _DROPPED or closed.code == 1006
                raise Lost(None if dropped else closed.code) from None
            except (AzureError, OSError, RuntimeError, UnicodeError):
                raise Lost from None
            event = _read_event(frame)
            if event is not None:
                self._unreadable = 0
                # A service that never pauses must not keep everybody else from running.
                await asyncio.sleep(0)
                return self._characters.clean(event)
            self._unreadable += 1
            if self._unreadable >= MAX_UNREADABLE:
                raise Lost(unreadable=True)
            # Frames that are there already must not keep everybody else from running.
            await asyncio.sleep(0)


def _read_event(frame: bytes | str) -> Event | None:
    try:
        event = json.loads(frame)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("type"), str) else None


def warn_of_plain_text(settings: Settings, endpoint: str) -> str:
    """What to tell of a key or a sign-in that would leave this machine in plain text; else ""."""
    if urlsplit(endpoint).scheme not in ("http", "ws") or is_on_this_machine(endpoint):
        return ""
    what = "The key" if settings.api_key else "Your sign-in"
    return (
        f"{what} and all that is said go to {urlsplit(endpoint).hostname} unencrypted: use https://"
        " where it speaks TLS."
    )


@contextlib.asynccontextmanager
async def open_connection(
    settings: Settings,
    endpoint: str,
    *,
    conversation_id: str | None = None,
    on_sent: Callable[[Event], None] = lambda event: None,
) -> AsyncIterator[Connection]:
    """Connect and send until the block ends. Raises ConnectError."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                credential = await stack.enter_async_context(_open_credential(settings, endpoint))
                raw = await _connect(settings, endpoint, credential, conversation_id)
        except (AzureError, aiohttp.ClientError, OSError, ValueError) as error:
            raise ConnectError(explain(error, settings, endpoint)) from None
        stack.push_async_callback(_close, raw)
        connection = Connection(raw, on_sent)
        sender = asyncio.create_task(connection.run_sender(), name="sender")
        try:
            yield connection
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)


async def _close(raw: VoiceLiveConnection) -> None:
    """Say goodbye, and don't wait for long: of an endless answer, Ctrl-C hears no more.

    aiohttp's own limit begins anew with each frame that comes before the service's goodbye.
    """
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await raw.close()
    finally:
        # If that was cut short, its transport is gone, and the rest is closed at once.
        await raw.close()


async def _connect(
    settings: Settings,
    endpoint: str,
    credential: AzureKeyCredential | AsyncTokenCredential,
    conversation_id: str | None,
) -> VoiceLiveConnection:
    whom: dict[str, Any]
    if settings.model:
        whom = {"model": settings.model}
    else:
        whom = {
            "agent_name": settings.agent_name or LOCAL_NAME,
            "project_name": settings.project_name or LOCAL_NAME,
            "agent_version": settings.agent_version,
            "conversation_id": conversation_id or settings.conversation_id,
            "foundry_resource_override": settings.foundry_resource,
            "authentication_identity_client_id": settings.identity_client_id,
        }
    if settings.api_version:
        whom["api_version"] = settings.api_version
    manager = connect(
        credential=credential,
        endpoint=endpoint,
        connection_options={
            "max_msg_size": MAX_FRAME_BYTES,
            "close_timeout": CLOSE_TIMEOUT_S,
            "vendor_options": {"ssl": _trust(settings.ca_file)},
        },
        **whom,
    )
    try:
        return await manager.__aenter__()
    except asyncio.CancelledError as cancelled:
        await _close_session(cancelled)
        raise


async def _close_session(cancelled: asyncio.CancelledError) -> None:
    """Close the HTTP session that the SDK leaves open where it is cancelled while it connects.

    Nobody else knows that session, and aiohttp would tell the user of it.
    """
    for frame, _ in traceback.walk_tb(cancelled.__traceback__):
        session = frame.f_locals.get("session")
        if isinstance(session, aiohttp.ClientSession):
            await session.close()


def _trust(ca_file: Path | None) -> ssl.SSLContext | bool:
    """What aiohttp checks certificates by. Raises OSError where the file can't be used."""
    if ca_file is None:
        return True
    context = ssl.create_default_context()
    context.load_verify_locations(ca_file)
    return context


@contextlib.asynccontextmanager
async def _open_credential(
    settings: Settings, endpoint: str
) -> AsyncIterator[AzureKeyCredential | AsyncTokenCredential]:
    if settings.api_key:
        yield AzureKeyCredential(settings.api_key.get_secret_value())
    elif is_on_this_machine(endpoint):
        yield AzureKeyCredential("local")
    else:
        from azure.identity.aio import DefaultAzureCredential

        async with DefaultAzureCredential() as credential:
            yield credential


async def find_endpoint(settings: Settings) -> tuple[str, bool]:
    """Where to connect to, and whether that is an emulator that was found running.

    Raises ConnectError where nothing is configured and no emulator runs.
    """
    if settings.endpoint:
        return settings.endpoint, False
    if await _is_emulator(settings.emulator_url):
        return settings.emulator_url, True
    secure = settings.emulator_url.replace("http:", "https:", 1)
    if await _is_emulator(secure):
        if settings.ca_file is None:
            raise ConnectError(
                Trouble(
                    f"The emulator at {secure} speaks TLS with a certificate of its own: trust it "
                    "with --ca-file FILE (VOICELIVE_CA_FILE), as the lines under TLS at its start "
                    "say, or start it without --tls."
                )
            )
        return secure, True
    raise ConnectError(
        Trouble(
            "There is no endpoint, and no emulator runs here: start one with "
            f"`{spell_command('dev')}`, or give --endpoint "
            "https://<resource>.services.ai.azure.com with --agent-name and --project-name."
        )
    )


async def expect_listener(settings: Settings, endpoint: str) -> None:
    """Raises ConnectError where nothing listens at an endpoint of this machine.

    For who has something to make before it connects. Before other endpoints may be a proxy.
    """
    if not is_on_this_machine(endpoint):
        return
    url = urlsplit(endpoint)
    port = url.port or (443 if url.scheme in ("https", "wss") else 80)
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            _, writer = await asyncio.open_connection(url.hostname, port)
    except OSError as error:
        raise ConnectError(explain(error, settings, endpoint)) from None
    writer.close()


async def _is_emulator(url: str) -> bool:
    """Whether one answers there; a probe that holds nothing, so no certificate is checked."""
    timeout = aiohttp.ClientTimeout(total=PROBE_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{url}/voice-live/realtime", ssl=False) as reply,
        ):
            # It asks for an upgrade, or for the key that it was started with.
            return reply.status in (401, 426)
    except (aiohttp.ClientError, OSError):
        return False
