"""Lives: they end with the block, and one that ends before is missed."""

import asyncio
import logging
from contextlib import suppress

import pytest

from realtime.lives import living


async def for_ever() -> None:
    await asyncio.Event().wait()


async def broken() -> None:
    raise RuntimeError("broken")


async def test_they_end_with_the_block_and_nobody_misses_them(caplog: pytest.LogCaptureFixture) -> None:
    missed: list[bool] = []
    before = asyncio.all_tasks()
    async with living(for_ever(), for_ever(), missed=lambda: missed.append(True)):
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks() - before) == 2
    assert (asyncio.all_tasks() - before, missed, caplog.messages) == (set(), [], [])


@pytest.mark.parametrize("life", [broken, lambda: asyncio.sleep(0)], ids=["broken", "over"])
async def test_one_that_ends_by_itself_is_missed_and_told_of(life, caplog: pytest.LogCaptureFixture) -> None:
    missed = asyncio.Event()
    async with living(for_ever(), life(), missed=missed.set):
        await asyncio.wait_for(missed.wait(), 5)
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (logging.CRITICAL, "a part of the process has died")
    ]


async def test_a_life_that_loses_its_cancellation_is_told_again():
    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    async with asyncio.timeout(10):
        async with living(stubborn(), missed=lambda: None):
            await asyncio.sleep(0)
