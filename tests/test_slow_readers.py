"""Slow readers, over the wire: told that they lag and then all of it, at nobody's cost; let go if they lag on."""

import asyncio
import json
from typing import Any

import pytest

from models import Community
from realtime import delivery
from schema.frames import PREPARED
from server import create_app
from tests import documents as do
from tests.client import event_of, operations, until
from tests.raw import CLOSE, Raw, frame, text, upgraded
from tests.started import Door, serving
from tests.world import Person, World, gid

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

POSTS = 12
BODIES = " ".join(f"b{n}: body" for n in range(30))
ACTIVITY = (
    "subscription ($id: ID!) { communityActivity(communityId: $id)" + event_of(f"... on Post {{ {BODIES} }}") + " }"
)


async def stall(door: Door, raw: Raw, person: Person, community: Community) -> None:
    """Follow, and read nothing more."""
    authorization = f"Bearer {await door.sign_in(person)}"
    await raw.send(text({"type": "connection_init", "payload": {"authorization": authorization}}))
    assert await raw.message() == {"type": "connection_ack"}
    payload = {"query": ACTIVITY, "variables": {"id": gid(community)}}
    await raw.send(text({"type": "subscribe", "id": "slow", "payload": payload}))
    await until(lambda: any(operation.is_live for operation in operations(door.service)))


async def post(person: Person, community: Community) -> list[str]:
    body = "much " * 1_000
    posts = [
        await person.client.do(do.CREATE_POST, communityId=gid(community), input={"title": f"Post {n}", "body": body})
        for n in range(POSTS)
    ]
    return [made["post"]["id"] for made in posts]


def event_in(message: Any) -> Any:
    assert message["type"] == "next", message
    return message["payload"]["data"]["communityActivity"]


async def test_one_who_stalls_is_told_that_they_lag_and_then_all_that_they_missed_and_costs_others_nothing(
    door: Door, ann: Person, bob: Person, community: Community
) -> None:
    token = await door.sign_in(bob)
    async with upgraded(door.port, init=False, receives=4_096) as slow, door.signed_in(token) as quick:
        await stall(door, slow, ann, community)
        await quick.subscribe("quick", ACTIVITY, id=gid(community))
        await until(lambda: len(operations(door.service)) == 2)
        posting = asyncio.create_task(post(bob, community))
        at_once = [event_in(await quick.receive())["node"]["id"] for _ in range(POSTS)]
        assert at_once == await posting
        assert not all(operation.is_live for operation in operations(door.service))
        events: list[Any] = []
        while sum(event["__typename"] == "Added" for event in events) < POSTS:
            events.append(event_in(await slow.message()))
    lagged = [event["skipped"] for event in events if event["__typename"] == "Lagged"]
    assert lagged
    assert lagged[0] > 0
    assert [event["node"]["id"] for event in events if event["__typename"] == "Added"] == at_once


async def test_one_who_lags_on_is_let_go_with_1013_and_the_others_stay(
    door: Door, ann: Person, bob: Person, community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "LAGS", 1)
    token = await door.sign_in(bob)
    async with upgraded(door.port, init=False, receives=4_096) as slow, door.signed_in(token) as quick:
        await stall(door, slow, ann, community)
        await post(bob, community)
        await until(lambda: not operations(door.service))
        found = await slow.frame()
        while found.opcode != CLOSE:
            found = await slow.frame()
        await slow.send(frame(CLOSE, found.payload[:2]))
        assert (found.code, found.payload[2:]) == (1013, b"Too slow a reader.")
        await quick.nothing()


async def test_behind_a_server_that_cannot_write_what_is_prepared_everything_is_told_all_the_same(
    door: Door, world: World, ann: Person, bob: Person, community: Community
) -> None:
    app = create_app(door.service)
    offered: list[bool] = []

    async def without(scope: Any, receive: Any, send: Any) -> None:
        extensions = dict(scope.get("extensions") or {})
        offered.append(extensions.pop(PREPARED, None) is not None)
        await app({**scope, "extensions": extensions}, receive, send)

    async with serving(without) as (server, port):
        other = Door(door.service, server, port)
        async with other.signed_in(await door.sign_in(ann)) as socket:
            await socket.subscribe("1", ACTIVITY, id=gid(community))
            await until(lambda: any(operation.is_live for operation in operations(door.service)))
            posts = await post(bob, community)
            told = [event_in(await socket.receive())["node"]["id"] for _ in posts]
            assert told == posts
            await socket.send(json.dumps({"type": "complete", "id": "1"}))
            await until(lambda: not operations(door.service))
            await socket.nothing()
    assert True in offered
