"""The bell: wakes every process when the log has grown, for as long as the broker is there.

A dead broker delays and never loses: every feed also looks at the log each second.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Self
from uuid import uuid4

from broadcaster import Broadcast, BroadcastBackend
from broadcaster._base import Subscriber

from realtime.backends import backend

CHANNEL = "plenary.changes"
TICK = 1.0  # seconds: whoever has heard nothing for so long rings, to hear itself
DEAF = 3  # ticks of silence after which a connection is given up
PATIENCE = 2.0  # seconds that the broker has for whatever is asked of it

log = logging.getLogger("plenary.bell")


class Deaf(Exception):
    """Not even what was rung here is heard."""


class Bell:
    """Keeps one subscription, on a new connection whenever the old one is of no use any more.

    broadcaster neither connects again nor tells that it has lost its connection. So nothing is believed but what is
    heard: a process that hears others hears, and one that hears nothing rings and must hear itself.
    """

    def __init__(self, backend: Callable[[], BroadcastBackend], *, tick: float = TICK) -> None:
        self._backend = backend
        self._tick = tick
        self._name = uuid4().hex
        self._ears: set[asyncio.Event] = set()
        self._position: int | None = None  # to be rung; of several the last will do
        self._is_asked = asyncio.Event()
        self._is_known = asyncio.Event()
        self._heard_at = 0.0
        self.rung = 0  # how far the log goes, for all that is known here
        self.is_up = False  # what is rung here is heard here

    # --- for those who ring and hear ---------------------------------------------------------------------------------

    def ring(self, position: int) -> None:
        """Tell every process how far the log goes. Never waits."""
        self._wake(position)
        self._position = position
        self._is_asked.set()

    @contextmanager
    def listen(self) -> Iterator[asyncio.Event]:
        """An event that is set whenever the bell rings."""
        ear = asyncio.Event()
        self._ears.add(ear)
        try:
            yield ear
        finally:
            self._ears.discard(ear)

    def _wake(self, position: int) -> None:
        self.rung = max(self.rung, position)
        for ear in self._ears:
            ear.set()

    # --- as long as the process lives --------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Starts also without the broker; first it is known whether it is there."""
        self._running = asyncio.create_task(self.run())
        await self._is_known.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        await asyncio.wait({self._running})

    async def probe(self) -> None:
        """Ring once and hear it, without having been started. Raises whatever the broker's client does."""
        async with self._subscribed() as (broadcast, subscriber), asyncio.timeout(PATIENCE):
            await self._publish(broadcast)
            await subscriber.get()

    async def run(self) -> None:
        while True:
            try:
                async with self._subscribed() as (broadcast, subscriber):
                    await self._attend(broadcast, subscriber)
            except Exception as error:  # noqa: BLE001 - each broker's client has errors of its own
                self._told(error)
            await asyncio.sleep(self._tick)

    @asynccontextmanager
    async def _subscribed(self) -> AsyncIterator[tuple[Broadcast, Subscriber]]:
        stack = AsyncExitStack()
        try:
            async with asyncio.timeout(PATIENCE):
                broadcast = await stack.enter_async_context(Broadcast(backend=self._backend()))
                subscriber = await stack.enter_async_context(broadcast.subscribe(CHANNEL))
            yield broadcast, subscriber
        finally:
            with suppress(Exception):  # what is broken may not even be put away
                async with asyncio.timeout(PATIENCE):
                    await stack.aclose()

    async def _attend(self, broadcast: Broadcast, subscriber: Subscriber) -> None:
        self._heard_at = _now()
        hearing = asyncio.create_task(self._hear(subscriber))
        try:
            while True:
                await self._publish(broadcast)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._tick):
                        await self._is_asked.wait()
                if _now() - self._heard_at > DEAF * self._tick:
                    raise Deaf
        finally:
            hearing.cancel()

    async def _publish(self, broadcast: Broadcast) -> None:
        """What was asked for; or, after a silence and at the beginning, only to be heard."""
        self._is_asked.clear()
        position, self._position = self._position, None
        if position is not None or not self.is_up or _now() - self._heard_at >= self._tick:
            async with asyncio.timeout(PATIENCE):
                await broadcast.publish(CHANNEL, f"{self._name} {'' if position is None else position}")

    async def _hear(self, subscriber: Subscriber) -> None:
        """Takes each message at once, so that none waits: broadcaster's queues have no bounds."""
        while True:
            sender, _, position = (await subscriber.get()).message.partition(" ")
            self._heard_at = _now()
            self._told(None)
            if position and sender != self._name:
                self._wake(int(position))

    def _told(self, error: Exception | None) -> None:
        """An outage is told once, when it begins and when it is over. Without the error's text: URLs hold passwords."""
        if error and (self.is_up or not self._is_known.is_set()):
            log.warning("the broker does not answer: %s", type(error).__name__)
        elif not error and not self.is_up and self._is_known.is_set():
            log.warning("the broker answers again")
        self.is_up = error is None
        self._is_known.set()


def bell(url: str) -> Bell:
    """A bell for the URL. ValueError for one that cannot carry it."""
    backend(url)
    return Bell(partial(backend, url))


def _now() -> float:
    return asyncio.get_running_loop().time()
