"""A broker in memory to which several processes connect, and which can be as bad as any."""

import asyncio
from collections.abc import Callable, Sequence

from broadcaster import BroadcastBackend, Event

Line = Callable[[Event], Sequence[Event]]


class Broker:
    """`is_up`, it takes connections; `carries` says what becomes of a message on its way to one listener."""

    def __init__(self) -> None:
        self.is_up = True
        self.carries: Line = lambda event: [event]
        self.lines: set[Backend] = set()
        self.taken: list[str] = []

    def __call__(self) -> BroadcastBackend:
        return Backend(self)

    @property
    def subscriptions(self) -> int:
        return sum(len(line.channels) for line in self.lines)

    @property
    def is_quiet(self) -> bool:
        """Everything that was brought has been taken."""
        return all(line._heard.empty() for line in self.lines)


class Backend(BroadcastBackend):
    """As broadcaster's: it neither connects again nor says that it has lost its connection."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._heard: asyncio.Queue[Event] = asyncio.Queue()
        self.channels: set[str] = set()

    async def connect(self) -> None:
        self._demand()
        self._broker.lines.add(self)

    async def disconnect(self) -> None:
        self._broker.lines.discard(self)

    async def subscribe(self, channel: str) -> None:
        self._demand()
        self.channels.add(channel)

    async def unsubscribe(self, channel: str) -> None:
        self._demand()
        self.channels.discard(channel)

    async def publish(self, channel: str, message: str) -> None:
        self._demand()
        self._broker.taken.append(message)
        for line in self._broker.lines:
            if channel in line.channels:
                for event in self._broker.carries(Event(channel, message)):
                    line._heard.put_nowait(event)

    async def next_published(self) -> Event:
        return await self._heard.get()

    def _demand(self) -> None:
        if not self._broker.is_up:
            raise ConnectionError("to redis://plenary:sesame@127.0.0.1")
