"""SQLite: a statement is one journey to its connection's thread, whatever becomes of it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from models import Database
from models.sqlite import Connection, connect
from tests.client import until

FOREVER = "WITH RECURSIVE steps(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM steps) SELECT count(*) FROM steps"


class Counting(Connection):
    """How often it goes to its thread."""

    journeys = 0

    async def _execute(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        self.journeys += 1
        return await super()._execute(fn, *args, **kwargs)


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Counting]:
    made = Counting(lambda: sqlite3.connect(tmp_path / "some.db", isolation_level=None), iter_chunk_size=64)
    async with made:
        await made.cursor().execute("CREATE TABLE some (n INTEGER PRIMARY KEY, word TEXT UNIQUE)")
        made.journeys = 0
        yield made


async def rows(connection: Connection, sql: str, *parameters: Any) -> Any:
    return await (await connection.cursor().execute(sql, parameters)).fetchall()


async def test_a_statement_and_its_rows_are_one_journey(connection: Counting):
    cursor = await connection.cursor().__aenter__()
    await cursor.execute("SELECT 1 AS one, 2 AS two UNION SELECT 3, 4", ())
    assert [name for name, *_ in cursor.description] == ["one", "two"]
    assert await cursor.fetchall() == [(1, 2), (3, 4)]
    await cursor.close()
    assert connection.journeys == 1


async def test_rows_are_there_once(connection: Counting):
    cursor = await connection.cursor().execute("SELECT 1")
    assert [await cursor.fetchall(), await cursor.fetchall()] == [[(1,)], ()]


async def test_what_is_written_is_counted_and_has_a_number(connection: Counting):
    inserted = await connection.cursor().execute("INSERT INTO some (word) VALUES (?)", ("a",))
    assert (inserted.lastrowid, inserted.rowcount, inserted.description) == (1, 1, None)
    assert await inserted.fetchall() == ()
    many = await connection.cursor().executemany("INSERT INTO some (word) VALUES (?)", [("b",), ("c",)])
    assert many.rowcount == 2
    changed = await connection.cursor().execute("UPDATE some SET word = word || '!' WHERE n > 1", ())
    assert changed.rowcount == 2
    returned = await connection.cursor().execute("DELETE FROM some WHERE n = 1 RETURNING word", ())
    assert (await returned.fetchall(), returned.rowcount) == ([("a",)], 1)
    assert connection.journeys == 4
    assert await rows(connection, "SELECT word FROM some ORDER BY n") == [("b!",), ("c!",)]


@pytest.mark.parametrize(
    ("sql", "parameters", "error"),
    [
        ("INSERT INTO some (word) VALUES ('a')", (), sqlite3.IntegrityError),
        ("SELECT nothing FROM some", (), sqlite3.OperationalError),
        ("SELECT ?", (), sqlite3.ProgrammingError),
    ],
)
async def test_what_fails_fails_as_the_driver_says_and_the_next_goes_on(
    connection: Counting, sql: str, parameters: Any, error: type[Exception]
):
    await rows(connection, "INSERT INTO some (word) VALUES ('a')")
    cursor = connection.cursor()
    with pytest.raises(error):
        await cursor.execute(sql, parameters)
    assert (await cursor.fetchall(), cursor.description) == ((), None)
    assert await rows(connection, "SELECT word FROM some") == [("a",)]


async def test_of_many_of_which_one_fails_the_failure_is_told(connection: Counting):
    with pytest.raises(sqlite3.IntegrityError):
        await connection.cursor().executemany("INSERT INTO some (word) VALUES (?)", [("a",), ("b",), ("a",)])


async def test_a_statement_whose_task_is_cancelled_keeps_nobody_waiting(sqlite_url: str):
    """Its thread is told to give up, and the connection is not given to anybody as it is."""
    database = Database(sqlite_url, readers=1)
    begun = asyncio.Event()

    def begin(*_: Any) -> None:
        begun.set()

    event.listen(database._reading.sync_engine, "before_cursor_execute", begin)

    async def ask(sql: str) -> Any:
        async with database.read() as session:
            return (await session.execute(text(sql))).scalar()

    asking = asyncio.create_task(ask(FOREVER))
    await begun.wait()
    await asyncio.sleep(0.02)
    asking.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(asking, return_exceptions=True)
        assert asking.cancelled()
        assert await ask("SELECT 7") == 7
    await database.close()


async def test_what_is_closed_says_so(tmp_path: Path):
    connection = connect(str(tmp_path / "some.db"))
    async with connection:
        cursor = connection.cursor()
        await cursor.execute("SELECT 1")
    with pytest.raises(ValueError, match=r"closed|connection"):
        await connection.cursor().execute("SELECT 1")
    with pytest.raises(ValueError, match=r"closed|connection"):
        await cursor.execute("SELECT 1")
    await until(lambda: not connection._thread.is_alive())


async def test_no_exit_waits_for_a_connection_that_nobody_closed(tmp_path: Path):
    connection = connect(str(tmp_path / "some.db"))
    async with connection:
        assert connection._thread.daemon
