"""Lives: what goes on for as long as the process does, and is missed when it ends before."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

log = logging.getLogger("plenary.lives")


@asynccontextmanager
async def living(*lives: Coroutine[Any, Any, None], missed: Callable[[], None]) -> AsyncIterator[None]:
    """Each in a task of its own, for as long as the block lasts. `missed` is told when one ends by itself."""

    def complain(ended: asyncio.Task[None]) -> None:
        if not ended.cancelled():
            log.critical("a part of the process has died", exc_info=ended.exception())
            missed()

    tasks = [asyncio.create_task(life) for life in lives]
    for task in tasks:
        task.add_done_callback(complain)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
