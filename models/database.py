"""The database: one way to read, one way to write, one commit."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, cast

import asyncpg
from asyncpg import InterfaceError as AsyncpgInterfaceError
from asyncpg import PostgresError
from sqlalchemy import AsyncAdaptedQueuePool, Connection, Engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from models import sqlite

BUSY, TRIES = 250, 120  # milliseconds, and how often: half a minute
STEPS = 50_000  # of SQLite's machine, about a millisecond: how often a statement is asked whether it may go on

CHANGES = "changes"  # in the info of a session: those that it has numbered itself

# What it raises where it cannot be asked at all. asyncpg's own errors come as they are while it connects.
UNREACHABLE = (OSError, OperationalError, InterfaceError, PoolTimeout, PostgresError, AsyncpgInterfaceError)


class Pool(NamedTuple):
    """How many connections are in use, and how many there may be."""

    used: int
    size: int


@dataclass
class Work:
    """What one operation does here: until when (by the loop's time), and whether any of it is there to stay."""

    deadline: float | None
    is_committed: bool = False


work: ContextVar[Work | None] = ContextVar("work", default=None)


class Database:
    """Opens sessions. `committed` is called after each commit, with the changes that the transaction has numbered,
    or None if it says nothing about them.

    Readers have connections of their own, in autocommit: a read is one statement, and a transaction around it would
    be two more round trips.

    A statement that takes longer than `statement_timeout`, in seconds, fails; 0 lets it take its time. One whose task
    is cancelled ends at once.
    """

    def __init__(self, url: str, *, readers: int = 5, writers: int = 5, statement_timeout: float = 0) -> None:
        self.url = make_url(url)
        self.dialect = self.url.get_backend_name()
        self._statement_timeout = statement_timeout
        self.committed: Callable[[Sequence[Any] | None], None] = lambda _changes: None
        # One process writes one transaction at a time on SQLite: queueing here is fair, SQLite's busy handler is not.
        self._turn: AbstractAsyncContextManager[Any] = nullcontext()
        self._reading = self._engine(
            readers, isolation_level="AUTOCOMMIT", pool_reset_on_return=None, skip_autocommit_rollback=True
        )
        self._writing = self._engine(1 if self.dialect == "sqlite" else writers)
        if self.dialect == "sqlite":
            self._turn = asyncio.Lock()
            for engine in (self._reading.sync_engine, self._writing.sync_engine):
                event.listen(engine, "connect", _prepare_sqlite)
                Patience.watch(engine, statement_timeout)
            event.listen(self._writing.sync_engine, "connect", _prepare_writing)
            event.listen(self._writing.sync_engine, "begin", _begin_sqlite)
            event.listen(self._writing.sync_engine, "invalidate", _roll_back)
        self._readers = async_sessionmaker(self._reading, expire_on_commit=False, autoflush=False)
        self._writers = async_sessionmaker(self._writing, expire_on_commit=False)

    def _engine(self, pool_size: int, **options: Any) -> AsyncEngine:
        driver = connect if self.dialect == "postgresql" else sqlite.connect
        options["connect_args"] = {"async_creator_fn": driver}
        if self.dialect == "postgresql":
            milliseconds = math.ceil(1e3 * self._statement_timeout)
            # A rule is long and its rows are few: compiling it takes a hundred times as long as running it.
            options["connect_args"]["server_settings"] = {"statement_timeout": str(milliseconds), "jit": "off"}
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
    async def write(self, *, tells: bool = True) -> AsyncIterator[AsyncSession]:
        """One transaction: committed if the block ends well, rolled back if it raises.

        It tells `committed`, unless there is nothing in it that anybody waits for.
        """
        async with self._turn, self._writers() as session:
            yield session
            await self._commit(session, tells=tells)

    async def _commit(self, session: AsyncSession, *, tells: bool) -> None:
        """To its end, also when cancelled meanwhile: else nobody would know what has become of it."""
        commit = asyncio.ensure_future(session.commit())
        changes = session.info.get(CHANGES)
        commit.add_done_callback(partial(self._tell, work.get(), changes, tells=tells))
        try:
            await asyncio.shield(commit)
        except asyncio.CancelledError:
            while not commit.done():  # whoever cancels may do so again
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({commit})
            raise

    def _tell(
        self, doing: Work | None, changes: Sequence[Any] | None, commit: asyncio.Future[None], *, tells: bool
    ) -> None:
        if commit.cancelled() or commit.exception():
            return
        if doing:
            doing.is_committed = True
        if tells:
            self.committed(changes)

    def pools(self) -> Mapping[str, Pool]:
        engines = {"read": self._reading, "write": self._writing}
        return {use: Pool(_pool(engine).checkedout(), _pool(engine).size()) for use, engine in engines.items()}

    async def close(self) -> None:
        await self._reading.dispose()
        await self._writing.dispose()


def _pool(engine: AsyncEngine) -> AsyncAdaptedQueuePool:
    return cast("AsyncAdaptedQueuePool", engine.pool)


class Patience:
    """How long SQLite may still go on with the statement of a connection: its thread cannot be cancelled."""

    def __init__(self, most: float) -> None:
        self._most = most or math.inf
        self._until = math.inf

    @classmethod
    def watch(cls, engine: Engine, most: float) -> None:
        @event.listens_for(engine, "connect")
        def connect(connection: Any, record: Any) -> None:
            patience = record.info[cls] = cls(most)
            connection.run_async(lambda driver: driver.set_progress_handler(patience.is_at_end, STEPS))

        @event.listens_for(engine, "before_cursor_execute")
        def begin(connection: Connection, *_statement: Any) -> None:
            connection.info[cls].begin()

        @event.listens_for(engine, "handle_error")
        def end(error: ExceptionContext) -> None:
            if error.connection is not None and isinstance(error.original_exception, asyncio.CancelledError):
                error.connection.info[cls].end()

    def begin(self) -> None:
        self._until = time.monotonic() + self._most

    def end(self) -> None:
        self._until = -math.inf

    def is_at_end(self) -> bool:
        return time.monotonic() > self._until


async def connect(*address: Any, **options: Any) -> asyncpg.Connection:
    """Whoever waits for a connection may be cancelled; the driver, when it is while it connects, fills the log."""
    connecting = asyncio.ensure_future(asyncpg.connect(*address, **options))
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        connecting.add_done_callback(_abandon)
        raise


def _abandon(connecting: asyncio.Future[asyncpg.Connection]) -> None:
    if not connecting.cancelled() and not connecting.exception():
        connecting.result().terminate()


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


def _prepare_writing(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """What is written from what was read needs the lock before the read: a deferred BEGIN loses updates.

    While another process has the lock the wait is in SQLite, where nothing can cancel it: so it is a short one, again
    and again.
    """
    for _ in range(TRIES):
        with suppress(OperationalError):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _roll_back(connection: Any, _record: Any, _error: BaseException | None) -> None:
    # What is closed keeps its lock for as long as somebody holds a cursor of it, in a traceback say.
    connection.run_async(lambda driver: driver.rollback())
