"""The relay: gives what has been committed its number, in one gap-free order, and rings the bell.

On SQLite one transaction writes at a time, so that it can number what it has written itself: no other commits first.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import BigInteger, Executable, bindparam, func, literal, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import class_mapper
from sqlmodel import col, select

from models.changes import Change, Head
from models.database import CHANGES, Database
from realtime.bell import Bell

BATCH = 500
TICK = 1.0
HELD = 800  # milliseconds that PostgreSQL lets the lock to a relay that says nothing: it has stopped, or is cut off

log = logging.getLogger("plenary.relay")


class Relay:
    """Numbers changes. Every process may run one: the head row lets one number at a time."""

    def __init__(self, database: Database, bell: Bell, *, tick: float = TICK) -> None:
        self._database = database
        self._bell = bell
        self._tick = tick
        self._nudged = asyncio.Event()
        self.numbered: Callable[[Sequence[Change]], None] = lambda _: None  # told of each batch once it is committed

    def nudge(self) -> None:
        self._nudged.set()

    def committed(self, changes: Sequence[Change] | None) -> None:
        """A transaction has ended well, and has numbered these. If it does not say, some may wait."""
        if changes is None:
            self.nudge()
        elif changes:
            self._tell(changes)

    async def run(self) -> None:
        """Number for ever: after each nudge, and each second whether nudged or not."""
        while True:
            await self.begin()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._tick):
                    await self._nudged.wait()

    async def begin(self) -> None:
        """Number what there is; what fails now is done at the next tick."""
        try:
            if self._nudged.is_set() or await self._is_waiting():
                self._nudged.clear()
                await self.drain()
        except Exception:
            log.exception("could not number changes; trying again")

    async def drain(self) -> None:
        """Number all that is committed and tell everybody how far the log goes."""
        while changes := await self._number():
            self._tell(changes)
            if len(changes) < BATCH:
                return

    def _tell(self, changes: Sequence[Change]) -> None:
        self.numbered(changes)
        self._bell.ring(changes[-1].position or 0)

    async def _number(self) -> Sequence[Change]:
        """Number one batch. None when nothing waits, or another relay is at it."""
        async with self._database.write(tells=False) as session:
            head: Head | None = await session.scalar(TAKEN[self._database.dialect])
            if head is None:
                return ()
            numbered = await session.scalars(NUMBER, {"position": head.position})
            changes = sorted(numbered, key=lambda change: change.position or 0)
            await session.execute(MOVE, {"by": len(changes)})
            return changes

    async def _is_waiting(self) -> bool:
        async with self._database.read() as session:
            return await session.scalar(WAITING) is not None


async def number(session: AsyncSession, announced: Sequence[dict[str, Any]]) -> None:
    """Number what a transaction that is alone is about to write, and have that told once it is committed."""
    last = await session.scalar(MOVED, {"by": len(announced)})
    for position, change in enumerate(announced, 1 + (last or 0) - len(announced)):
        change["position"] = position
    session.info[CHANGES] = [Change(**change) for change in announced]


def _taking(*bound: Any) -> Executable:
    """The head row, unless another relay has it. A bound comes with it: it costs no round trip."""
    return select(Head).with_for_update(skip_locked=True).add_columns(*bound)


def _numbering() -> Executable:
    """Of what has no number, the first batch gets those behind `position`, in the order in which it was written."""
    seq, position = col(Change.seq), col(Change.position)
    rank = func.row_number().over(order_by=seq).label("rank")
    first = select(seq.label("seq"), rank).where(position.is_(None)).order_by(seq).limit(BATCH).subquery()
    number = bindparam("position", type_=BigInteger()) + first.c.rank
    numbered = update(Change).where(seq == first.c.seq).values(position=number).returning(Change)
    return numbered.execution_options(synchronize_session=False, populate_existing=True)


_HELD = func.set_config("idle_in_transaction_session_timeout", str(HELD), literal(True))
TAKEN = {"sqlite": _taking(), "postgresql": _taking(_HELD)}
NUMBER = _numbering()
_HEAD: Any = class_mapper(Head).local_table  # past the unit of work, as this is done at every turn
MOVE = update(_HEAD).values(position=_HEAD.c.position + bindparam("by", type_=BigInteger()))
MOVED = MOVE.returning(_HEAD.c.position)
WAITING = select(Change.seq).where(col(Change.position).is_(None)).limit(1)
