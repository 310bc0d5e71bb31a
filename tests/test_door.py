"""The door: who comes in with which token, when an open socket is closed, and what is no request."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from models import Change, Kind
from realtime import topics
from resolvers.accounts import LIFETIME
from tests.conftest import ManualClock
from tests.started import ANN, NOBODY, SIGN_OUT, SIGN_OUT_EVERYWHERE, VIEWER, Door, bugs, tracebacks
from tests.world import Person, World, gid

DISPLAY = "query ($id: ID!) { node(id: $id) { ... on QuestionBoard { title viewerCan { display { allowed } } } } }"
REVOKE = "mutation ($id: ID!) { revokeKioskKey(kioskKeyId: $id) { problems { code } } }"


@pytest.fixture
async def world(door: Door) -> World:
    return await World.make(door.service)


async def test_the_bearer_header_says_who_is_asking(door: Door, ann: Person) -> None:
    assert await door.post(VIEWER) == NOBODY
    assert await door.post(VIEWER, await door.sign_in(ann)) == ANN


@pytest.mark.parametrize("authorization", ["Bearer garbage", "Bearer plenary_sign_in_x", "Bearer \xe4"])
async def test_a_bad_token_is_401_and_closes_a_socket_with_4401(door: Door, authorization: str) -> None:
    async with door.http() as client:
        response = await client.post(
            "/graphql", json={"query": VIEWER}, headers=[(b"authorization", authorization.encode("latin-1"))]
        )
    assert response.status_code == 401
    assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    async with door.socket() as socket:
        await socket.send({"type": "connection_init", "payload": {"authorization": authorization}})
        assert await socket.closed() == 4401


async def test_the_word_may_have_a_capital_as_in_a_header(door: Door, ann: Person) -> None:
    async with door.socket() as socket:
        await socket.send(
            {"type": "connection_init", "payload": {"Authorization": f"Bearer {await door.sign_in(ann)}"}}
        )
        assert await socket.receive() == {"type": "connection_ack"}
        assert await socket.ask(VIEWER) == ANN
    async with door.socket() as socket:
        await socket.send({"type": "connection_init", "payload": {"Authorization": "Bearer of nobody"}})
        assert await socket.closed() == 4401


async def test_a_missing_token_is_nobody_on_a_socket_too(door: Door, ann: Person) -> None:
    async with door.signed_in() as socket:
        assert await socket.ask(VIEWER) == NOBODY
    async with door.signed_in(await door.sign_in(ann)) as socket:
        assert await socket.ask(VIEWER) == ANN


@pytest.mark.parametrize("authorization", [5, "Basic QW5uOng=", "plenary_abc", ["Bearer x"], {"Bearer": "x"}])
async def test_what_is_no_bearer_token_is_one_that_nobody_has(door: Door, authorization: Any) -> None:
    async with door.socket() as socket:
        await socket.send({"type": "connection_init", "payload": {"authorization": authorization}})
        assert await socket.closed() == 4401
    async with door.http(authorization=str(authorization)) as client:
        assert (await client.post("/graphql", json={"query": VIEWER})).status_code == 401


@pytest.mark.parametrize("authorization", [None, "", "Bearer ", " "])
async def test_an_empty_authorization_is_nobodys(door: Door, authorization: Any) -> None:
    async with door.socket() as socket:
        await socket.send({"type": "connection_init", "payload": {"authorization": authorization}})
        assert await socket.receive() == {"type": "connection_ack"}
        assert await socket.ask(VIEWER) == NOBODY


async def test_an_expired_token_is_401_and_closes_a_socket_with_4403(
    door: Door, ann: Person, clock: ManualClock
) -> None:
    token = await door.sign_in(ann)
    clock.advance(seconds=LIFETIME.total_seconds())
    async with door.http(authorization=f"Bearer {token}") as client:
        assert (await client.post("/graphql", json={"query": VIEWER})).status_code == 401
    async with door.socket() as socket:
        await socket.send({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        assert await socket.closed() == 4403


async def ring(world: World, topic: topics.Topic, person: Person) -> None:
    """Announce something on the topic, though nothing has changed."""
    async with world.service.database.write() as session:
        session.add(Change(kind=Kind.RIGHTS, topics=[topic], noun="Member", row_id=person.member.id, at=world.now))


async def test_a_token_that_expires_closes_its_open_socket_with_4403(
    door: Door, world: World, ann: Person, clock: ManualClock
) -> None:
    async with door.signed_in(await door.sign_in(ann)) as socket:
        await ring(world, topics.person(ann.principal_id), ann)
        assert await socket.ask(VIEWER) == ANN
        clock.advance(seconds=LIFETIME.total_seconds())
        await ring(world, topics.person(ann.principal_id), ann)
        assert await socket.closed() == 4403


async def test_a_token_that_expires_by_itself_closes_its_open_socket(
    door: Door, ann: Person, clock: ManualClock
) -> None:
    token = await door.sign_in(ann)
    clock.advance(seconds=LIFETIME.total_seconds() - 0.1)

    async def move_on() -> None:
        while True:
            await asyncio.sleep(0.01)
            clock.advance(seconds=0.01)

    async with door.signed_in(token) as socket:
        moving = asyncio.create_task(move_on())
        assert await socket.closed() == 4403
        moving.cancel()


async def test_signing_out_closes_the_open_sockets_of_that_sign_in_alone(door: Door, ann: Person) -> None:
    here, there = await door.sign_in(ann), await door.sign_in(ann)
    async with door.signed_in(here) as first, door.signed_in(here) as second, door.signed_in(there) as other:
        await door.post(SIGN_OUT, here)
        assert [await first.closed(), await second.closed()] == [4401, 4401]
        assert await other.ask(VIEWER) == ANN


async def test_signing_out_everywhere_closes_every_open_socket_of_the_account_alone(
    door: Door, world: World, ann: Person
) -> None:
    bob = await world.person("Bob")
    tokens = [await door.sign_in(ann) for _ in range(2)]
    tokens.append(await door.sign_in(bob))
    first, second, other = map(door.signed_in, tokens)
    async with first as one, second as two, other as bobs:
        await door.post(SIGN_OUT_EVERYWHERE, tokens[0])
        assert [await one.closed(), await two.closed()] == [4401, 4401]
        assert (await bobs.ask(VIEWER))["viewer"]["account"] == {"email": "bob@example.com"}


async def test_signing_out_over_the_socket_itself_closes_it(door: Door, ann: Person) -> None:
    async with door.signed_in(await door.sign_in(ann)) as socket:
        await socket.subscribe("out", SIGN_OUT)
        assert await socket.closed() == 4401


async def test_a_kiosk_key_signs_a_display_in_until_it_is_revoked(door: Door, world: World, ann: Person) -> None:
    board = await world.board(await world.community(owner=ann))
    _client, key, token = await world.kiosk(board)
    async with door.signed_in(token) as socket:
        assert await socket.ask(DISPLAY, id=gid(board)) == {
            "node": {"title": "Q&A", "viewerCan": {"display": {"allowed": True}}}
        }
        assert await socket.ask("{ viewer { account { email } signedInUntil } }") == {
            "viewer": {"account": None, "signedInUntil": None}
        }
        await door.post(REVOKE, await door.sign_in(ann), id=gid(key))
        assert await socket.closed() == 4401
    async with door.socket() as socket:
        await socket.send({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        assert await socket.closed() == 4401


async def test_a_bug_in_a_query_is_masked(
    door: Door, ann: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    token = await door.sign_in(ann)

    async def broken(*_arguments: Any) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("resolvers.accounts.of_viewer", broken)
    async with door.http(authorization=f"Bearer {token}") as client:
        response = await client.post("/graphql", json={"query": VIEWER})
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert bugs(caplog) == [error["extensions"]["traceId"]]
    assert "secret" not in response.text


# --- the rest of the door ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_256_kib_is_refused(door: Door, chunked: bool) -> None:
    def body(size: int) -> bytes:
        return json.dumps({"query": VIEWER, "variables": {"x": "x" * size}}).encode()

    async def pieces(content: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(content), 16_384):
            yield content[start : start + 16_384]

    headers = {"content-type": "application/json"}
    async with door.http() as client:
        fits, large = body(250 * 1024), body(257 * 1024)
        taken = await client.post("/graphql", content=pieces(fits) if chunked else fits, headers=headers)
        assert taken.json()["data"] == NOBODY
        refused = await client.post("/graphql", content=pieces(large) if chunked else large, headers=headers)
    assert refused.status_code == 413
    assert refused.json()["errors"][0]["extensions"] == {"code": "INVALID"}


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b"1", b"{", b"\xff", b'{"query": 5}', b'{"query": "{"}', b"[" * 100_000]
)
async def test_a_body_that_is_no_request_is_never_a_bug(
    door: Door, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with door.http() as client:
        response = await client.post("/graphql", content=content, headers={"content-type": "application/json"})
    assert response.status_code < 500
    if response.status_code != 400:
        assert response.json()["errors"][0]["extensions"] == {"code": "INVALID"}
    assert tracebacks(caplog) == []
