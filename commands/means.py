"""What operations need, without a server around it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from resolvers.clock import Clock, SystemClock
from resolvers.context import Means
from server import Service, Settings


@asynccontextmanager
async def lent(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Means]:
    service = Service(settings, clock or SystemClock())
    try:
        yield service.means
    finally:
        await service.database.close()
