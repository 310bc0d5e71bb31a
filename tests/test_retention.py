"""Retention: the log forgets what is old or too much, and nobody is stranded by that without being told."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlmodel import select

from models import Change, Database, Head, Kind
from realtime.feed import Feed, Trimmed
from realtime.operation import Mark, Outcome
from realtime.retention import Retention
from tests import documents as do
from tests.client import until
from tests.conftest import ManualClock, make_service
from tests.house import HERE, THERE, House
from tests.replica import KINDS
from tests.test_relay import Ear, log
from tests.world import World, gid

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    house = House(database)
    async with house.bell:
        await house.delivery.start()
        yield house
        await house.leave()


def keeping(database: Database, *, hours: float = 0, most: int = 0) -> Retention:
    return Retention(database, lambda: NOON, age=hours * HOUR, most=most)


async def fill(house: House, *ages: float, numbered: bool = True) -> None:
    """Changes of so many hours ago, in this order."""
    async with house.database.write() as session:
        for age in ages:
            session.add(Change(kind=Kind.ROW, topics=[HERE], noun="Question", row_id=uuid4(), at=NOON - age * HOUR))
            await session.flush()
    if numbered:
        await house.relay.drain()


async def trim(retention: Retention) -> list[int]:
    """How many changes each batch took."""
    taken = []
    while count := await retention.trim():
        taken.append(count)
    return taken


async def kept(database: Database) -> tuple[int, list[int | None]]:
    """From where on there is anything, and what there is."""
    async with database.read() as session:
        head = (await session.scalars(select(Head))).one()
    return head.trimmed, sorted((one.position for one in await log(database)), key=lambda position: position or 99)


async def test_what_is_too_old_is_trimmed_up_to_the_first_that_is_not(house: House) -> None:
    await fill(house, 5, 4, 1, 4, 0)
    assert await trim(keeping(house.database, hours=3)) == [2]
    assert await kept(house.database) == (2, [3, 4, 5])


async def test_what_is_too_much_is_trimmed_however_young(house: House) -> None:
    await fill(house, 5, 0, 0, 0, 0)
    assert await trim(keeping(house.database, hours=6, most=2)) == [3]
    assert await kept(house.database) == (3, [4, 5])


async def test_many_are_trimmed_a_little_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.retention.BATCH", 3)
    await fill(house, *[5] * 8, 0)
    assert await trim(keeping(house.database, hours=3)) == [3, 3, 2]
    assert await kept(house.database) == (8, [9])


async def test_what_has_no_number_is_never_trimmed(house: House) -> None:
    await fill(house, 5, 5)
    await fill(house, 5, 5, numbered=False)
    assert await trim(keeping(house.database, hours=3, most=1)) == [2]
    assert await kept(house.database) == (2, [None, None])
    await house.relay.drain()
    assert await kept(house.database) == (2, [3, 4])


async def test_without_bounds_everything_is_kept(house: House) -> None:
    await fill(house, 5, 5)
    assert await trim(keeping(house.database)) == []
    async with asyncio.timeout(1):
        await keeping(house.database).run()


async def test_two_that_trim_at_once_trim_once_and_the_relay_goes_on(house: House) -> None:
    await fill(house, *[5] * 6)
    taken = await asyncio.gather(*(trim(keeping(house.database, hours=3)) for _ in range(3)))
    assert sorted(taken) == [[], [], [6]]
    await fill(house, 0)
    assert await kept(house.database) == (6, [7])


async def test_nothing_is_read_over_a_gap(house: House) -> None:
    await fill(house, 5, 5, 5, 0)
    await trim(keeping(house.database, hours=3))
    feed = Feed(house.database, house.bell)
    for after, last in ((0, None), (2, None), (0, 2), (2, 4)):
        with pytest.raises(Trimmed) as trimmed:
            [_ async for _ in feed.read(after, last)]
        assert trimmed.value.until == 3
    assert [[one.position for one in page] async for page in feed.read(3)] == [[4]]
    assert [page async for page in feed.read(4)] == []


async def test_even_an_empty_log_tells_that_something_was_in_it(house: House) -> None:
    await fill(house, 5, 5)
    await trim(keeping(house.database, hours=3))
    assert (await log(house.database)) == []
    with pytest.raises(Trimmed):
        [_ async for _ in Feed(house.database, house.bell).read(1)]


async def test_what_is_trimmed_between_two_pages_is_missed_aloud(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.feed.PAGE", 2)
    await fill(house, *[5] * 6)
    pages = Feed(house.database, house.bell).read(0)
    assert [one.position for one in await anext(pages)] == [1, 2]
    await trim(keeping(house.database, most=1))
    with pytest.raises(Trimmed):
        await anext(pages)


async def test_an_operation_that_catches_up_while_the_log_is_trimmed_looks_anew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cursor was good when it came; what it has yet to read is gone before it is read."""
    monkeypatch.setattr("realtime.feed.PAGE", 1)
    await house.tell(*[Kind.ROW] * 5)
    house.gate.clear()
    listener = house.follow(after=Mark(1, 1))
    await until(lambda: bool(house.asked))
    await trim(keeping(house.database, most=1))
    house.gate.set()
    assert (await listener.told()).mark.position == 2
    told = await listener.told()
    assert (told.outcome, told.reason) == (Outcome.RESYNC, "CURSOR_STALE")
    assert await listener.next() is None


