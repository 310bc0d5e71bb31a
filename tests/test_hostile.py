"""What means no good is answered within bounds, and whoever comes with it holds nobody else up."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from models import Room
from resolvers.caps import Most
from server import Service
from tests import hostile
from tests.client import operations, until
from tests.conftest import ManualClock, make_service
from tests.slow import slow_to_read
from tests.started import DEADLINE, NOBODY, VIEWER, Door, started, tracebacks
from tests.test_limits import HOSTILE
from tests.world import World, gid

DEEP = 50_000
NEW = {"accept": "application/graphql-response+json", "content-type": "application/json"}


@pytest.mark.parametrize("what", HOSTILE)
async def test_a_hostile_document_is_refused_and_the_next_is_answered(
    door: Door, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with door.http(**NEW) as client:
        refused = await client.post("/graphql", json={"query": HOSTILE[what]})
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["extensions"] == {"code": "COST_EXCEEDED"}
    async with door.signed_in() as socket:
        await socket.subscribe("1", HOSTILE[what])
        answer = await socket.receive()
        assert (answer["type"], answer["payload"][0]["extensions"]["code"]) == ("error", "COST_EXCEEDED")
        assert await socket.ask(VIEWER) == NOBODY
    assert tracebacks(caplog) == []


@pytest.mark.parametrize(
    "content",
    [
        "[" * DEEP,
        '{"query": "{ __typename }", "variables": {"a": ' + "[" * DEEP + "]" * DEEP + "}}",
        '{"query": "{ __typename }", "extensions": ' + '{"":' * DEEP + "1" + "}" * DEEP + "}",
        '{"query": "{ __typename }", "variables": {"a": [' + "{}," * DEEP + "{}]}}",
    ],
    ids=["nothing but depth", "variables", "extensions", "many variables"],
)
async def test_deep_or_wide_json_is_refused(door: Door, content: str, caplog: pytest.LogCaptureFixture) -> None:
    async with door.http(**NEW) as client:
        assert (await client.post("/graphql", content=content)).status_code == 400
    assert tracebacks(caplog) == []


async def test_variables_within_each_other_are_refused_when_they_are_coerced(door: Door) -> None:
    variables: Any = "x"
    for _ in range(500):
        variables = [variables]
    query = "query ($a: [ID!]!) { nodes(ids: $a) { id } }"
    async with door.http(**NEW) as client:
        refused = await client.post("/graphql", json={"query": query, "variables": {"a": variables}})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["extensions"] == {"code": "INVALID"}


# --- caps ------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def capped(database_url: str, clock: ManualClock, **caps: Most) -> AsyncIterator[tuple[Door, World]]:
    """A server that lets few come at a time."""
    like = make_service(database_url, clock)
    service = Service(like.settings.model_copy(update=caps), clock, like.passwords, like.timing, like.tick)
    async with started(service) as door:
        yield door, await World.make(service)


async def test_one_address_has_only_so_many_requests_at_a_time(database_url: str, clock: ManualClock) -> None:
    async with capped(database_url, clock, requests=Most(10, 2)) as (door, world):
        ann = await world.person("Ann")
        await world.add(Room(network_id=world.network.id, name="Hall"))
        service, token = door.service, await door.sign_in(ann)
        slow = {
            "query": "query ($id: ID!) { network(id: $id) { rooms(first: 1) { nodes { id } } } }",
            "variables": {"id": gid(world.network)},
        }
        service.execution._timeout = 5
        async with slow_to_read(service.database, "room"), door.http(authorization=f"Bearer {token}", **NEW) as client:
            waiting = [asyncio.create_task(client.post("/graphql", json=slow)) for _ in range(2)]
            await until(lambda: service.caps["requests"]._open["127.0.0.1"] == 2)
            refused = await client.post("/graphql", json={"query": VIEWER})
            assert refused.status_code == 429
            assert refused.headers["retry-after"] == "1"
            assert refused.json()["errors"][0]["extensions"]["code"] == "LIMITED"
            assert [response.status_code for response in await asyncio.gather(*waiting)] == [503, 503]
        assert await door.post(VIEWER) == NOBODY
        assert not service.caps["requests"]._open


@asynccontextmanager
async def streamed(door: Door, token: str, network_id: str) -> AsyncIterator[httpx.Response]:
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    feed = {"query": f'subscription {{ myTasks(networkId: "{network_id}") {{ __typename }} }}'}
    async with door.http(**headers) as client, client.stream("POST", "/graphql", json=feed) as response:
        yield response


async def test_one_viewer_has_only_so_many_streams_at_a_time(database_url: str, clock: ManualClock) -> None:
    async with capped(database_url, clock, streams=Most(2, 10)) as (door, world):
        ann, bob = await world.person("Ann"), await world.person("Bob")
        token, network_id = await door.sign_in(ann), gid(world.network)
        async with AsyncExitStack() as open_:
            for _ in range(2):
                await open_.enter_async_context(streamed(door, token, network_id))
            await until(lambda: len(operations(door.service)) == 2)
            async with streamed(door, token, network_id) as refused:
                text = (await refused.aread()).decode()
            (line,) = (line for line in text.splitlines() if line.startswith("data: {"))
            (error,) = json.loads(line.removeprefix("data: "))["errors"]
            assert error["extensions"] == {"code": "LIMITED"}
            assert error["message"] == "At most 2 streams by one account at a time."
            async with streamed(door, await door.sign_in(bob), network_id):
                await until(lambda: len(operations(door.service)) == 3)
        async with asyncio.timeout(DEADLINE):
            await until(lambda: not door.service.caps["streams"]._open)
        async with streamed(door, token, network_id):
            await until(lambda: len(operations(door.service)) == 1)


def test_the_bombs_are_what_they_say() -> None:
    assert len(hostile.bomb()) < 4_000
    assert hostile.bomb().count("fragment") == hostile.DOUBLING + 1
