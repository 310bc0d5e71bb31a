"""The relay and the feed: every committed change gets one number, in one gap-free order, and reaches everybody."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select

from models import Change, Database, Head, Kind
from realtime.backends import backend
from realtime.bell import Bell
from realtime.feed import Feed
from realtime.relay import BATCH, Relay
from tests import documents as do
from tests.brokers import Broker
from tests.client import DEADLINE, until
from tests.conftest import ManualClock, make_service
from tests.replica import KINDS
from tests.traces import changes
from tests.world import World, gid

AT = datetime(2026, 3, 2, tzinfo=UTC)
SOON = 0.02


def change(row_id: UUID | None = None) -> Change:
    return Change(kind=Kind.ROW, topics=["t"], noun="Question", row_id=row_id or uuid4(), at=AT)


@pytest.fixture
async def bell() -> AsyncIterator[Bell]:
    async with Bell(partial(backend, "memory://")) as bell:
        yield bell


async def write(database: Database, *rows: UUID) -> None:
    async with database.write() as session:
        for row in rows or (uuid4(),):
            session.add(change(row))


async def log(database: Database) -> list[Change]:
    async with database.read() as session:
        return list(await session.scalars(select(Change).order_by(col(Change.position), col(Change.seq))))


async def head(database: Database) -> int:
    async with database.read() as session:
        return (await session.scalars(select(Head))).one().position


class Ear:
    """A process that reads the log."""

    def __init__(self, database: Database, bell: Bell, **options: Any) -> None:
        self.heard: list[tuple[int, UUID]] = []
        self.skipped: list[int] = []
        self.feed = Feed(database, bell, **options)

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self.feed.run(0, self._hear, self._skip))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        async with asyncio.timeout(DEADLINE):
            await asyncio.gather(self.task, return_exceptions=True)

    async def _hear(self, change: Change) -> None:
        self.heard.append((change.position or 0, change.row_id))

    async def _skip(self, until: int) -> None:
        self.skipped.append(until)

    async def until(self, count: int) -> list[tuple[int, UUID]]:
        await until(lambda: len(self.heard) >= count)
        return self.heard


async def nothing(_: object) -> None:
    """Nothing to do."""


async def run(relays: Iterable[Relay], work: Any) -> Any:
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        return await work
    finally:
        for task in tasks:
            task.cancel()
        async with asyncio.timeout(DEADLINE):
            await asyncio.gather(*tasks, return_exceptions=True)


async def test_several_relays_and_writers_number_without_gap_or_double_and_in_the_order_of_each_row(
    database: Database, bell: Bell
):
    relays = [Relay(database, bell, tick=SOON) for _ in range(3)]
    database.committed = lambda _: next(turns).nudge()
    turns = itertools.cycle(relays)
    row = uuid4()
    turn = asyncio.Lock()

    async def writer(n: int) -> None:
        for step in range(5):
            if step % 2:
                await write(database, *[uuid4() for _ in range(n % 3 + 1)])
            else:
                async with turn:  # as the lock on the row would have it
                    await write(database, row)

    async with Ear(database, bell) as first, Ear(database, bell) as second:
        await run(relays, asyncio.gather(*(writer(n) for n in range(8))))
        for relay in relays:
            await relay.drain()
        total = len(await log(database))
        heard = await first.until(total)
        assert heard == await second.until(total)
    positions = [one.position for one in await log(database)]
    assert positions == list(range(1, total + 1)) == [position for position, _ in heard]
    assert await head(database) == total == 8 * 3 + sum(2 * (n % 3 + 1) for n in range(8))
    seqs = [one.seq for one in await log(database) if one.row_id == row]
    assert seqs == sorted(seqs, key=lambda seq: seq or 0)


async def test_a_batch_is_numbered_in_the_order_of_writing_and_a_large_one_whole(database, bell):
    rows = [uuid4() for _ in range(BATCH + 7)]
    async with database.write() as session:
        for row in rows:
            session.add(change(row))
            await session.flush()
    await Relay(database, bell).drain()
    numbered = await log(database)
    assert [one.row_id for one in numbered] == rows
    assert [one.position for one in numbered] == list(range(1, BATCH + 8))


async def test_what_is_rolled_back_is_never_told(database, bell):
    relay = Relay(database, bell)
    rung = []
    database.committed = lambda _: rung.append(True)

    async def fail() -> None:
        async with database.write() as session:
            session.add(change())
            await session.flush()
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await fail()
    await relay.drain()
    assert (await log(database), await head(database), rung) == ([], 0, [])


async def test_a_change_that_becomes_visible_late_gets_a_later_number(database, bell):
    """On PostgreSQL a sequence is drawn before the commit; on SQLite one transaction writes at a time."""
    if database.dialect == "sqlite":
        pytest.skip("there are no concurrent writers to tell apart")
    relay, late, early = Relay(database, bell), uuid4(), uuid4()
    async with database.write() as session:
        session.add(change(late))
        await session.flush()
        await write(database, early)
        await relay.drain()
    await relay.drain()
    assert [(one.position, one.row_id) for one in await log(database)] == [(1, early), (2, late)]
    first, second = [one.seq or 0 for one in await log(database)]
    assert first > second, "it was written earlier and committed later"


async def test_a_relay_that_finds_another_at_work_leaves_it_to_that_one(database, bell):
    if database.dialect == "sqlite":
        pytest.skip("writers take turns")
    await write(database)
    async with database.write() as session:
        await session.scalars(select(Head).with_for_update())
        async with asyncio.timeout(DEADLINE):
            await Relay(database, bell).drain()
        assert await head(database) == 0
    await Relay(database, bell).drain()
    assert await head(database) == 1


async def test_what_was_committed_but_not_published_is_told_after_a_restart(database_url: str, clock: ManualClock):
    """A process dies between its commit and the relay; whoever resumes at the next one misses nothing."""
    dead = make_service(database_url, clock)
    dead.database.committed = lambda _: None
    async with dead.bell:
        await dead.live.start()
        world = await World.make(dead)
        ann = await world.person("Ann")
        community = await world.community(owner=ann)
        kind = KINDS["communityActivity"]
        (found,) = (await ann.client.ask(do.snapshot(kind), id=gid(community))).values()
        await ann.client.do(do.CREATE_TOPIC, communityId=gid(community), input={"title": "Unheard"})
        assert [one.position for one in await changes(dead)] == [1 if dead.database.dialect == "sqlite" else None]
        await dead.database.close()
    alive = make_service(database_url, clock)
    async with alive.running():
        ann.client.service = alive
        feed = await ann.client.follow(kind.subscription, id=gid(community), after=found["cursor"])
        (event,) = await feed.take()
        assert (event["__typename"], event["node"]["title"]) == ("Added", "Unheard")
        await feed.stop()


async def test_what_was_numbered_but_not_rung_is_told_within_a_tick(database, bell):
    class Mute(Bell):
        def ring(self, position: int) -> None:
            """The process dies here."""

    async with Ear(database, bell, tick=SOON) as ear:
        await write(database)
        await Relay(database, Mute(Broker())).drain()
        assert len(await ear.until(1)) == 1


async def test_a_lost_nudge_delays_no_longer_than_a_tick(database, bell):
    async def heard() -> None:
        async with Ear(database, bell) as ear:
            await write(database)
            assert [position for position, _ in await ear.until(1)] == [1]

    await run([Relay(database, bell, tick=SOON)], heard())


async def test_the_bell_wakes_at_once(database, bell):
    """With ticks that would take an hour, only the bell can have been heard."""
    relay = Relay(database, bell, tick=3600)
    database.committed = relay.committed

    async def heard() -> None:
        async with Ear(database, bell, tick=3600) as ear:
            await until(lambda: bool(bell._ears))
            for count in (1, 2, 3):
                await write(database)
                await ear.until(count)

    await run([relay], heard())


async def test_a_dead_broker_delays_and_never_loses(database):
    """One that was never connected takes nothing and brings nothing."""
    there, here = Bell(Broker()), Bell(Broker())

    async def heard() -> None:
        async with Ear(database, here, tick=SOON) as ear:
            await write(database)
            assert len(await ear.until(1)) == 1

    await run([Relay(database, there, tick=SOON)], heard())


async def test_a_relay_that_cannot_number_at_the_start_says_so_and_tries_again(database, bell, caplog):
    """Its service starts all the same: another process may have had the lock taken from it, say."""
    failures = [ConnectionError("not now")]

    class Unlucky(Relay):
        async def _number(self) -> Sequence[Change]:
            if failures:
                raise failures.pop()
            return await super()._number()

    relay = Unlucky(database, bell, tick=SOON)
    await write(database)
    await relay.begin()
    assert caplog.messages == ["could not number changes; trying again"]
    assert await head(database) == 0

    async def heard() -> None:
        async with Ear(database, bell) as ear:
            await ear.until(1)

    await run([relay], heard())


async def test_a_feed_whose_handler_fails_comes_back_to_the_same_change(database, bell, caplog):
    heard: list[int] = []
    failures = [RuntimeError("not now")]

    async def handle(change: Change) -> None:
        if failures and change.position == 2:
            raise failures.pop()
        heard.append(change.position or 0)

    caplog.set_level(logging.CRITICAL)
    await write(database, uuid4(), uuid4(), uuid4())
    await Relay(database, bell).drain()
    task = asyncio.create_task(Feed(database, bell, tick=SOON).run(0, handle, nothing))
    await until(lambda: len(heard) == 3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (heard, failures) == ([1, 2, 3], [])


async def test_a_relay_that_is_stopped_the_moment_it_is_nudged_stops(database, bell):
    """Waiting in the wrong way swallows the cancellation, and the process never comes to its end."""
    relay = Relay(database, bell, tick=3600)
    feed = Feed(database, bell, tick=3600)

    for runner, events in ((relay.run(), {relay._nudged}), (feed.run(0, nothing, nothing), bell._ears)):
        task = asyncio.create_task(runner)
        await until(lambda: any(event._waiters for event in events))  # noqa: B023 - awaited within the loop
        (event,) = events
        event.set()
        await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=1)
        assert task in done
        assert task.cancelled()


async def test_the_log_is_read_in_pages_between_two_positions(database, bell, monkeypatch):
    monkeypatch.setattr("realtime.feed.PAGE", 3)
    await write(database, *[uuid4() for _ in range(8)])
    await Relay(database, bell).drain()
    pages = [[one.position for one in page] async for page in Feed(database, bell).read(1, 6)]
    assert pages == [[2, 3, 4], [5, 6]]
    pages = [[one.position for one in page] async for page in Feed(database, bell).read(5)]
    assert pages == [[6, 7, 8]]
    assert [page async for page in Feed(database, bell).read(8)] == []
