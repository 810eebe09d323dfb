"""What leaves for the service, and when: events, and requests for responses one at a time.

A service has at most one response at a time: a ``response.create`` that comes too early is
refused (``conversation_already_has_active_response``), so it waits here for ``response.done``.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from voicelive_agent.client.core.protocol import Event

ALREADY_ACTIVE = "conversation_already_has_active_response"
ASK_PREFIX = "ask_"
REMEMBERED = 256
"""So many responses are known by their ids; frames of older ones can't be on their way."""


class Link(Protocol):
    """An open connection."""

    def send(self, event: Event) -> None:
        """Queue an event; it leaves in order."""


class Outbox:
    """Events to the service, over any number of connections."""

    def __init__(self) -> None:
        self._link: Link | None = None
        self._has_session = False
        self._kept: list[Event] = []

    def attach(self, link: Link) -> None:
        """There is a connection, whose session is not configured yet."""
        self._link = link

    def open(self) -> None:
        """There is a session: what was kept leaves."""
        self._has_session = True
        kept, self._kept = self._kept, []
        for event in kept:
            self.send(event)

    def detach(self) -> None:
        """The connection is gone."""
        self._link = None
        self._has_session = False

    def send(self, event: Event) -> None:
        """Send what makes sense on this connection only; without one it is dropped."""
        if self._link is not None:
            self._link.send(event)

    def send_kept(self, event: Event) -> None:
        """Send it now, or when there is a session again."""
        if self._has_session:
            self.send(event)
        else:
            self._kept.append(event)


@dataclass(slots=True)
class Response:
    """One answer. ``cut``: it was interrupted, so nothing more of it is played or shown."""

    id: str
    done: bool = False
    cut: bool = False
    has_output: bool = False
    """Whether anything of it was said or shown."""


class Responses:
    """The responses of a session, in order."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Response] = OrderedDict()

    def meet(self, response_id: str) -> Response:
        """The response with this id; new if no event of it came before."""
        if response_id not in self._known:
            self._known[response_id] = Response(response_id)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[response_id]

    @property
    def active(self) -> list[Response]:
        return [response for response in self._known.values() if not response.done]

    @property
    def uncut(self) -> list[Response]:
        """Those that run and were not interrupted."""
        return [response for response in self.active if not response.cut]

    def cut(self) -> None:
        """Interrupt what runs or was generated; a response that begins later is untouched."""
        for response in self._known.values():
            response.cut = True

    def forget(self) -> None:
        """The connection is gone, and no response of it goes on."""
        for response in self._known.values():
            response.done = response.cut = True


class Requests:
    """``response.create`` events, sent one at a time."""

    def __init__(self, responses: Responses, send: Callable[[dict[str, Any]], None]) -> None:
        self._responses = responses
        self._send = send
        self._waiting: deque[dict[str, Any]] = deque()
        self._asked: dict[str, Any] | None = None
        self._is_open = False
        self._blocked = False
        self._count = 0

    @property
    def pending(self) -> bool:
        """Whether an answer was asked for that has not begun."""
        return self._asked is not None or bool(self._waiting)

    def ask(self, response: dict[str, Any] | None = None) -> None:
        """Ask for a response as soon as none is active; asking twice for the same is once."""
        event = {"type": "response.create"} | ({"response": response} if response else {})
        if event not in self._waiting:
            self._waiting.append(event)
        self.proceed()

    def proceed(self) -> None:
        """Send the next request if it may be sent now."""
        # One that was cut is over for the service, also where it never says so.
        busy = self._blocked or self._asked or self._responses.uncut
        if busy or not self._is_open or not self._waiting:
            return
        self._asked = self._waiting.popleft()
        self._count += 1
        self._send({**self._asked, "event_id": f"{ASK_PREFIX}{self._count}"})

    def open(self) -> None:
        """There is a session: requests may be sent."""
        self._is_open = True
        self.proceed()

    def on_created(self) -> None:
        self._asked = None

    def on_done(self) -> None:
        self._blocked = False
        self.proceed()

    def on_error(self, code: str, event_id: str | None) -> bool:
        """Whether this error was about a request and is dealt with: it will be sent again."""
        # An error that names no event may well be about the request that waits for its answer.
        mine = event_id in (None, f"{ASK_PREFIX}{self._count}")
        if not mine or self._asked is None:
            return code == ALREADY_ACTIVE
        asked, self._asked = self._asked, None
        if code != ALREADY_ACTIVE:
            self.proceed()
            return False
        # The service began a response of its own; its end lets this one go.
        self._waiting.appendleft(asked)
        self._blocked = not self._responses.uncut
        return True

    def forget(self) -> None:
        """The connection is gone: what was asked on it is asked again on the next."""
        self._is_open = False
        if self._asked is not None:
            self._waiting.appendleft(self._asked)
            self._asked = None
        self._blocked = False
