"""What operations need, without a server around it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from resolvers.clock import Clock, SystemClock
from resolvers.context import Means
from server import Service, Settings


@asynccontextmanager
async def lent(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Means]:
    """Nobody waits for a command, so its statements take their time."""
    service = Service(settings.model_copy(update={"statement_timeout": 0}), clock or SystemClock())
    try:
        yield service.means
    finally:
        await service.database.close()
