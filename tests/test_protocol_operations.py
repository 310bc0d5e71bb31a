"""Operations over a socket: each has its id, its answers and its end, and none is its sibling's misfortune."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from models import Visibility
from realtime.operation import Sink
from resolvers import accounts
from schema.context import Context
from tests import documents as do
from tests.client import event_of, operations, until
from tests.started import ANN, NOBODY, VIEWER, Door, bugs, tracebacks
from tests.world import Person, World, gid

ACTIVITY = "subscription ($id: ID!) { communityActivity(communityId: $id)" + event_of("... on Topic { title }") + "}"
POST = 'mutation ($id: ID!) { createTopic(communityId: $id, input: {title: "News"}) { problems { code } } }'


@pytest.fixture
async def world(door: Door) -> World:
    return await World.make(door.service)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Whoever asks who they are waits for it."""
    gate = asyncio.Event()
    of_viewer = accounts.of_viewer

    async def patient(ctx: Context) -> Any:
        await gate.wait()
        return await of_viewer(ctx)

    monkeypatch.setattr(accounts, "of_viewer", patient)
    return gate


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
        assert (await socket.receive())["payload"]["data"] == ANN
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
        assert answer["payload"][0]["extensions"]["code"] in {"INVALID", "COST_EXCEEDED"}
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
    await until(lambda: len(operations(door.service)) >= count)


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

    async def broken(*_arguments: Any, **_where: Any) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(door.service.live, "follow", broken)
    async with door.signed_in(await door.sign_in(ann)) as socket:
        await socket.subscribe("feed", ACTIVITY, id=gid(community))
        answer = await socket.receive()
        assert (answer["type"], answer["id"]) == ("error", "feed")
        (error,) = answer["payload"]
        assert error["extensions"]["code"] == "INTERNAL"
        assert "secret" not in json.dumps(answer)
        assert bugs(caplog) == [error["extensions"]["traceId"]]
        assert "the secret of the house" in caplog.text
        assert await socket.ask(VIEWER) == ANN


# --- how an operation ends -----------------------------------------------------------------------------------------


async def test_a_query_is_one_next_and_complete(door: Door, ann: Person) -> None:
    async with door.signed_in(await door.sign_in(ann)) as socket:
        await socket.subscribe("1", VIEWER)
        answer = await socket.receive()
        assert (answer["id"], answer["type"], answer["payload"]["data"]) == ("1", "next", ANN)
        assert answer.keys() == {"id", "type", "payload"}
        assert await socket.receive() == {"id": "1", "type": "complete"}
        await socket.nothing()


async def test_an_error_is_the_last_word_on_its_operation(door: Door) -> None:
    async with door.signed_in() as socket:
        await socket.subscribe("1", "{ nothing }")
        assert (await socket.receive())["type"] == "error"
        await socket.nothing()
        await socket.subscribe("1", VIEWER)
        assert (await socket.receive())["type"] == "next"


@pytest.mark.parametrize("id", ["0", " ", "\U0001f600", "\u0000", "a" * 10_000, '"', "__proto__", "é" * 300, "\ud800"])
async def test_an_id_may_be_any_text(door: Door, id: str, caplog: pytest.LogCaptureFixture) -> None:
    async with door.signed_in() as socket:
        await socket.subscribe(id, VIEWER)
        answer = await socket.receive()
        assert (answer["type"], answer["id"]) == ("next", id.replace("\ud800", "?"))
        await socket.receive()
        await socket.send({"type": "complete", "id": id})
        await socket.nothing()
    assert tracebacks(caplog) == []


