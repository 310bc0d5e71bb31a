"""Transactions put into one order: each waits for a row that the test holds, and is let go after the one before it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import select, text

from models import Row
from tests.world import World

WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")

Start = Callable[[Any], Any]


@asynccontextmanager
async def holding(world: World, table: type[Row], *where: Any) -> AsyncIterator[Start]:
    """Hold these rows; what is started within queues in that order, and is let go at the end."""
    started = []
    async with world.service.database.write() as holder:
        await holder.execute(select(table).where(*where).with_for_update())

        async def start(work: Any) -> Any:
            started.append(asyncio.create_task(work))
            await _queued(world, len(started))
            return started[-1]

        yield start


async def _queued(world: World, writers: int) -> None:
    """Wait until so many wait for a row. SQLite lets nobody begin while another writes: they queue in order."""
    async with asyncio.timeout(10):
        while True:
            await asyncio.sleep(0.01)
            if world.service.database.dialect == "sqlite":
                return
            async with world.service.database.read() as session:
                if (await session.scalar(WAITING) or 0) >= writers:
                    return
