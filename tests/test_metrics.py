"""Metrics: who may read them, what they count, and that no client can make them grow."""

import asyncio
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr, ValidationError

from models import Change, Kind
from realtime import lookout
from realtime.topics import Topic
from schema.metrics import Metrics
from server import Environment, Service, Settings, create_app
from tests.client import event_of, operations, settled, until
from tests.conftest import ManualClock, empty
from tests.outage import with_wire
from tests.started import DEADLINE, Door
from tests.world import Person, World, gid

TOKEN = "t" * 32
ACTIVITY = "subscription ($id: ID!) { communityActivity(communityId: $id)" + event_of("... on Topic { title }") + "}"
TOPIC = "mutation ($id: ID!) { createTopic(communityId: $id, input: {title: %s}) { problems { code } } }"
OPERATING = Path(__file__).parent.parent / "docs" / "operating.md"


@pytest.fixture
async def world(door: Door) -> World:
    return await World.make(door.service)


class Read(dict[str, float]):
    """What a scrape has read: values by name and labels."""


async def scrape(door: Door) -> Read:
    async with door.http() as client:
        response = await client.get("/metrics")
    assert response.status_code == 200, response.text
    return read(response.text)


def read(text: str) -> Read:
    families = text_string_to_metric_families(text)
    return Read(
        (sample.name + "".join(f" {label}={value}" for label, value in sorted(sample.labels.items())), sample.value)
        for family in families
        for sample in family.samples
    )


def reading(read: Read, name: str) -> dict[str, float]:
    return {key: value for key, value in read.items() if key.split()[0] == name}


# --- who may ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def coming(path: Path, environment: Environment, token: str, address: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client at an address, before a service with these settings."""
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{path}",
        environment=environment,
        secret_key=SecretStr("s" * 32),
        metrics_token=SecretStr(token),
    )
    service = Service(settings)
    transport = httpx.ASGITransport(create_app(service), client=(address, 5))
    async with httpx.AsyncClient(transport=transport, base_url="http://plenary.test") as client:
        yield client
    await service.lookout.close()


@pytest.mark.parametrize(
    ("environment", "token", "address", "authorization", "status"),
    [
        (Environment.PRODUCTION, "", "127.0.0.1", "", 404),
        (Environment.PRODUCTION, "", "192.0.2.1", f"Bearer {TOKEN}", 404),
        (Environment.PRODUCTION, TOKEN, "127.0.0.1", "", 401),
        (Environment.PRODUCTION, TOKEN, "127.0.0.1", "Bearer ", 401),
        (Environment.PRODUCTION, TOKEN, "127.0.0.1", f"Bearer {TOKEN[:-1]}", 401),
        (Environment.PRODUCTION, TOKEN, "127.0.0.1", f"Basic {TOKEN}", 401),
        (Environment.PRODUCTION, TOKEN, "127.0.0.1", "Bearer \xe9", 401),
        (Environment.PRODUCTION, TOKEN, "192.0.2.1", f"Bearer {TOKEN}", 200),
        (Environment.DEVELOPMENT, "", "127.0.0.1", "", 200),
        (Environment.DEVELOPMENT, "", "::1", "", 200),
        (Environment.DEVELOPMENT, "", "192.0.2.1", "", 404),
        (Environment.DEVELOPMENT, "", "testclient", "", 404),
        (Environment.DEVELOPMENT, TOKEN, "127.0.0.1", "", 401),
    ],
)
async def test_who_may_read_them(
    sqlite_template: Path, environment: Environment, token: str, address: str, authorization: str, status: int
) -> None:
    async with coming(sqlite_template, environment, token, address) as client:
        response = await client.get("/metrics", headers=[(b"authorization", authorization.encode("latin-1"))])
    assert response.status_code == status
    if status != 200:
        code = {401: "UNAUTHENTICATED", 404: "NOT_FOUND"}[status]
        assert response.json()["errors"][0]["extensions"] == {"code": code}
        assert "plenary_" not in response.text


async def test_what_is_not_for_one_to_read_is_as_if_it_were_not_there(sqlite_template: Path) -> None:
    async with coming(sqlite_template, Environment.PRODUCTION, "", "192.0.2.1") as client:
        hidden, missing = await client.get("/metrics"), await client.get("/nothing")
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content)


def test_a_short_token_is_no_token() -> None:
    with pytest.raises(ValidationError, match="at least 32"):
        Settings(metrics_token=SecretStr("short"))


# --- what they count -------------------------------------------------------------------------------------------------


async def test_operations_are_counted_by_their_outcome(door: Door, world: World, ann: Person) -> None:
    community = await world.community(owner=ann)
    token = await door.sign_in(ann)
    await door.post("{ __typename }")
    await door.post("query Named { __typename }")
    await door.post(TOPIC % '""', token, id=gid(community))
    async with door.http() as client:
        await client.post("/graphql", json={"query": "{"})
        await client.post("/graphql", content=b"{", headers={"content-type": "application/json"})
    async with door.signed_in() as socket:
        await socket.ask("{ __typename }")
    read = await scrape(door)
    assert reading(read, "plenary_operations_total") == {
        "plenary_operations_total outcome=OK transport=http type=query": 2,
        "plenary_operations_total outcome=OK transport=http type=mutation": 1,  # the sign-in
        "plenary_operations_total outcome=INVALID transport=http type=mutation": 1,
        "plenary_operations_total outcome=INVALID transport=http type=unknown": 1,
        "plenary_operations_total outcome=OK transport=websocket type=query": 1,
    }
    assert read["plenary_operation_seconds_count transport=http type=query"] == 2
    assert 0 < read["plenary_operation_seconds_sum transport=http type=query"] < DEADLINE
    assert read["plenary_http_responses_total status=400"] == 1
    assert read["plenary_http_responses_total status=200"] >= 5


