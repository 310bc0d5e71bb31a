"""Retention: how much of the change log is kept; what is older is trimmed, a little at a time."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from models.changes import Change, Head
from models.database import Database

BATCH = 1_000
EVERY = 60.0  # seconds
PAUSE = 0.05  # seconds between two batches, for whoever else wants to write

log = logging.getLogger("plenary.retention")


class Retention:
    """Every process may run one: it takes the relay's lock. `age` and `most` are what is kept; 0 of either, all.

    Only what has its number is trimmed, and how far is said in the same transaction: so a reader learns from one
    statement whether it has missed something.
    """

    def __init__(self, database: Database, now: Callable[[], datetime], *, age: timedelta, most: int) -> None:
        self._database = database
        self._now = now
        self._age = age
        self._most = most

    async def run(self, *, every: float = EVERY) -> None:
        while self._age or self._most:
            try:
                count = await self.trim()
            except Exception:
                log.exception("could not trim the change log; trying again")
                count = 0
            await asyncio.sleep(PAUSE if count else every)

    async def trim(self) -> int:
        """Trim one batch; how many changes that were. 0 if there is nothing to trim, or somebody else is at it."""
        if not await self._is_due():
            return 0
        async with self._database.write() as session:
            head = await session.scalar(select(Head).with_for_update(skip_locked=True))
            if head is None:
                return 0
            until = await self._until(session, head)
            count = max(until - head.trimmed, 0)
            if count:
                await session.execute(delete(Change).where(col(Change.position) <= until))
                head.trimmed = until
            return count

    async def _is_due(self) -> bool:
        """Asked without a lock: most of the time nothing is."""
        async with self._database.read() as session:
            head = (await session.scalars(select(Head))).one()
            return await self._until(session, head) > head.trimmed

    async def _until(self, session: AsyncSession, head: Head) -> int:
        """How far the next batch goes."""
        end = min(head.trimmed + BATCH, head.position)
        surplus = head.position - self._most if self._most else 0
        return min(end, max(surplus, await self._outdated(session, head.trimmed, end)))

    async def _outdated(self, session: AsyncSession, start: int, end: int) -> int:
        """Up to where all is too old. Times are not quite in the order of numbers: what is young keeps what follows."""
        if not self._age:
            return start
        position, is_young = col(Change.position), col(Change.at) > self._now() - self._age
        young = await session.scalar(select(func.min(position)).where(position > start, position <= end, is_young))
        return end if young is None else int(young) - 1
