"""The history of the tables: one revision after another, applied in code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

Applied = Callable[[str, str], None]

LOCK = 0x706C656E617279  # "plenary", as a number of PostgreSQL's advisory locks


async def upgrade(database_url: str, revision: str = "head", *, applied: Applied | None = None) -> None:
    """Bring a database up to a revision, and make an SQLite file that is not there.

    All or nothing. `applied` is told the id and the title of each revision.
    """
    await _run(database_url, command.upgrade, revision, applied)


async def downgrade(database_url: str, revision: str = "base", *, applied: Applied | None = None) -> None:
    """Take a database back to a revision: all or nothing."""
    await _run(database_url, command.downgrade, revision, applied)


async def revision_of(database_url: str) -> str | None:
    """The revision at which a database stands; None before the first."""
    engine = _engine(make_url(database_url))
    async with engine.connect() as connection:
        found = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    await engine.dispose()
    return found


def newest() -> str:
    """The revision at which a database should stand."""
    return ScriptDirectory.from_config(configuration()).get_current_head() or ""


def configuration(**attributes: Any) -> Config:
    folder = Path(__file__).parent
    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return config


async def _run(database_url: str, step: Callable[[Config, str], None], revision: str, applied: Applied | None) -> None:
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = _engine(url)
    try:
        async with engine.begin() as connection:
            if url.get_backend_name() == "postgresql":  # SQLite is locked by BEGIN IMMEDIATE
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
            await connection.run_sync(lambda sync: step(configuration(connection=sync, applied=applied), revision))
    finally:
        await engine.dispose()


def _engine(url: URL) -> AsyncEngine:
    """One connection, without foreign keys on SQLite: its batch mode makes tables anew."""
    engine = create_async_engine(url, poolclass=NullPool)
    if url.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver would commit before each CREATE TABLE


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
