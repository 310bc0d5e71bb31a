"""Lives: what goes on for as long as the process does, and is missed when it ends before."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

AGAIN = 0.5  # seconds after which a life that has not ended is told again

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
        while going := [task for task in tasks if not task.done()]:
            for task in going:
                task.cancel()
            # Until Python 3.12 `asyncio.wait_for`, which libraries use, loses what comes in the moment of its result.
            await asyncio.wait(going, timeout=AGAIN)