async def test_what_has_failed_partly_is_a_next_with_its_errors(
    door: Door, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_arguments: Any) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(accounts, "of_viewer", broken)
    async with door.signed_in(await door.sign_in(ann)) as socket:
        await socket.subscribe("1", VIEWER)
        answer = await socket.receive()
        assert answer["type"] == "next"
        assert answer["payload"]["data"] == {"viewer": {"account": None}}
        assert answer["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL"
        assert "secret" not in json.dumps(answer)
        assert (await socket.receive())["type"] == "complete"


async def test_extensions_of_a_result_are_passed_on(door: Door) -> None:
    async with door.signed_in() as socket:
        await socket.subscribe("1", VIEWER)
        payload = (await socket.receive())["payload"]
        assert payload["data"] == NOBODY
        assert payload["extensions"]["cost"]["requested"] > 0


# --- ids and races -------------------------------------------------------------------------------------------------


async def test_an_id_is_taken_while_a_query_runs_too(door: Door, ann: Person, gate: asyncio.Event) -> None:
    async with door.signed_in(await door.sign_in(ann)) as socket:
        await socket.subscribe("1", VIEWER)
        await socket.subscribe("1", "{ __typename }")
        assert await socket.closed() == 4409
        assert socket.reason == "Subscriber for 1 already exists"


async def test_a_query_that_was_completed_before_its_answer_is_not_answered(
    door: Door, ann: Person, gate: asyncio.Event
) -> None:
    async with door.signed_in(await door.sign_in(ann)) as socket:
        await socket.subscribe("1", VIEWER)
        await socket.send({"type": "complete", "id": "1"})
        await socket.nothing()
        gate.set()
        assert await socket.ask(VIEWER) == ANN
        await socket.nothing()


async def test_an_id_that_is_used_again_gets_the_answers_of_the_second_alone(
    door: Door, ann: Person, gate: asyncio.Event, caplog: pytest.LogCaptureFixture
) -> None:
    async with door.signed_in(await door.sign_in(ann)) as socket:
        for _ in range(20):
            await socket.subscribe("1", VIEWER)
            await socket.send({"type": "complete", "id": "1"})
        await socket.subscribe("1", "{ __typename }")
        assert (await socket.receive())["payload"]["data"] == {"__typename": "Query"}
        assert await socket.receive() == {"id": "1", "type": "complete"}
        gate.set()
        await socket.nothing()
    assert tracebacks(caplog) == []


async def test_a_complete_that_crosses_an_answer_is_no_mistake(
    door: Door, ann: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """Whenever the client completes, it gets all of the answer or what had been sent of it, and its id is free."""
    async with door.signed_in(await door.sign_in(ann)) as socket:
        for n in range(40):
            await socket.subscribe("1", VIEWER)
            await asyncio.sleep(n * 0.0005)  # the moment of the crossing moves through the whole answer
            await socket.send({"type": "complete", "id": "1"})
            await socket.send({"type": "ping", "payload": {"n": n}})
            said = [await socket.receive()]
            while said[-1]["type"] != "pong":
                said.append(await socket.receive())
            assert [message["type"] for message in said[:-1]] in ([], ["next"], ["next", "complete"])
    assert tracebacks(caplog) == []


async def test_a_client_that_closes_while_it_is_answered_leaves_no_trace(
    door: Door, ann: Person, gate: asyncio.Event, caplog: pytest.LogCaptureFixture
) -> None:
    async with door.signed_in(await door.sign_in(ann)) as socket:
        for n in range(10):
            await socket.subscribe(str(n), VIEWER)
        await socket.nothing()
    gate.set()
    await until(lambda: not door.server.server_state.tasks)
    assert not door.service.caps["live_operations"]._open
    assert tracebacks(caplog) == []


# --- siblings ------------------------------------------------------------------------------------------------------


async def test_operations_answer_as_they_are_done_and_not_in_turn(door: Door, ann: Person, gate: asyncio.Event) -> None:
    async with door.signed_in(await door.sign_in(ann)) as socket:
        await socket.subscribe("slow", VIEWER)
        await socket.subscribe("quick", "{ __typename }")
        assert [(await socket.receive())["id"] for _ in range(2)] == ["quick", "quick"]
        gate.set()
        assert [(await socket.receive())["id"] for _ in range(2)] == ["slow", "slow"]


async def test_a_source_that_breaks_off_is_an_error_without_its_text_and_the_socket_stays(
    door: Door, world: World, ann: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    community = await world.community(owner=ann)
    token = await door.sign_in(ann)
    follow = door.service.live.follow

    async def breaking(*arguments: Any, sink: Sink, shape: Any) -> None:
        told = asyncio.Event()

        class Watched:
            taken = 0

            def take(self, payload: Any) -> bool:
                told.set()
                return sink.take(payload)

            async def drained(self) -> None:
                await sink.drained()

        following = asyncio.ensure_future(follow(*arguments, sink=Watched(), shape=shape))
        await told.wait()
        following.cancel()
        raise RuntimeError("the secret of the house")

    async with door.signed_in(token) as socket:
        with monkeypatch.context() as patch:
            patch.setattr(door.service.live, "follow", breaking)
            await socket.subscribe("breaking", ACTIVITY, id=gid(community))
            await joined(door, 1)
        await socket.subscribe("sibling", ACTIVITY, id=gid(community))
        await joined(door, 2)
        await door.post(POST, token, id=gid(community))
        said = [await socket.receive() for _ in range(3)]
        assert sorted((message["id"], message["type"]) for message in said) == [
            ("breaking", "error"),
            ("breaking", "next"),
            ("sibling", "next"),
        ]
        assert "secret" not in json.dumps(said)
        await door.post(POST, token, id=gid(community))
        assert (await socket.receive())["id"] == "sibling"
        await socket.nothing()
    assert "the secret of the house" in caplog.text


async def test_a_feed_whose_reader_loses_access_ends_with_a_word_and_its_siblings_go_on(
    door: Door, world: World, ann: Person
) -> None:
    bob = await world.person("Bob")
    lost = await world.community("Lost", owner=ann, visibility=Visibility.PRIVATE)
    kept = await world.community("Kept", owner=ann)
    membership = await world.belong(bob, lost)
    await world.belong(bob, kept)
    owner = await door.sign_in(ann)
    async with door.signed_in(await door.sign_in(bob)) as socket:
        await socket.subscribe("lost", ACTIVITY, id=gid(lost))
        await socket.subscribe("kept", ACTIVITY, id=gid(kept))
        await joined(door, 2)
        await door.post(do.REMOVE_MEMBERSHIP, owner, membershipId=gid(membership))
        revoked = {"communityActivity": {"__typename": "AccessRevoked", "scope": gid(lost)}}
        assert await socket.receive() == {"id": "lost", "type": "next", "payload": {"data": revoked}}
        assert await socket.receive() == {"id": "lost", "type": "complete"}
        await door.post(POST, owner, id=gid(kept))
        assert (await socket.receive())["id"] == "kept"


@contextmanager
def contexts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Context]]:
    """Those of all who ask who they are."""
    seen: list[Context] = []
    of_viewer = accounts.of_viewer

    async def watched(ctx: Any) -> Any:
        seen.append(ctx)
        return await of_viewer(ctx)

    with monkeypatch.context() as patch:
        patch.setattr(accounts, "of_viewer", watched)
        yield seen


async def test_operations_of_a_socket_share_nothing_but_who_asks(
    door: Door, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with door.signed_in(await door.sign_in(ann)) as socket:
        with contexts(monkeypatch) as seen:
            await socket.subscribe("1", VIEWER)
            await socket.subscribe("2", VIEWER)
            for _ in range(4):
                await socket.receive()
    one, other = seen
    assert one is not other
    assert one._loaders is not other._loaders
    assert (one.viewer, one.address) == (other.viewer, other.address) == (ann.principal_id, "127.0.0.1")
