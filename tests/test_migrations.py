"""Migrations give the tables that the models describe, and can be taken back."""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

import migrations
from models import metadata
from tests.conftest import POSTGRES, administer, demand_postgres


@pytest.fixture
def empty_postgres() -> Iterator[str]:
    demand_postgres()
    name = f"plenary_migrations_{secrets.token_hex(4)}"
    asyncio.run(administer(f"CREATE DATABASE {name}"))
    yield f"{POSTGRES}/{name}"
    asyncio.run(administer(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def empty_sqlite(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/not/yet/there/plenary.db"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"empty_{request.param}")
    return url


async def look(url: str, question):
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        answer = await connection.run_sync(question)
    await engine.dispose()
    return answer


async def write(url: str, statement: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


def differences(connection: Connection):
    options = {"compare_type": True, "compare_server_default": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names()) - {"alembic_version"}


def head_rows(connection: Connection):
    return connection.execute(select(metadata.tables["head"])).all()


async def test_migrating_an_empty_database_gives_what_the_models_describe(empty_url):
    await migrations.upgrade(empty_url)
    assert await look(empty_url, differences) == []
    assert await look(empty_url, tables) == set(metadata.tables)


async def test_a_migrated_database_has_one_head_of_its_own(empty_url, tmp_path):
    other = f"sqlite+aiosqlite:///{tmp_path}/other.db"
    await migrations.upgrade(empty_url)
    await migrations.upgrade(other)
    ((id, position, trimmed, epoch),) = await look(empty_url, head_rows)
    assert (id, position, trimmed) == (1, 0, 0)
    assert epoch != (await look(other, head_rows))[0].epoch


async def test_migrations_can_be_taken_back_and_made_again(empty_url):
    await migrations.upgrade(empty_url)
    await migrations.downgrade(empty_url)
    assert await look(empty_url, tables) == set()
    assert await migrations.revision_of(empty_url) is None
    await migrations.upgrade(empty_url)
    assert await look(empty_url, differences) == []


async def test_each_applied_revision_is_told_once(empty_url):
    told: list[tuple[str, str]] = []
    await migrations.upgrade(empty_url, applied=lambda *revision: told.append(revision))
    assert told[0] == ("0001", "The first tables.")
    assert [revision for revision, _ in told][-1] == migrations.newest() == await migrations.revision_of(empty_url)
    told.clear()
    await migrations.upgrade(empty_url, applied=lambda *revision: told.append(revision))
    assert told == []


async def test_two_who_migrate_at_once_do_it_once(empty_url):
    await asyncio.gather(*(migrations.upgrade(empty_url) for _ in range(4)))
    assert len(await look(empty_url, head_rows)) == 1


async def test_a_migration_that_fails_changes_nothing(empty_url):
    await migrations.upgrade(empty_url, "base")
    await write(empty_url, "CREATE TABLE network (id INTEGER)")
    with pytest.raises(DBAPIError):
        await migrations.upgrade(empty_url)
    assert await look(empty_url, tables) == {"network"}
    assert await migrations.revision_of(empty_url) is None


ID = "11111111111111111111111111111111"
MEMBERS = "SELECT name, state, expires_at IS NULL, renewal_due_at IS NULL FROM member ORDER BY name"


async def add(url: str, table: str, **values: str) -> None:
    row = {"id": ID, "created_at": "2026-03-02 09:00:00"} | values
    await write(url, f"INSERT INTO {table} ({', '.join(row)}) VALUES {tuple(row.values())}")  # noqa: S608 - ours


async def test_guests_from_before_have_an_end_and_who_has_none_left_gets_none_back(empty_url):
    def asked(statement: str):
        return look(empty_url, lambda connection: [tuple(row) for row in connection.execute(text(statement))])

    await migrations.upgrade(empty_url, "0004")
    await add(empty_url, "network", name="N", kind="INTRANET")
    for n, name in enumerate(("Ann", "Gil", "Gus")):
        id, kind = f"{n}{ID[1:]}", "INTERNAL" if name == "Ann" else "GUEST"
        await add(empty_url, "principal", id=id, kind="PERSON")
        stands = {"network_id": ID, "principal_id": id, "kind": kind, "role": "MEMBER", "state": "ACTIVE"}
        await add(empty_url, "member", id=id, **stands, name=name, headline="", about="")
    await migrations.upgrade(empty_url)
    stays = [("Ann", "ACTIVE", True, True), ("Gil", "ACTIVE", False, False), ("Gus", "ACTIVE", False, False)]
    assert await asked(MEMBERS) == stays
    await write(empty_url, "UPDATE member SET state = 'GRACE' WHERE name = 'Gil'")
    await write(empty_url, "UPDATE member SET expires_at = CURRENT_TIMESTAMP WHERE name = 'Gus'")
    await migrations.downgrade(empty_url, "0004")
    told = [("Ann", "ACTIVE"), ("Gil", "LEFT"), ("Gus", "LEFT")]
    assert await asked("SELECT name, state FROM member ORDER BY name") == told
