"""A service on a fresh database, twice: on SQLite, and on PostgreSQL where it answers."""

import asyncio
import functools
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import uvloop
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import create_async_engine

import migrations
import server
from models import Admits, Community, Head, NetworkRole, QuestionBoard, metadata
from models.database import Database
from resolvers.budgets import Budget
from resolvers.context import ViewerKind
from resolvers.passwords import Passwords
from schema.root import build
from server import Service, Settings
from tests import compiled
from tests.redis_server import RedisServer
from tests.started import Door, started
from tests.world import Person, World

POSTGRES = "postgresql+asyncpg://postgres@127.0.0.1:5432"


PLENTY = Budget(10**9, 10**9)
SECRET = "a secret for tests, long enough"
SELDOM = 3_600.0  # what is due is done when a test says so

# A schema keeps nothing between requests, and making one takes as long as a test.
pytest.MonkeyPatch().setattr(server, "build", functools.cache(build))
compiled.share(pytest.MonkeyPatch())


class ManualClock:
    """Time stands still until a test moves it."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, **by: float) -> None:
        self._now += timedelta(**by)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no process is left alone with them at the end."""
    items.sort(key=lambda item: "test_replay" not in item.nodeid)


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What concerns the wire is marked to run on both: uvicorn takes either, and they differ when a connection ends."""
    marker = item.get_closest_marker("asyncio")
    both = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return both if marker and "loop_factories" in marker.kwargs else {"asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "plenary.db"
    asyncio.run(migrations.upgrade(f"sqlite+aiosqlite:///{path}"))
    return path


def demand_postgres() -> None:
    """Where PostgreSQL does not answer, a test is skipped visibly; on CI it fails."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", 5432)):
            message = "PostgreSQL does not answer on 127.0.0.1:5432"
            pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)


@pytest.fixture(scope="session")
def postgres_url(worker_id: str) -> Iterator[str]:
    """One database per test process."""
    demand_postgres()
    name = f"plenary_test_{worker_id}_{os.getpid()}"
    asyncio.run(administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}"))
    url = f"{POSTGRES}/{name}"
    asyncio.run(migrations.upgrade(url))
    yield url
    asyncio.run(administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


async def administer(*statements: str) -> None:
    connection = await asyncpg.connect("postgresql://postgres@127.0.0.1:5432/postgres")
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def empty(url: str) -> None:
    """As it was when it was migrated."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(table.delete())
    await engine.dispose()
    database = Database(url)
    async with database.write() as session:
        session.add(Head())
    await database.close()


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """For tests of what no database has a part in."""
    shutil.copy(sqlite_template, tmp_path / "plenary.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'plenary.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        url: str = request.getfixturevalue("sqlite_url")
    else:
        url = request.getfixturevalue("postgres_url")
        asyncio.run(empty(url))
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    server = RedisServer(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def make_service(
    database_url: str, clock: ManualClock, set_: Mapping[str, Any] | None = None, **timing: float
) -> Service:
    """`set_` are settings by name, where they are not the usual ones. A test asks more in a second than a person."""
    chosen: dict[str, Any] = {"database_url": database_url, "broker_url": "memory://", "secret_key": SecretStr(SECRET)}
    chosen.update({f"budget_{kind}": PLENTY for kind in ViewerKind} | dict(set_ or {}))
    settings = Settings(**chosen)
    return Service(settings, clock, Passwords(memory_kib=8, passes=1), {"flush": 0.02, **timing}, SELDOM)


@pytest.fixture
async def service(database_url: str, clock: ManualClock) -> AsyncIterator[Service]:
    service = make_service(database_url, clock)
    async with service.running():
        yield service


@pytest.fixture
async def world(service: Service) -> World:
    """One network, with nobody in it yet."""
    return await World.make(service)


@pytest.fixture
async def owner(world: World) -> Person:
    """Owns the network."""
    return await world.person("Owner", role=NetworkRole.OWNER)


@pytest.fixture
async def ann(world: World) -> Person:
    """Owns the community."""
    return await world.person("Ann")


@pytest.fixture
async def bob(world: World) -> Person:
    """A member of it."""
    return await world.person("Bob")


@pytest.fixture
async def community(world: World, ann: Person, bob: Person) -> Community:
    community = await world.community(owner=ann)
    await world.belong(bob, community)
    return community


@pytest.fixture
async def board(world: World, community: Community) -> QuestionBoard:
    return await world.board(community)


@pytest.fixture
async def open_hall(world: World, ann: Person, bob: Person) -> Community:
    """A community for everybody, where visitors may come."""
    community = await world.community("Open hall", owner=ann, admits=Admits.EXTERNALS)
    await world.belong(bob, community)
    return community


@pytest.fixture
async def door(database_url: str, clock: ManualClock) -> AsyncIterator[Door]:
    """A started server: real HTTP, real sockets."""
    async with started(make_service(database_url, clock)) as door:
        yield door
