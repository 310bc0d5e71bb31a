"""Proof that nothing happened: the whole database before and after."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import select

from models import metadata
from server import Service

# The relay numbers what is committed in its own time, and that is no doing of the operation under test.
NUMBERING = {("change", "position"), ("head", "position"), ("head", "trimmed")}


async def everything(service: Service) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in one order."""
    found = {}
    async with service.database.read() as session:
        for table in metadata.sorted_tables:
            columns = [column for column in table.columns if (table.name, column.name) not in NUMBERING]
            rows = (await session.execute(select(*columns))).all()
            found[table.name] = sorted((tuple(row) for row in rows), key=repr)
    return found


@asynccontextmanager
async def nothing_happens(service: Service) -> AsyncIterator[None]:
    """No row came, changed or went, and nothing was announced."""
    before = await everything(service)
    yield
    assert await everything(service) == before
