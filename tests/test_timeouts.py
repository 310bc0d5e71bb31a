"""Time-outs: what takes too long ends, also in the database, and leaves nothing behind."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from commands.means import lent
from models import Community, Room
from resolvers.context import Context
from resolvers.errors import Limited
from schema.execution import TimedOut
from schema.requests import Request
from server import Service, Settings
from tests import documents as do
from tests.client import Client, until
from tests.conftest import ManualClock, make_service
from tests.slow import locked, slow_to_commit, slow_to_read, slow_to_write
from tests.started import NOBODY, VIEWER, Door
from tests.unchanged import everything, nothing_happens
from tests.world import Person, World, gid

ROOMS = "query ($id: ID!) { network(id: $id) { name rooms(first: 5) { nodes { name } } } }"
SOON = 0.4  # seconds
CHANGED_NOTHING, CHANGED = "It has changed nothing.", "What it had changed stays."


@pytest.fixture
async def rooms(world: World) -> World:
    """A network with a room."""
    await world.add(Room(network_id=world.network.id, name="Hall"))
    return world


def hurry(service: Service, seconds: float = SOON) -> None:
    service.execution._timeout = seconds


async def timed_out(client: Client, document: str, **variables: Any) -> str:
    """The message of an operation that took too long."""
    execution = client.service.execution
    operation = await execution.prepare(client.context(), Request(document, variables=variables))
    with pytest.raises(TimedOut) as late:
        await execution.run(operation)
    assert late.value.code == "LIMITED"
    return str(late.value)


async def idle(service: Service) -> None:
    """Wait until every connection has come back, and the database is at nothing of ours."""
    database = service.database
    await until(lambda: not any(pool.used for pool in database.pools().values()))
    if database.dialect == "postgresql":
        running = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        )
        async with database.read() as session, asyncio.timeout(10):
            while await session.scalar(running):  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.01)


async def test_a_query_that_takes_too_long_ends_in_the_database_too(rooms: World, owner: Person) -> None:
    service = rooms.service
    async with slow_to_read(service.database, "room"):
        hurry(service)
        for _ in range(7):  # more often than there are connections
            told = await timed_out(owner.client, ROOMS, id=gid(rooms.network))
            assert CHANGED_NOTHING in told
            await idle(service)
        hurry(service, 30)
    assert (await owner.client.ask(ROOMS, id=gid(rooms.network)))["network"]["name"] == "Halden"


async def test_a_mutation_that_takes_too_long_leaves_nothing_behind(ann: Person, community: Community) -> None:
    service = ann.client.service
    wanted: Any = {"communityId": gid(community), "input": {"title": "Late"}}
    async with slow_to_write(service.database, "content"), nothing_happens(service):
        hurry(service)
        for _ in range(3):
            assert CHANGED_NOTHING in await timed_out(ann.client, do.CREATE_TOPIC, **wanted)
            await idle(service)
        hurry(service, 30)
    payload = await ann.client.do(do.CREATE_TOPIC, **wanted)
    assert payload["topic"]["title"] == "Late"


async def test_a_mutation_that_waits_too_long_for_another_process_is_let_go(ann: Person, community: Community) -> None:
    service = ann.client.service
    wanted: Any = {"communityId": gid(community), "input": {"name": "Renamed"}}
    async with nothing_happens(service), locked(service.database, "UPDATE community SET about = about"):
        hurry(service)
        assert CHANGED_NOTHING in await timed_out(ann.client, do.UPDATE_COMMUNITY, **wanted)
        await idle(service)
        hurry(service, 30)
    payload = await ann.client.do(do.UPDATE_COMMUNITY, **wanted)
    assert payload["community"]["name"] == "Renamed"


@pytest.mark.parametrize("slow", [slow_to_write, slow_to_read])
async def test_a_mutation_whose_client_has_gone_leaves_no_lock_behind(
    world: World, ann: Person, community: Community, slow: Any
) -> None:
    """As when a socket closes: nobody waits any more, and the task is cancelled, at whatever moment.

    What is raised then is kept, as a log or a debugger would, and with it everything that it has touched.
    """
    service, board = world.service, await world.board(community)
    table = "question" if slow is slow_to_write else board.__tablename__
    wanted: Any = {"boardId": gid(board), "input": {"body": "Gone?"}}
    kept: list[Any] = []
    async with nothing_happens(service), slow(service.database, table):
        for moment in (0, 0.01, 0.1, 0.3):
            asking = asyncio.create_task(ann.client.execute(do.ASK, **wanted))
            await asyncio.sleep(moment)
            asking.cancel()
            kept += await asyncio.gather(asking, return_exceptions=True)
            await idle(service)
    await ann.client.do(do.ASK, **wanted)


async def test_what_was_committed_before_stays_and_the_client_is_told(
    world: World, ann: Person, community: Community
) -> None:
    service = ann.client.service
    board = await world.board(community)
    document = """mutation ($id: ID!) { createTopic(communityId: $id, input: {title: "Kept"}) {
      topic { community { boards(first: 1) { nodes { id } } } } problems { code } } }"""
    async with slow_to_read(service.database, board.__tablename__):
        hurry(service, 3)
        assert CHANGED in await timed_out(ann.client, document, id=gid(community))
        hurry(service, 30)
    assert "Kept" in str((await everything(service))["content"])


async def test_a_commit_that_has_begun_is_waited_for(ann: Person, community: Community) -> None:
    service = ann.client.service
    if service.database.dialect == "sqlite":
        pytest.skip("nothing can happen in a commit of SQLite")
    wanted: Any = {"communityId": gid(community), "input": {"title": "Kept"}}
    async with slow_to_commit(service.database, "content"):
        hurry(service, 0.7)
        assert CHANGED in await timed_out(ann.client, do.CREATE_TOPIC, **wanted)
        hurry(service, 30)
    assert "Kept" in str((await everything(service))["content"])


async def test_over_http_a_time_out_is_503_and_on_a_socket_an_error_of_one_operation(door: Door) -> None:
    world = await World.make(door.service)
    ann = await world.person("Ann")
    await world.add(Room(network_id=world.network.id, name="Hall"))
    token, variables = await door.sign_in(ann), {"id": gid(world.network)}
    async with slow_to_read(door.service.database, "room"), door.signed_in(token) as socket:
        hurry(door.service)
        for accept in ("application/json", "application/graphql-response+json"):
            async with door.http(authorization=f"Bearer {token}", accept=accept) as client:
                late = await client.post("/graphql", json={"query": ROOMS, "variables": variables})
            assert late.status_code == 503
            assert late.json()["errors"][0]["extensions"] == {"code": "LIMITED"}
        await socket.subscribe("late", ROOMS, **variables)
        answer = await socket.receive()
        assert (answer["type"], answer["id"]) == ("error", "late")
        assert answer["payload"][0]["extensions"] == {"code": "LIMITED"}
        hurry(door.service, 30)
        assert await socket.ask("{ __typename }") == {"__typename": "Query"}
    assert await door.post(VIEWER) == NOBODY


# --- statements ------------------------------------------------------------------------------------------------------


@pytest.fixture
def impatient(database_url: str, clock: ManualClock) -> Service:
    """A service whose statements must be quick."""
    service = make_service(database_url, clock)
    settings = service.settings.model_copy(update={"statement_timeout": SOON})
    return Service(settings, clock, service.passwords, service.timing, service.tick)


async def test_a_statement_that_takes_too_long_fails_the_field_that_asked(impatient: Service) -> None:
    async with impatient.running():
        world = await World.make(impatient)
        ann = await world.person("Ann")
        await world.add(Room(network_id=world.network.id, name="Hall"))
        async with slow_to_read(impatient.database, "room"):
            document = (
                "query ($id: ID!) { network(id: $id) { rooms(first: 5) { nodes { name } } } viewer { __typename } }"
            )
            result = await ann.client.execute(document, id=gid(world.network))
        (error,) = result.errors
        assert error.path == ["network", "rooms"]
        assert error.extensions == {"code": "LIMITED"}
        assert result.data == {"network": None, "viewer": {"__typename": "Viewer"}}
        await idle(impatient)


async def test_a_statement_that_takes_too_long_is_a_problem_of_its_mutation(impatient: Service) -> None:
    async with impatient.running():
        world = await World.make(impatient)
        ann = await world.person("Ann")
        community = await world.community(owner=ann)
        wanted: Any = {"communityId": gid(community), "input": {"title": "Late"}}
        async with slow_to_write(impatient.database, "content"), nothing_happens(impatient):
            problem = await ann.client.problem(do.CREATE_TOPIC, **wanted)
            assert problem["code"] == "LIMITED"
            await idle(impatient)
        await ann.client.do(do.CREATE_TOPIC, **wanted)


async def test_a_statement_that_takes_too_long_is_limited_whoever_asked(impatient: Service) -> None:
    """A sign-in that is looked up, or an event: not a bug of ours."""
    async with impatient.running():
        world = await World.make(impatient)
        await world.add(Room(network_id=world.network.id, name="Hall"))
        async with slow_to_read(impatient.database, "room"):
            with pytest.raises(Limited):
                async with Context(impatient.means).reading() as db:
                    await db.find_all(Room)


SECOND = {
    "sqlite": "WITH RECURSIVE steps(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM steps LIMIT 4000000) "
    "SELECT count(*) FROM steps",
    "postgresql": "SELECT pg_sleep(1)",
}


async def test_a_command_takes_its_time(database_url: str, clock: ManualClock) -> None:
    known = Settings(database_url=database_url, statement_timeout=0.1)
    async with lent(known, clock) as means, Context(means).transaction() as tx:
        await tx.raw(text(SECOND[means.database.dialect]))


async def test_zero_is_no_time_out(rooms: World, owner: Person) -> None:
    hurry(rooms.service, 0)
    assert (await owner.client.ask(ROOMS, id=gid(rooms.network)))["network"]["name"] == "Halden"
