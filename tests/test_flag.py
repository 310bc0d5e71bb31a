"""Flags and inboxes: as asyncio's events and queues are, for the few who wait at one."""

import asyncio

import pytest

from realtime.flag import Flag
from schema.inbox import Inbox


async def _waiting(flag: Flag, number: int) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(flag.wait()) for _ in range(number)]
    await asyncio.sleep(0)
    return tasks


async def test_all_who_wait_go_on_when_it_is_set_also_if_it_is_cleared_at_once():
    flag = Flag()
    tasks = await _waiting(flag, 3)
    flag.set()
    flag.clear()
    await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert not flag.is_set()


async def test_nobody_waits_where_it_is_set():
    await asyncio.wait_for(Flag(is_set=True).wait(), 5)


async def test_one_who_gives_up_does_not_take_the_others_along():
    flag = Flag()
    one, other = await _waiting(flag, 2)
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    assert not other.done()
    flag.set()
    await asyncio.wait_for(other, 5)


async def test_what_is_put_into_an_inbox_comes_out_in_order():
    inbox = Inbox()
    coming = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    for n in range(3):
        inbox.put_nowait(n)
    assert [await asyncio.wait_for(coming, 5), await inbox.get()] == [0, 1]
    assert not inbox.empty()
    assert await inbox.get() == 2
    assert inbox.empty()
