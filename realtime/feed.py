"""The reading end of the change log: one per process.

The broker is the bell, the log is the memory.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import Context
from itertools import islice

from sqlalchemy import Executable, true
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from models.changes import Change, Head
from models.database import Database
from realtime.bell import Bell

PAGE = 500
NEAR = 1_000  # changes
TICK = 1.0
MOMENT = 0.2  # seconds

Handle = Callable[[Change], Awaitable[None]]
Skip = Callable[[int], Awaitable[None]]

log = logging.getLogger("plenary.feed")


class Trimmed(Exception):
    """What was to be read is no longer in the log, which begins behind `until`."""

    def __init__(self, until: int) -> None:
        super().__init__()
        self.until = until


class Feed:
    """Reads numbered changes in order, woken by the bell and each second regardless."""

    def __init__(self, database: Database, bell: Bell, *, tick: float = TICK) -> None:
        self._database = database
        self._bell = bell
        self._tick = tick
        self._after = 0
        self._head: tuple[float, asyncio.Task[Head]] | None = None
        # The newest changes, without a gap: whoever is behind by seconds needs no statement for them.
        self._near: deque[Change] = deque(maxlen=NEAR)

    async def head(self) -> Head:
        """How far the log goes, where it begins and which log it is."""
        async with self._database.read() as session:
            return (await session.scalars(select(Head))).one()

    async def recent_head(self) -> Head:
        """As it was within the last moment: when all come back at once, they need not all ask for it.

        Whoever is let in by it behind what has been trimmed since learns so from what they read.
        """
        now = asyncio.get_running_loop().time()
        if self._head is None or now - self._head[0] > MOMENT or (self._head[1].done() and _has_failed(self._head[1])):
            self._head = now, asyncio.create_task(self.head(), context=Context())
        return await asyncio.shield(self._head[1])

    async def read(self, after: int, until: int | None = None) -> AsyncIterator[Sequence[Change]]:
        """Pages of changes with `after < position <= until`, in order. Raises Trimmed rather than leave any out."""
        while until is None or after < until:
            changes = self._remembered(after, until) or await self._read(after, until)
            if not changes:
                return
            yield changes
            after = changes[-1].position or after

    def remember(self, changes: Sequence[Change]) -> None:
        """What has been numbered, in order. It need not be read from the log any more."""
        if self._near and changes[0].position != self._newest + 1:
            self._near.clear()
        self._near.extend(changes)

    @property
    def _newest(self) -> int:
        return (self._near[-1].position or 0) if self._near else 0

    def _remembered(self, after: int, until: int | None) -> Sequence[Change]:
        """What is remembered of `after < position <= until`, if that is how it begins."""
        if not self._near or not (self._near[0].position or 0) <= after + 1 <= self._newest:
            return ()
        skipped = after + 1 - (self._near[0].position or 0)
        left_out = max(self._newest - until, 0) if until is not None else 0
        return list(islice(self._near, skipped, len(self._near) - left_out))

    async def _read(self, after: int, until: int | None) -> Sequence[Change]:
        async with self._database.read() as session:
            rows = (await session.execute(_page(after, until))).all()
        if any(trimmed > after for trimmed, _ in rows):
            raise Trimmed(rows[0][0])
        return [change for _, change in rows if change is not None]

    async def run(self, after: int, handle: Handle, skip: Skip) -> None:
        """Hand over every change past `after`, one at a time, for ever.

        If some were trimmed before they were read here, `skip` is told up to where.
        """
        self._after = after
        with self._bell.listen() as rung:
            while True:
                rung.clear()
                try:
                    await self._hand_over(handle, skip)
                except Exception:
                    log.exception("could not read the change log; trying again")
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._tick):
                        await rung.wait()

    async def _hand_over(self, handle: Handle, skip: Skip) -> None:
        try:
            # Nobody has numbered more: what is remembered is all there is.
            until = self._newest if self._newest > self._after and self._newest >= self._bell.rung else None
            async for changes in self.read(self._after, until):
                for change in changes:
                    await handle(change)
                    self._after = change.position or self._after
        except Trimmed as trimmed:
            log.warning("the change log was trimmed up to %s, and read up to %s", trimmed.until, self._after)
            await skip(trimmed.until)
            self._after = trimmed.until


def _has_failed(task: asyncio.Task[Head]) -> bool:
    return task.cancelled() or task.exception() is not None


def _page(after: int, until: int | None) -> Executable:
    """Changes and, in the same statement, from where on there are any: also if there are none."""
    position = col(Change.position)
    kept = select(Change).where(position > after).order_by(position).limit(PAGE)
    page = (kept if until is None else kept.where(position <= until)).subquery()
    marked = select(col(Head.trimmed), aliased(Change, page)).select_from(Head).outerjoin(page, true())
    # Named by its key, or PostgreSQL takes the head for a thousand rows and compiles the statement for them: 23 ms.
    return marked.where(col(Head.id) == 1).order_by(page.c.position)
