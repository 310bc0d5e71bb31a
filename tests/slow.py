"""A database in which something takes for ever: reading a table, writing to it, or committing what was written.

Tables that are slow to read have rows, or there is nothing to be slow about.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from models import Database

STEPS = "SELECT 1 UNION ALL SELECT n + 1 FROM steps LIMIT 100000000000"
FUNCTION = "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep({}); RETURN NEW; END $$"
FOREVER = {
    "sqlite": [f"CREATE VIEW forever AS WITH RECURSIVE steps(n) AS ({STEPS}) SELECT count(*) AS n FROM steps"],  # noqa: S608
    "postgresql": [
        "CREATE VIEW forever AS SELECT pg_sleep(600)::text AS n",
        f"CREATE FUNCTION take_forever() {FUNCTION.format(600)}",
        f"CREATE FUNCTION take_a_second() {FUNCTION.format(1)}",
    ],
}
NO_MORE = {
    "sqlite": ["DROP VIEW forever"],
    "postgresql": ["DROP VIEW forever", "DROP FUNCTION take_forever", "DROP FUNCTION take_a_second"],
}


@asynccontextmanager
async def slow_to_read(database: Database, table: str) -> AsyncIterator[None]:
    async with _slow(
        database,
        begin=[
            f"ALTER TABLE {table} RENAME TO hidden_{table}",
            f"CREATE VIEW {table} AS SELECT hidden.* FROM forever, hidden_{table} AS hidden WHERE forever.n <> '0'",  # noqa: S608
        ],
        end=[f"DROP VIEW {table}", f"ALTER TABLE hidden_{table} RENAME TO {table}"],
    ):
        yield


@asynccontextmanager
async def slow_to_write(database: Database, table: str) -> AsyncIterator[None]:
    begin = {
        "sqlite": f"CREATE TRIGGER slow BEFORE INSERT ON {table} BEGIN SELECT n FROM forever; END",  # noqa: S608
        "postgresql": f"CREATE TRIGGER slow BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION take_forever()",
    }
    end = {"sqlite": "DROP TRIGGER slow", "postgresql": f"DROP TRIGGER slow ON {table}"}
    async with _slow(database, begin=[begin[database.dialect]], end=[end[database.dialect]]):
        yield


@asynccontextmanager
async def slow_to_commit(database: Database, table: str) -> AsyncIterator[None]:
    """A second; of PostgreSQL alone."""
    begin = (
        f"CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION take_a_second()"
    )
    async with _slow(database, begin=[begin], end=[f"DROP TRIGGER slow ON {table}"]):
        yield


@asynccontextmanager
async def _slow(database: Database, *, begin: list[str], end: list[str]) -> AsyncIterator[None]:
    """Done on connections of its own: what is under test may be in trouble with its."""
    await _do(database, [*FOREVER[database.dialect], *begin])
    try:
        yield
    finally:
        await _do(database, [*end, *NO_MORE[database.dialect]])


async def _do(database: Database, statements: list[str]) -> None:
    own = Database(database.url.render_as_string(hide_password=False))
    async with own.write() as session:
        for statement in statements:
            await session.execute(text(statement))
    await own.close()


@asynccontextmanager
async def locked(database: Database, statement: str) -> AsyncIterator[None]:
    """Somebody else, as another process would be, holds what the statement locks; on SQLite the whole database."""
    own = Database(database.url.render_as_string(hide_password=False))
    async with own.write() as session:
        await session.execute(text(statement))
        yield
    await own.close()
