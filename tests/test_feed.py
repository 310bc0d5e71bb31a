"""The feed: what was numbered here is remembered, and never instead of what others have numbered."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event
from sqlmodel import col, select

from models import Change, Database, Head, Kind
from realtime.bell import Bell, bell
from realtime.feed import Feed, Trimmed
from realtime.relay import Relay
from tests.client import until
from tests.house import AT

NEVER = 3_600.0


class Process:
    """One that numbers what it has written, and remembers it."""

    def __init__(self, database: Database, bell: Bell) -> None:
        self.database = database
        self.feed = Feed(database, bell, tick=NEVER)
        self.relay = Relay(database, bell, tick=NEVER)
        self.relay.numbered = self.feed.remember

    async def write(self, count: int) -> None:
        async with self.database.write(tells=False) as session:
            for _ in range(count):
                session.add(Change(kind=Kind.ROW, topics=["t"], noun="Question", row_id=uuid4(), at=AT))
                await session.flush()
        await self.relay.drain()

    async def read(self, after: int, until: int | None = None) -> list[int]:
        return [change.position or 0 async for page in self.feed.read(after, until) for change in page]


@pytest.fixture
async def ringer() -> AsyncIterator[Bell]:
    async with bell("memory://") as one:
        yield one


@pytest.fixture
def here(database: Database, ringer: Bell) -> Process:
    return Process(database, ringer)


@pytest.fixture
def there(database: Database, ringer: Bell) -> Process:
    return Process(database, ringer)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    engine = database._reading.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("after", "until", "positions"),
    [(0, 6, [1, 2, 3, 4, 5, 6]), (2, 4, [3, 4]), (5, 6, [6]), (3, 3, []), (4, 2, [])],
)
async def test_what_was_numbered_here_is_read_without_a_statement(
    here: Process, after: int, until: int, positions: list[int]
):
    await here.write(4)
    await here.write(2)
    with statements(here.database) as said:
        assert await here.read(after, until) == positions
    assert said == []


async def test_behind_what_is_remembered_the_log_is_looked_at(here: Process, there: Process):
    await here.write(2)
    await there.write(2)
    with statements(here.database) as said:
        assert await here.read(0) == [1, 2, 3, 4]
    assert len(said) == 2  # one for what others numbered, one that finds no more


async def test_what_others_numbered_between_is_not_left_out(here: Process, there: Process):
    for process in (here, there, here, there, here):
        await process.write(2)
    for after in range(10):
        for until_ in range(after, 11):
            assert await here.read(after, until_) == list(range(after + 1, until_ + 1))
    assert [change.position for change in here.feed._near] == [9, 10]


async def test_only_the_newest_are_remembered_and_the_others_read(
    database: Database, ringer: Bell, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("realtime.feed.NEAR", 4)
    here = Process(database, ringer)
    await here.write(3)
    await here.write(7)
    assert [change.position for change in here.feed._near] == [7, 8, 9, 10]
    with statements(database) as said:
        assert await here.read(6, 10) == [7, 8, 9, 10]
        assert said == []
        assert await here.read(5, 10) == [6, 7, 8, 9, 10]
    assert len(said) == 1


async def test_what_is_remembered_is_read_also_when_it_was_trimmed_and_before_it_nothing_is(here: Process):
    await here.write(2)
    here.feed._near.clear()
    await here.write(4)
    async with here.database.write(tells=False) as session:
        (await session.scalars(select(Head))).one().trimmed = 4
        for change in await session.scalars(select(Change).where(col(Change.position) <= 4)):
            await session.delete(change)
    assert await here.read(2, 6) == [3, 4, 5, 6]
    with pytest.raises(Trimmed) as trimmed:
        await here.read(1, 6)
    assert trimmed.value.until == 4


async def test_what_another_process_rang_for_meanwhile_waits_for_no_tick(here: Process, there: Process):
    """Both have rung before it was looked: the bell rings once for both."""
    await here.write(2)
    await there.write(1)
    heard: list[int] = []

    async def hear(change: Change) -> None:
        heard.append(change.position or 0)

    async def skip(_until: int) -> None:
        raise AssertionError

    running = asyncio.create_task(here.feed.run(0, hear, skip))
    try:
        await until(lambda: len(heard) == 3)
        with statements(here.database) as said:
            await here.write(2)
            await until(lambda: len(heard) == 5)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert heard == [1, 2, 3, 4, 5]
    assert said == []


async def test_batches_are_told_in_the_order_of_their_numbers_once_they_are_in_the_log(
    here: Process, monkeypatch: pytest.MonkeyPatch
):
    batches: list[list[Change]] = []
    seen: list[int] = []

    def note(changes: Any) -> None:
        batches.append(list(changes))

    here.relay.numbered = note
    for count in (501, 700):
        await here.write(count)
    seen = [change.position or 0 for batch in batches for change in batch]
    seqs = [change.seq or 0 for batch in batches for change in batch]
    assert [len(batch) for batch in batches] == [500, 1, 500, 200]
    assert (seen, seqs) == (list(range(1, 1202)), sorted(seqs))
    assert await here.read(0) == seen
