"""What leaves for the service: at once, or as soon as there is a session again."""

from typing import Protocol

from voicelive_agent.client.core.events import Event


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