async def test_no_client_can_make_a_series(door: Door, world: World) -> None:
    async with door.http() as client:
        before = await scrape(door)
        for number in range(30):
            body = {"query": f"query Name{number} {{ __typename }}", "operationName": f"Name{number}"}
            await client.post("/graphql", json=body, headers={"x-name": f"Name{number}"})
            await client.get(f"/Name{number}", params={"Name": number})
            await client.request(f"NAME{number}", "/graphql")
    after = await scrape(door)
    assert "Name" not in " ".join(after)
    fresh = {key for key in after.keys() - before.keys() if "_bucket" not in key}
    assert len(fresh) <= 12, fresh


async def test_what_is_live_is_counted_and_what_has_gone_is_not(door: Door, world: World, ann: Person) -> None:
    community = await world.community(owner=ann)
    token = await door.sign_in(ann)
    async with door.signed_in(token) as first, door.signed_in(token) as second:
        for socket in (first, second):
            await socket.subscribe("feed", ACTIVITY, id=gid(community))
        await until(lambda: len(operations(door.service)) == 2)
        await door.post(TOPIC % '"News"', token, id=gid(community))
        for socket in (first, second):
            assert (await socket.receive())["payload"]["data"]["communityActivity"]["__typename"] == "Added"
        read = await scrape(door)
        assert read["plenary_sockets"] == 2
        assert read["plenary_live_operations"] == 2
        assert read["plenary_events_total"] == 2
        assert read["plenary_queued_events"] == 0
        assert read["plenary_log_position"] == read["plenary_delivered_position"] == 1
    await until(lambda: not operations(door.service))
    async with asyncio.timeout(DEADLINE):
        while (await scrape(door))["plenary_sockets"]:
            pass
    assert (await scrape(door))["plenary_live_operations"] == 0


async def test_what_waits_for_slow_readers_is_counted(door: Door, world: World, ann: Person) -> None:
    community = await world.community(owner=ann)
    async with door.signed_in(await door.sign_in(ann)) as socket:
        await socket.subscribe("feed", ACTIVITY, id=gid(community))
        await until(lambda: bool(operations(door.service)))
        await settled(door.service)
        (operation,) = operations(door.service)
        operation.missed = 7
        assert (await scrape(door))["plenary_queued_events"] == 7


async def test_a_socket_that_the_service_closes_is_counted_by_its_code(door: Door) -> None:
    async with door.signed_in() as socket:
        await socket.send("garbage")
        assert await socket.closed() == 4400
    async with door.signed_in():
        pass  # its own end is not ours, and its code is its own text
    assert reading(await scrape(door), "plenary_socket_closes_total") == {"plenary_socket_closes_total code=4400": 1}


async def test_a_relay_that_lags_shows(
    door: Door, world: World, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "FRESH", 0.0)

    async def stopped() -> None:
        pass

    await settled(door.service)
    monkeypatch.setattr(door.service.relay, "drain", stopped)
    async with door.service.database.write() as session:
        for _ in range(3):
            change = Change(kind=Kind.ROW, topics=[Topic("t")], noun="Member", row_id=world.network.id, at=clock.now())
            session.add(change)
    clock.advance(seconds=90)
    read = await scrape(door)
    assert (read["plenary_relay_waiting_changes"], read["plenary_relay_lag_seconds"]) == (3, 90)
    monkeypatch.undo()
    monkeypatch.setattr(lookout, "FRESH", 0.0)
    await settled(door.service)
    read = await scrape(door)
    assert (read["plenary_relay_waiting_changes"], read["plenary_relay_lag_seconds"]) == (0, 0)


async def test_connections_in_use_are_counted(door: Door) -> None:
    async with door.service.database.write(tells=False) as session:
        await session.connection()
        read = await scrape(door)
        assert read["plenary_database_connections_used pool=write"] == 1
    assert (await scrape(door))["plenary_database_connections_used pool=write"] == 0
    assert read["plenary_database_connections_limit pool=read"] == 5


async def test_without_the_database_metrics_are_read_all_the_same(
    postgres_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lookout, "FRESH", 0.0)
    await empty(postgres_url)
    async with with_wire(postgres_url, clock) as (door, wire):
        assert (await scrape(door))["plenary_database_up"] == 1
        wire.cut()
        read = await scrape(door)
    assert (read["plenary_database_up"], read["plenary_broker_up"]) == (0, 1)
    assert math.isnan(read["plenary_log_position"])
    assert math.isnan(read["plenary_relay_lag_seconds"])


# --- what is written of them -----------------------------------------------------------------------------------------


def test_the_documentation_lists_every_metric_and_no_other() -> None:
    listed = set(re.findall(r"^\| `(plenary_\w+)`", OPERATING.read_text(), re.MULTILINE))
    known = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in Metrics().registry.collect()
        if family.name.startswith("plenary_")
    }
    assert listed == known
