"""Alive and ready: what an orchestrator is told, and what asking costs."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

from commands.serve import Server
from realtime import lookout
from server import create_app
from tests.client import until
from tests.conftest import ManualClock, empty, make_service
from tests.outage import with_wire
from tests.started import DEADLINE, VIEWER, Door

READY = {"status": "ready", "database": "up", "broker": "up"}


async def ask(door: Door, path: str = "/health/ready") -> tuple[int, Any]:
    async with door.http() as client:
        response = await client.get(path)
    return response.status_code, response.json()


@asynccontextmanager
async def at_revision(door: Door, revision: str) -> AsyncIterator[None]:
    statement = text("UPDATE alembic_version SET version_num = :revision")
    async with door.service.database.write() as session:
        before = await session.scalar(text("SELECT version_num FROM alembic_version"))
        await session.execute(statement, {"revision": revision})
    try:
        yield
    finally:
        async with door.service.database.write() as session:
            await session.execute(statement, {"revision": before})


async def test_the_service_says_that_it_is_alive_and_ready(door: Door) -> None:
    assert await ask(door, "/health/live") == (200, {"status": "alive"})
    assert await ask(door) == (200, READY)


async def test_without_its_tables_the_service_is_alive_but_not_ready(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    async with door.service.database.write() as session:
        await session.execute(text("ALTER TABLE head RENAME TO hidden_head"))
    try:
        assert (await ask(door, "/health/live"))[0] == 200
        assert await ask(door) == (503, {"status": "unready", "database": "down", "broker": "up"})
    finally:
        async with door.service.database.write() as session:
            await session.execute(text("ALTER TABLE hidden_head RENAME TO head"))


async def test_an_older_database_is_not_ready_and_a_newer_one_is(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a release is rolled out, old processes run on a database that has been migrated."""
    monkeypatch.setattr(lookout, "FRESH", 0.0)
    async with at_revision(door, "0001"):
        assert await ask(door) == (503, {"status": "unready", "database": "not migrated", "broker": "up"})
    async with at_revision(door, "9999"):
        assert await ask(door) == (200, READY)


async def test_a_dead_broker_is_told_and_the_service_stays_ready(door: Door) -> None:
    """Feeds look at the log each second regardless: delivery is late, and nothing is lost."""
    door.service.bell._told(ConnectionError())
    assert await ask(door) == (200, {"status": "degraded", "database": "up", "broker": "down"})
    door.service.bell._told(None)
    assert await ask(door) == (200, READY)


async def test_a_database_that_is_away_is_told_and_so_is_its_return(
    postgres_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lookout, "FRESH", 0.0)
    await empty(postgres_url)
    async with with_wire(postgres_url, clock) as (door, wire):
        assert (await ask(door))[0] == 200
        wire.cut()
        assert await ask(door) == (503, {"status": "unready", "database": "down", "broker": "up"})
        assert (await ask(door, "/health/live"))[0] == 200
        wire.mend()
        async with asyncio.timeout(DEADLINE):
            while (await ask(door))[0] != 200:
                pass
        assert await door.post(VIEWER) == {"viewer": None}


async def test_a_database_that_hangs_is_given_up_in_time(
    postgres_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lookout, "DEADLINE", 0.3)
    monkeypatch.setattr(lookout, "FRESH", 0.0)
    await empty(postgres_url)
    service = make_service(postgres_url, clock)
    async with service.running():
        async with service.database.write() as session:
            await session.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
            async with asyncio.timeout(2):
                assert await service.lookout.look() is None
        async with asyncio.timeout(DEADLINE):
            while await service.lookout.look() is None:
                pass


async def test_a_flood_of_questions_is_one_statement(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "FRESH", 3_600.0)
    asked = 0

    def count(*_arguments: Any) -> None:
        nonlocal asked
        asked += 1

    event.listen(door.service.lookout._database._reading.sync_engine, "before_cursor_execute", count)
    async with door.http() as client:
        await client.get("/health/ready")  # a first connection has statements of its own
        door.service.lookout._fresh_until = 0
        asked = 0
        answers = await asyncio.gather(*(client.get("/health/ready") for _ in range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert asked == 1


async def test_when_all_connections_are_in_use_the_service_still_knows(door: Door) -> None:
    database = door.service.database
    async with database.read() as a, database.read() as b, database.read() as c, database.read() as d:
        for session in (a, b, c, d):
            await session.execute(text("SELECT 1"))
        async with database.read() as last:
            await last.execute(text("SELECT 1"))
            assert await ask(door) == (200, READY)


async def test_a_service_that_shuts_down_is_not_ready(database_url: str, clock: ManualClock) -> None:
    """`plenary serve` says so as long as it still listens: whatever lives in it comes to its end first."""
    service = make_service(database_url, clock)
    may_end = asyncio.Event()

    async def live(_closing: asyncio.Event) -> None:
        await may_end.wait()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        app, patience = create_app(service), service.settings.patience
        server = Server(app, patience, service, lambda: None, live, log_config=None)
        door = Door(service, server, listener.getsockname()[1])
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(DEADLINE):
            await until(lambda: server.started)
            assert await ask(door) == (200, READY)
            server.should_exit = True
            await until(lambda: service.is_closing)
            assert await ask(door) == (503, {"status": "closing"})
            may_end.set()
            await serving


async def test_nothing_is_told_but_the_state(door: Door) -> None:
    async with door.http() as client:
        for path in ("/health/live", "/health/ready"):
            response = await client.get(path)
            assert set(response.json()) <= {"status", "database", "broker"}
