"""The database: one way to read, one way to write, one commit."""

import asyncio
import gc
import logging
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from sqlalchemy import func, null, text, update
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import col, select

from models import Database, Network, Row, SignIn
from models.base import UTCDateTime

AT = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)


async def networks(database: Database) -> list[str]:
    async with database.read() as session:
        return sorted(await session.scalars(select(col(Network.name))))


async def test_a_block_that_ends_well_is_committed_and_said_to_be(database: Database):
    committed = []
    database.committed = lambda _: committed.append(True)
    async with database.write() as session:
        session.add(Network(name="Halden", created_at=AT))
    assert (await networks(database), committed) == (["Halden"], [True])


async def test_a_block_that_raises_is_rolled_back_and_nobody_is_told(database: Database):
    committed = []
    database.committed = lambda _: committed.append(True)

    async def fail() -> None:
        async with database.write() as session:
            session.add(Network(name="Halden", created_at=AT))
            await session.flush()
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await fail()
    assert (await networks(database), committed) == ([], [])


async def test_a_block_that_is_cancelled_is_rolled_back_and_the_next_one_gets_its_turn(database: Database):
    reached = asyncio.Event()

    async def write() -> None:
        async with database.write() as session:
            session.add(Network(name="Halden", created_at=AT))
            await session.flush()
            reached.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await reached.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(10), database.write() as session:
        session.add(Network(name="Next", created_at=AT))
    assert await networks(database) == ["Next"]


async def test_readers_and_writers_know_lower_case_in_every_language(database: Database):
    lower = select(func.lower("ÖKOLOGIE"), func.lower(null()))
    async with database.read() as session:
        assert tuple((await session.execute(lower)).one()) == ("ökologie", None)
    async with database.write() as session:
        assert tuple((await session.execute(lower)).one()) == ("ökologie", None)


async def test_a_reader_sees_nothing_of_what_is_not_committed(database: Database):
    async with database.write() as session:
        session.add(Network(name="Halden", created_at=AT))
        await session.flush()
        assert await networks(database) == []
    assert await networks(database) == ["Halden"]


async def test_whoever_writes_what_was_read_loses_no_update(database: Database):
    """Also across two connections of two processes: the lock comes before the read."""
    other = Database(database.url.render_as_string(hide_password=False))
    async with database.write() as session:
        session.add(Network(name="0", created_at=AT))

    async def add_one(through: Database) -> None:
        async with through.write() as session:
            network = (await session.scalars(select(Network).with_for_update())).one()
            network.name = str(int(network.name) + 1)

    await asyncio.gather(*(add_one(through) for _ in range(10) for through in (database, other)))
    await other.close()
    assert await networks(database) == ["20"]


async def test_more_writers_than_connections_wait_their_turn(database_url: str):
    database = Database(database_url)
    async with database.write() as session:
        session.add(Network(name="0", created_at=AT))
    name = col(Network.name)

    async def note(_: int) -> None:
        async with database.write() as session:
            await session.execute(update(Network).values(name=name + "x"))

    await asyncio.gather(*(note(n) for n in range(20)))
    assert await networks(database) == ["0" + "x" * 20]
    await database.close()


async def test_a_moment_is_stored_and_read_in_utc_whatever_its_zone(database: Database):
    moment = AT.astimezone(timezone(timedelta(hours=-5)))
    async with database.write() as session:
        session.add(Network(name="Halden", created_at=moment))
    async with database.read() as session:
        found = (await session.scalars(select(Network))).one()
        latest = await session.scalar(select(func.max(Network.created_at)))
    assert found.created_at == AT
    assert (found.created_at.utcoffset(), found.created_at.microsecond) == (timedelta(0), 123456)
    assert latest == AT
    async with database.read() as session:
        later = select(Network).where(col(Network.created_at) > moment)
        assert (await session.scalars(later)).all() == []


async def test_a_moment_without_a_zone_is_refused(database: Database):
    with pytest.raises(StatementError, match="a moment needs a time zone"):
        async with database.write() as session:
            session.add(Network(name="Halden", created_at=AT.replace(tzinfo=None)))
    assert UTCDateTime.cache_ok


async def test_a_row_that_points_nowhere_is_refused_also_on_sqlite(database: Database):
    sign_in = SignIn(principal_id=uuid4(), token_hash=b"h", expires_at=AT, created_at=AT)
    with pytest.raises(IntegrityError):
        await _add(database, sign_in)


async def test_parameters_reach_no_error_message(database: Database):
    id = uuid4()
    await _add(database, Network(id=id, name="quite secret", created_at=AT))
    again = Network(id=id, name="quite secret", created_at=AT)
    with pytest.raises(IntegrityError) as caught:
        await _add(database, again)
    assert "SQL parameters hidden" in str(caught.value)
    assert "quite secret" not in str(caught.value)


async def _add(database: Database, row: Row) -> None:
    async with database.write() as session:
        session.add(row)


async def test_sqlite_is_durable_and_waits_for_its_turn(database: Database):
    if database.dialect != "sqlite":
        pytest.skip("these are SQLite's settings")
    async with database.read() as session:
        found = {}
        for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout"):
            found[pragma] = (await session.execute(text(f"PRAGMA {pragma}"))).scalar_one()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


async def test_whoever_is_cancelled_while_they_wait_for_the_database_leaves_no_trace(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def look(database: Database) -> None:
        async with database.read() as session:
            await session.execute(text("SELECT 1"))

    for n in range(40):
        database = Database(database_url)
        looking = asyncio.create_task(look(database))
        await asyncio.wait([looking], timeout=n * 0.0005)  # the moment moves through connecting and asking
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        await database.close()
    if left := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(left, timeout=5)
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
