"""The reading end of the change log: one per process.

The broker is the bell, the log is the memory.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

from broadcaster import Broadcast
from sqlmodel import col, select

from models.changes import Change, Head
from models.database import Database
from realtime.relay import CHANNEL

PAGE = 500
TICK = 1.0

log = logging.getLogger("plenary.feed")


class Feed:
    """Reads numbered changes in order, woken by the bell and each second regardless."""

    def __init__(self, database: Database, broadcast: Broadcast, *, tick: float = TICK) -> None:
        self._database = database
        self._broadcast = broadcast
        self._tick = tick
        self._rung = asyncio.Event()
        self.hears = False  # the bell, at present

    async def head(self) -> Head:
        """How far the log goes, where it begins and which log it is."""
        async with self._database.read() as session:
            return (await session.scalars(select(Head))).one()

    async def read(self, after: int, until: int | None = None) -> AsyncIterator[Sequence[Change]]:
        """Pages of changes with `after < position <= until`, in order."""
        while True:
            async with self._database.read() as session:
                position = col(Change.position)
                page = select(Change).where(position > after).order_by(position).limit(PAGE)
                if until is not None:
                    page = page.where(position <= until)
                changes = (await session.scalars(page)).all()
            if not changes:
                return
            yield changes
            after = changes[-1].position or after

    async def run(self, after: int, handle: Callable[[Change], Awaitable[None]]) -> None:
        """Hand over every change past `after`, one at a time, for ever."""
        listener = asyncio.create_task(self._listen())
        try:
            while True:
                self._rung.clear()
                try:
                    async for changes in self.read(after):
                        for change in changes:
                            await handle(change)
                            after = change.position or after
                except Exception:
                    log.exception("could not read the change log; trying again")
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._tick):
                        await self._rung.wait()
        finally:
            listener.cancel()

    async def _listen(self) -> None:
        """Keep one subscription to the bell alive."""
        while True:
            try:
                async with self._broadcast.subscribe(CHANNEL) as subscriber:
                    self.hears = True
                    while True:
                        await subscriber.get()
                        self._rung.set()
            except Exception:
                log.exception("the broker's bell cannot be heard; listening again")
            self.hears = False
            await asyncio.sleep(self._tick)
