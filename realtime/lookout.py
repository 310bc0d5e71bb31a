"""The lookout: whether the database answers, and how far the change log is, in one cheap statement."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, column, func, select, table, true
from sqlmodel import col

from models.changes import Change, Head
from models.database import UNREACHABLE, Database

FRESH = 1.0  # seconds for which one look serves all who ask
DEADLINE = 2.0
MOST = 10_000  # changes that are counted: however many wait, looking stays cheap

log = logging.getLogger("plenary.lookout")


@dataclass(frozen=True)
class Sight:
    """`revision` is the migrations'. `waiting` changes have no number yet; the oldest of them was made at `oldest`."""

    revision: str
    position: int
    waiting: int
    oldest: datetime | None


class Lookout:
    """Has a connection of its own, so that it sees also when all the others are in use."""

    def __init__(self, url: Any) -> None:
        self._database = Database(url, readers=1, writers=1)
        self._looking: asyncio.Task[Sight | None] | None = None
        self._fresh_until = 0.0

    async def look(self) -> Sight | None:
        """What there is, at most a second old. None where the database does not tell in time."""
        if self._looking is None or (self._looking.done() and _now() >= self._fresh_until):
            self._looking = asyncio.create_task(self._look())
        looking = self._looking
        await asyncio.wait({looking}, timeout=DEADLINE)
        return looking.result() if looking.done() else None

    async def _look(self) -> Sight | None:
        try:
            async with asyncio.timeout(DEADLINE), self._database.read() as session:
                return Sight(*(await session.execute(STATEMENT)).one())
        except (TimeoutError, *UNREACHABLE) as error:
            log.warning("the database does not answer: %s", type(error).__name__)
        except Exception:
            log.exception("the database answers, and not what it should")
        finally:
            self._fresh_until = _now() + FRESH
        return None

    async def close(self) -> None:
        if self._looking:
            self._looking.cancel()
            await asyncio.wait({self._looking})
        await self._database.close()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _statement() -> Select[Any]:
    unnumbered = select(col(Change.at)).where(col(Change.position).is_(None)).limit(MOST).subquery()
    tail = select(func.count().label("waiting"), func.min(unnumbered.c.at).label("oldest")).subquery()
    revision = select(column("version_num")).select_from(table("alembic_version")).scalar_subquery()
    return select(revision, col(Head.position), tail.c.waiting, tail.c.oldest).join_from(Head, tail, true())


STATEMENT = _statement()
