"""The relay: gives what has been committed its number, in one gap-free order, and rings the bell."""

import asyncio
import logging
from contextlib import suppress

from broadcaster import Broadcast
from sqlmodel import col, select

from models.changes import Change, Head
from models.database import Database

CHANNEL = "plenary.changes"
BATCH = 500
TICK = 1.0

log = logging.getLogger("plenary.relay")


class Relay:
    """Numbers changes. Every process may run one: the head row lets one number at a time."""

    def __init__(self, database: Database, broadcast: Broadcast, *, tick: float = TICK) -> None:
        self._database = database
        self._broadcast = broadcast
        self._tick = tick
        self._nudged = asyncio.Event()
        self.rings = True  # the broker took the bell, when it was last rung

    def nudge(self) -> None:
        self._nudged.set()

    async def run(self) -> None:
        """Number for ever: after each nudge, and each second whether nudged or not."""
        while True:
            self._nudged.clear()
            try:
                await self.drain()
            except Exception:
                log.exception("could not number changes; trying again")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._tick):
                    await self._nudged.wait()

    async def drain(self) -> None:
        """Number all that is committed and tell everybody how far the log goes."""
        while position := await self._number():
            await self._ring(position)

    async def _number(self) -> int | None:
        """Number one batch. None when nothing waits, or another relay is at it."""
        if not await self._is_waiting():
            return None
        async with self._database.write() as session:
            head = await session.scalar(select(Head).with_for_update(skip_locked=True))
            if head is None:
                return None
            unnumbered = select(Change).where(col(Change.position).is_(None)).order_by(col(Change.seq)).limit(BATCH)
            changes = (await session.scalars(unnumbered)).all()
            for number, change in enumerate(changes, head.position + 1):
                change.position = number
            head.position += len(changes)
            return head.position if changes else None

    async def _is_waiting(self) -> bool:
        async with self._database.read() as session:
            return await session.scalar(select(Change.seq).where(col(Change.position).is_(None)).limit(1)) is not None

    async def _ring(self, position: int) -> None:
        # A dead bell delays and never loses: every feed also looks at the log each second.
        try:
            await self._broadcast.publish(CHANNEL, str(position))
            self.rings = True
        except Exception:
            self.rings = False
            log.exception("the broker did not take the bell")