async def test_a_process_that_slept_too_long_tells_everybody_to_look_anew_and_goes_on(house: House) -> None:
    live = await house.follow().joined()
    await fill(house, 5, 5, 5, 0)
    await trim(keeping(house.database, hours=3))
    with house.delivery.listen({THERE}) as bell:
        task = asyncio.create_task(
            Feed(house.database, house.bell, tick=0.02).run(0, house.delivery.dispatch, house.delivery.skip)
        )
        told = await live.told()
        assert (told.outcome, told.reason, await live.next()) == (Outcome.RESYNC, "CURSOR_STALE", None)
        await until(lambda: house.delivery.settled == 4)
        assert bell.is_set(), "whoever waits for a sign must look, too"
    late = await house.follow().joined()
    (change,) = await house.write(Kind.ROW)
    assert (await late.told()).refs[0].row_id == change.row_id
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_of_those_who_catch_up_together_only_who_would_miss_something_looks_anew(house: House) -> None:
    """Who has come further, with another process, goes on from there."""
    await house.tell(*[Kind.ROW] * 5)
    await trim(keeping(house.database, most=2))
    behind, further = house.follow(after=Mark(1, 1)), house.follow(after=Mark(3, 3))
    told = await behind.told()
    assert (told.outcome, told.reason, await behind.next()) == (Outcome.RESYNC, "CURSOR_STALE", None)
    assert [(await further.told()).mark.position for _ in range(2)] == [4, 5]
    assert (await further.joined()).operation.mark == Mark(5, 5)


async def test_what_is_remembered_of_rights_does_not_outlive_what_was_missed(
    database_url: str, clock: ManualClock
) -> None:
    """Among what was trimmed unheard there may have been the loss of a right."""
    service = make_service(database_url, clock)
    async with service.database.write() as session:
        head = (await session.scalars(select(Head))).one()
        head.trimmed = head.position = 7
    live = service.live
    assert (await live.is_behind(6), await live.is_behind(7)) == (True, False)
    heard = live._standings._heard
    await live.delivery.skip(7)
    assert (live._standings._heard, live.delivery.position) == (heard + 1, 7), "all is forgotten"
    await service.database.close()


async def test_a_reader_that_keeps_up_notices_nothing(house: House) -> None:
    async with Ear(house.database, house.bell, tick=0.02) as ear:
        for count in range(1, 6):
            await fill(house, 5)
            await ear.until(count)
            await trim(keeping(house.database, hours=3))
        assert ([position for position, _ in ear.heard], ear.skipped) == ([1, 2, 3, 4, 5], [])


async def test_a_service_trims_by_its_settings_and_a_cursor_from_before_begins_anew(
    database_url: str, clock: ManualClock
) -> None:
    service = make_service(database_url, clock, {"log_retention_hours": 24})
    async with service.running():
        world = await World.make(service)
        ann = await world.person("Ann")
        community = await world.community(owner=ann)
        kind = KINDS["communityActivity"]
        (old,) = (await ann.client.ask(do.snapshot(kind), id=gid(community))).values()
        await ann.client.do(do.CREATE_TOPIC, communityId=gid(community), input={"title": "Long ago"})
        await service.relay.drain()
        clock.advance(hours=25)
        trimming = asyncio.create_task(service.retention.run(every=0.01))
        async with asyncio.timeout(5):
            while await log(service.database):  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.01)
        feed = await ann.client.follow(kind.subscription, id=gid(community), after=old["cursor"])
        await feed.done()
        assert [(event["__typename"], event["reason"]) for event in feed.events] == [("ResyncRequired", "CURSOR_STALE")]
        (new,) = (await ann.client.ask(do.snapshot(kind), id=gid(community))).values()
        feed = await ann.client.follow(kind.subscription, id=gid(community), after=new["cursor"])
        await ann.client.do(do.CREATE_TOPIC, communityId=gid(community), input={"title": "Now"})
        (event,) = await feed.take()
        assert event["node"]["title"] == "Now"
        await feed.stop()
        trimming.cancel()
        await asyncio.gather(trimming, return_exceptions=True)
