"""A relay that dies, stops or is cut off at its worst moment: another numbers within two seconds, without a gap."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from models import Database
from realtime.bell import Bell
from realtime.relay import Relay
from tests.brokers import Broker
from tests.client import DEADLINE
from tests.test_relay import Ear, head, log, run, write

ROOT = Path(__file__).parent.parent
TAKEN_OVER = 2.0  # seconds


@asynccontextmanager
async def standing_still(url: str, moment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.relay_process", url, moment), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        async with asyncio.timeout(DEADLINE):
            assert await process.stdout.readline() == b"here\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def heard_in_time(database: Database, count: int) -> None:
    """With the ticks of a service, and a bell that brings nothing."""
    bell, since = Bell(Broker()), time.monotonic()

    async def heard() -> None:
        async with Ear(database, bell) as ear:
            told = await ear.until(count)
            assert time.monotonic() - since < TAKEN_OVER
            assert [position for position, _ in told] == list(range(1, count + 1))

    await run([Relay(database, bell)], heard())
    numbered = [(one.position, one.row_id) for one in await log(database)]
    assert [position for position, _ in numbered] == list(range(1, count + 1))
    assert (len(set(numbered)), await head(database)) == (count, count)


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "numbered"), [("numbering", 0), ("ringing", 5)])
async def test_a_relay_that_is_killed_is_followed_by_another(
    database: Database, database_url: str, moment: str, numbered: int
) -> None:
    await write(database, *[uuid4() for _ in range(5)])
    async with standing_still(database_url, moment) as process:
        assert await head(database) == numbered
        process.kill()
        await heard_in_time(database, 5)


@pytest.mark.slow
@pytest.mark.postgres
async def test_a_relay_that_says_nothing_any_more_loses_its_lock(database: Database, database_url: str) -> None:
    """It has stopped, or its machine has vanished: PostgreSQL waits for it no longer than a second."""
    if database.dialect == "sqlite":
        pytest.skip("whoever has stopped on the same machine has its file locks still")
    await write(database, *[uuid4() for _ in range(5)])
    async with standing_still(database_url, "numbering") as process:
        await heard_in_time(database, 5)
        assert process.returncode is None
