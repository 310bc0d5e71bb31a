"""The protocol of the socket, graphql-transport-ws: every message, and every code that it closes with."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.client import event_of
from tests.started import ANN, DEADLINE, NOBODY, VIEWER, Door, tracebacks
from tests.world import Person, World, gid

ACTIVITY = "subscription ($id: ID!) { communityActivity(communityId: $id)" + event_of("... on Topic { title }") + "}"
INIT = '{"type": "connection_init"}'


@pytest.fixture
async def world(door: Door) -> World:
    return await World.make(door.service)


def subscribe(**payload: Any) -> str:
    return json.dumps({"type": "subscribe", "id": "1", "payload": payload})


MALFORMED = {
    "nothing": "",
    "no JSON": "connection_init",
    "half a JSON": '{"type": "ping"',
    "null": "null",
    "a number": "1",
    "a text": '"ping"',
    "a list": "[]",
    "a list of messages": '[{"type": "ping"}]',
    "no type": "{}",
    "a type that is null": '{"type": null}',
    "a type that is no text": '{"type": ["ping"]}',
    "an unknown type": '{"type": "start"}',
    "the legacy protocol": '{"type": "connection_terminate"}',
    "a message of the server": '{"type": "connection_ack"}',
    "a ping with a list": '{"type": "ping", "payload": []}',
    "a pong with a text": '{"type": "pong", "payload": "x"}',
    "a subscribe without id": json.dumps({"type": "subscribe", "payload": {"query": VIEWER}}),
    "a subscribe with a number": json.dumps({"type": "subscribe", "id": 1, "payload": {"query": VIEWER}}),
    "a subscribe with an empty id": json.dumps({"type": "subscribe", "id": "", "payload": {"query": VIEWER}}),
    "a subscribe without payload": '{"type": "subscribe", "id": "1"}',
    "a subscribe with a list": '{"type": "subscribe", "id": "1", "payload": []}',
    "a subscribe without query": subscribe(),
    "a query that is null": subscribe(query=None),
    "a query that is an object": subscribe(query={}),
    "variables that are a list": subscribe(query=VIEWER, variables=[]),
    "variables that are a text": subscribe(query=VIEWER, variables="x"),
    "a name that is a number": subscribe(query=VIEWER, operationName=1),
    "a complete without id": '{"type": "complete"}',
    "a complete with a number": '{"type": "complete", "id": 1}',
    "a complete with a list": '{"type": "complete", "id": ["1"]}',
    "a binary frame": b'{"type": "ping"}',
    "a binary frame that is no text": b"\xff\xfe",
    "a deep list": "[" * 60_000,
    "a deep object": '{"a":' * 12_000,
    "a number without end": '{"type": %s}' % ("9" * 10_000),
}


async def test_a_malformed_message_closes_with_4400_and_no_traceback(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    codes = {}
    for name, message in MALFORMED.items():
        async with door.signed_in() as socket:
            await socket.send(message)
            codes[name] = await socket.closed()
    assert codes == dict.fromkeys(MALFORMED, 4400)
    assert tracebacks(caplog) == []


async def test_a_malformed_first_message_closes_with_4400_too(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    payloads: list[Any] = [[], "x", 1]
    for payload in payloads:
        async with door.socket() as socket:
            await socket.send({"type": "connection_init", "payload": payload})
            assert await socket.closed() == 4400
    assert tracebacks(caplog) == []


async def test_a_message_over_64_kib_is_refused(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    async with door.signed_in() as socket:
        await socket.send({"type": "ping", "payload": {"x": "x" * 64 * 1024}})
        assert await socket.closed() == 1009
    assert tracebacks(caplog) == []


async def test_a_ping_is_answered(door: Door) -> None:
    async with door.signed_in() as socket:
        await socket.send({"type": "ping", "payload": {"any": "thing"}})
        assert (await socket.receive())["type"] == "pong"
        await socket.send({"type": "pong"})
        assert await socket.ask(VIEWER) == NOBODY


async def test_who_does_not_say_connection_init_in_time_is_closed_with_4408(door: Door) -> None:
    assert door.service.sockets.connection_init_wait_timeout == timedelta(seconds=5)
    door.service.sockets.connection_init_wait_timeout = timedelta(seconds=0.05)
    async with door.socket() as socket:
        assert await socket.closed() == 4408


async def test_saying_connection_init_twice_closes_with_4429(door: Door) -> None:
    async with door.signed_in() as socket:
        await socket.send(INIT)
        assert await socket.closed() == 4429
    async with door.socket() as socket:
        await socket.send(INIT)
        await socket.send(INIT)
        assert await socket.closed() == 4429


async def test_subscribing_before_the_acknowledgement_closes_with_4401(door: Door) -> None:
    async with door.socket() as socket:
        await socket.subscribe("1", VIEWER)
        assert await socket.closed() == 4401


@pytest.mark.parametrize("id", ["1", "x" * 2_000, "ä" * 100], ids=["short", "long", "in many bytes"])
async def test_a_second_operation_under_a_running_id_closes_with_4409(
    door: Door, world: World, ann: Person, id: str, caplog: pytest.LogCaptureFixture
) -> None:
    community = await world.community(owner=ann)
    async with door.signed_in(await door.sign_in(ann)) as socket:
        for _ in range(2):
            await socket.subscribe(id, ACTIVITY, id=gid(community))
        assert await socket.closed() == 4409
    assert tracebacks(caplog) == []


async def test_an_id_is_free_again_when_its_operation_is_complete(door: Door, world: World, ann: Person) -> None:
    community = await world.community(owner=ann)
    async with door.signed_in(await door.sign_in(ann)) as socket:
        await socket.subscribe("1", ACTIVITY, id=gid(community))
        await socket.send({"type": "complete", "id": "1"})
        await socket.send({"type": "complete", "id": "unknown"})
        await socket.subscribe("1", VIEWER)
        assert (await socket.receive())["payload"] == {"data": ANN}
        assert await socket.receive() == {"type": "complete", "id": "1"}


@pytest.mark.parametrize(
    "payload",
    [
        {"query": "{ viewer {"},
        {"query": ""},
        {"query": "query A { __typename } query B { __typename }"},
        {"query": "query A { __typename }", "operationName": "C"},
        {"query": "{ nothing }"},
        {"query": "query ($id: ID!) { node(id: $id) { id } }", "variables": {}},
        {"query": "{" * 30_000},
        {"query": "{ a" * 10_000},
        {"query": "{ __typename @skip(if: 5) }"},
        {"query": "subscription { communityActivity }"},
        {"query": "{ __typename } \ud800"},
        {"query": '{ node(id: "\x00" { id } }'},
    ],
    ids=[
        *("syntax", "empty", "no name", "unknown name", "unknown field", "missing variable"),
        *("braces", "depth", "directive", "argument", "surrogate", "control character"),
    ],
)
async def test_an_operation_that_cannot_run_is_an_error_of_its_own(
    door: Door, payload: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with door.signed_in() as socket:
        await socket.send({"type": "subscribe", "id": "bad", "payload": payload})
        answer = await socket.receive()
        assert (answer["type"], answer["id"]) == ("error", "bad"), answer
        assert answer["payload"][0]["message"]
        assert answer["payload"][0]["extensions"] == {"code": "INVALID"}
        assert await socket.ask(VIEWER) == NOBODY
    assert tracebacks(caplog) == []


async def test_an_error_leaves_the_siblings_running(door: Door, world: World, ann: Person) -> None:
    community = await world.community(owner=ann)
    post = 'mutation ($id: ID!) { createTopic(communityId: $id, input: {title: "News"}) { problems { code } } }'
    async with door.signed_in(await door.sign_in(ann)) as socket:
        await socket.subscribe("feed", ACTIVITY, id=gid(community))
        await socket.subscribe("bad", "{ viewer {")
        assert (await socket.receive())["type"] == "error"
        await joined(door, 1)
        await door.post(post, await door.sign_in(ann), id=gid(community))
        event = await socket.receive()
        assert (event["id"], event["type"]) == ("feed", "next")
        assert event["payload"]["data"]["communityActivity"]["node"]["title"] == "News"


async def joined(door: Door, count: int) -> None:
    """Wait until so many operations are live."""
    delivery = door.service.live.delivery
    async with asyncio.timeout(DEADLINE):
        while len(set().union(*delivery._operations.values())) < count:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.002)


async def test_a_feed_out_of_sight_is_an_error_with_its_code_and_the_socket_stays(
    door: Door, world: World, ann: Person
) -> None:
    community = await world.community(owner=ann)
    async with door.signed_in() as socket:
        await socket.subscribe("feed", ACTIVITY, id=gid(community))
        answer = await socket.receive()
        error = answer["payload"]["errors"][0] if answer["type"] == "next" else answer["payload"][0]
        assert (answer["type"], error["extensions"]) == ("error", {"code": "NOT_FOUND"})
        assert await socket.ask(VIEWER) == NOBODY


async def test_a_bug_in_a_source_is_masked_and_the_socket_stays(
    door: Door, world: World, ann: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    community = await world.community(owner=ann)

    async def broken(*arguments: Any) -> AsyncIterator[Any]:
        if arguments:
            raise RuntimeError("the secret of the house")
        yield

    monkeypatch.setattr(door.service.live, "follow", broken)
    async with door.signed_in(await door.sign_in(ann)) as socket:
        await socket.subscribe("feed", ACTIVITY, id=gid(community))
        answer = await socket.receive()
        assert (answer["type"], answer["id"]) == ("error", "feed")
        (error,) = answer["payload"]
        assert error["extensions"]["code"] == "INTERNAL"
        assert "secret" not in json.dumps(answer)
        assert error["extensions"]["traceId"] in caplog.text
        assert "the secret of the house" in caplog.text
        assert await socket.ask(VIEWER) == ANN


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("anything",)], ids=["none", "legacy", "unknown"])
async def test_only_graphql_transport_ws_is_spoken(door: Door, protocols: tuple[str, ...]) -> None:
    async with door.socket(protocols=protocols) as socket:
        assert await socket.closed() == 4406


async def test_of_several_protocols_ours_is_taken(door: Door) -> None:
    async with door.socket(protocols=("graphql-ws", "graphql-transport-ws")) as socket:
        await socket.init()
        assert await socket.ask(VIEWER) == NOBODY
