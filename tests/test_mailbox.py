"""A mailbox: bounded, in order, and closed with what is left in it."""

import asyncio

import pytest

from realtime import mailbox
from realtime.mailbox import Mailbox


async def test_what_is_taken_is_drawn_in_order():
    box = Mailbox()
    assert [box.take(n) for n in range(3)] == [True] * 3
    assert [await box.next() for _ in range(3)] == [0, 1, 2]


async def test_whoever_draws_waits_for_what_comes():
    box = Mailbox()
    coming = asyncio.ensure_future(box.next())
    await asyncio.sleep(0)
    box.take("late")
    assert await asyncio.wait_for(coming, 5) == "late"


async def test_a_closed_mailbox_gives_what_it_has_and_then_nothing():
    box = Mailbox()
    box.take("last")
    box.close()
    assert [await box.next(), await box.next()] == ["last", None]


async def test_closing_wakes_whoever_waits():
    box = Mailbox()
    coming = asyncio.ensure_future(box.next())
    await asyncio.sleep(0)
    box.close()
    assert await asyncio.wait_for(coming, 5) is None


async def test_a_full_mailbox_takes_nothing_until_half_of_it_is_drawn(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mailbox, "BOUND", 4)
    box = Mailbox()
    assert [box.take(n) for n in range(5)] == [True] * 4 + [False]
    drained = asyncio.ensure_future(box.drained())
    for n in range(2):
        assert not drained.done()
        assert await box.next() == n
        await asyncio.sleep(0)
    await asyncio.wait_for(drained, 5)
    assert box.take("more")
