"""The database: one way to read, one way to write, one commit."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, NamedTuple, cast

from asyncpg import InterfaceError as AsyncpgInterfaceError
from asyncpg import PostgresError
from sqlalchemy import AsyncAdaptedQueuePool, Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

# What it raises where it cannot be asked at all. asyncpg's own errors come as they are while it connects.
UNREACHABLE = (OSError, OperationalError, InterfaceError, PoolTimeout, PostgresError, AsyncpgInterfaceError)


class Pool(NamedTuple):
    """How many connections are in use, and how many there may be."""

    used: int
    size: int


class Database:
    """Opens sessions. `committed` is called after each commit.

    Readers have connections of their own, in autocommit: a read is one statement, and a transaction around it would
    be two more round trips.
    """

    def __init__(self, url: str, *, readers: int = 5, writers: int = 5) -> None:
        self.url = make_url(url)
        self.dialect = self.url.get_backend_name()
        self.committed: Callable[[], None] = lambda: None
        # One process writes one transaction at a time on SQLite: queueing here is fair, SQLite's busy handler is not.
        self._turn: AbstractAsyncContextManager[Any] = nullcontext()
        self._reading = self._engine(readers, isolation_level="AUTOCOMMIT", pool_reset_on_return=None)
        self._writing = self._engine(1 if self.dialect == "sqlite" else writers)
        if self.dialect == "sqlite":
            self._turn = asyncio.Lock()
            event.listen(self._reading.sync_engine, "connect", _prepare_sqlite)
            event.listen(self._writing.sync_engine, "connect", _prepare_sqlite)
            event.listen(self._writing.sync_engine, "begin", _begin_sqlite)
        self._readers = async_sessionmaker(self._reading, expire_on_commit=False, autoflush=False)
        self._writers = async_sessionmaker(self._writing, expire_on_commit=False)

    def _engine(self, pool_size: int, **options: Any) -> AsyncEngine:
        return create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=30,
            hide_parameters=True,  # bodies and secrets never reach a log
            enable_from_linting=False,  # an audience is a product of one row and many viewers, on purpose
            **options,
        )

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        async with self._readers() as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed if the block ends well, rolled back if it raises."""
        async with self._turn, self._writers() as session:
            yield session
            await session.commit()
        self.committed()

    def pools(self) -> Mapping[str, Pool]:
        engines = {"read": self._reading, "write": self._writing}
        return {use: Pool(_pool(engine).checkedout(), _pool(engine).size()) for use, engine in engines.items()}

    async def close(self) -> None:
        await self._reading.dispose()
        await self._writing.dispose()


def _pool(engine: AsyncEngine) -> AsyncAdaptedQueuePool:
    return cast("AsyncAdaptedQueuePool", engine.pool)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    # SQLite's own knows the case of ASCII only, and a search ignores case in every language.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(value: str | None) -> str | None:
    return None if value is None else value.lower()


def _begin_sqlite(connection: Connection) -> None:
    # What is written from what was read needs the lock before the read: a deferred BEGIN loses updates.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
