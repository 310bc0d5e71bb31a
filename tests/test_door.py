import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from websockets.exceptions import InvalidStatus

from models import Change, Kind
from realtime import topics
from resolvers.accounts import LIFETIME
from resolvers.passwords import Passwords
from server import Environment, Service, Settings
from tests.client import event_of
from tests.conftest import ManualClock
from tests.started import DEADLINE, SIGN_IN, Door, started
from tests.world import PASSWORD, Person, World, gid

VIEWER = "{ viewer { account { email } } }"
ANN = {"viewer": {"account": {"email": "ann@example.com"}}}
NOBODY = {"viewer": None}
SIGN_OUT = "mutation { signOut { problems { code } } }"
SIGN_OUT_EVERYWHERE = "mutation { signOutEverywhere { problems { code } } }"
ACTIVITY = "subscription ($id: ID!) { communityActivity(communityId: $id)" + event_of("... on Topic { title }") + "}"
DISPLAY = "query ($id: ID!) { node(id: $id) { ... on QuestionBoard { title viewerCan { display { allowed } } } } }"
REVOKE = "mutation ($id: ID!) { revokeKioskKey(kioskKeyId: $id) { problems { code } } }"
PREFLIGHT = {"graphql-require-preflight": "1"}


@pytest.fixture
async def world(door: Door) -> World:
    return await World.make(door.service)


@pytest.fixture
async def ann(world: World) -> Person:
    return await world.person("Ann")


async def ask(client: httpx.AsyncClient, query: str, **headers: str) -> Any:
    response = await client.post("/graphql", json={"query": query}, headers=headers)
    return response.json()["data"]


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


async def test_a_missing_token_is_nobody_on_a_socket_too(door: Door, ann: Person) -> None:
    async with door.signed_in() as socket:
        assert await socket.ask(VIEWER) == NOBODY
    async with door.signed_in(await door.sign_in(ann)) as socket:
        assert await socket.ask(VIEWER) == ANN


@pytest.mark.parametrize("authorization", [None, 5, "", "Bearer ", "Basic QW5uOng=", ["Bearer x"], {"Bearer": "x"}])
async def test_what_is_no_bearer_token_is_nobody(door: Door, authorization: Any) -> None:
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


# --- the cookie ----------------------------------------------------------------------------------------------------


async def sign_in_with_cookie(door: Door, client: httpx.AsyncClient) -> httpx.Response:
    variables = {"email": "ann@example.com", "password": PASSWORD, "cookie": True}
    response = await client.post(
        "/graphql", json={"query": SIGN_IN, "variables": variables}, headers={"origin": door.origin}
    )
    assert response.json() == {"data": {"signIn": {"token": None, "problems": []}}}
    return response


async def test_the_cookie_is_for_this_site_and_not_for_scripts(door: Door, ann: Person) -> None:
    async with door.http() as client:
        (cookie,) = SimpleCookie((await sign_in_with_cookie(door, client)).headers["set-cookie"]).values()
    assert (cookie.key, cookie["path"], cookie["samesite"].lower()) == ("plenary", "/", "strict")
    assert cookie["httponly"]
    assert not cookie["secure"]
    assert cookie["max-age"] == str(int(LIFETIME.total_seconds()))
    assert not cookie["domain"]


async def test_in_production_the_cookie_is_secure_and_of_this_host(database_url: str, clock: ManualClock) -> None:
    settings = Settings(database_url=database_url, secret_key=SecretStr("s" * 40), environment=Environment.PRODUCTION)
    async with started(Service(settings, clock, Passwords(memory_kib=8, passes=1))) as door:
        await (await World.make(door.service)).person("Ann")
        async with door.http() as client:
            (cookie,) = SimpleCookie((await sign_in_with_cookie(door, client)).headers["set-cookie"]).values()
        assert (cookie.key, cookie["path"], cookie["samesite"].lower()) == ("__Host-plenary", "/", "strict")
        assert cookie["httponly"]
        assert cookie["secure"]
        assert not cookie["domain"]
        async with door.http(cookie=f"plenary={cookie.value}", origin=door.origin) as client:
            assert await ask(client, VIEWER) == NOBODY
        async with door.http(cookie=f"__Host-plenary={cookie.value}", origin=door.origin) as client:
            assert await ask(client, VIEWER) == ANN


@pytest.fixture
async def page(door: Door, ann: Person) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that is signed in with a cookie."""
    async with door.http() as client:
        await sign_in_with_cookie(door, client)
        yield client


async def test_the_cookie_counts_from_our_own_origin_only(door: Door, page: httpx.AsyncClient) -> None:
    assert page.cookies
    assert await ask(page, VIEWER, origin=door.origin) == ANN
    assert await ask(page, VIEWER) == NOBODY
    for origin in ("http://evil.example", "null", "", f"{door.origin}.evil.example", "http://127.0.0.1:1"):
        assert await ask(page, VIEWER, origin=origin) == NOBODY


async def test_a_get_without_an_origin_does_not_count_the_cookie(door: Door, page: httpx.AsyncClient) -> None:
    params = {"query": VIEWER}
    response = await page.get("/graphql", params=params, headers=PREFLIGHT)
    assert response.json()["data"] == NOBODY
    response = await page.get("/graphql", params=params, headers={**PREFLIGHT, "origin": door.origin})
    assert response.json()["data"] == ANN


async def test_a_mutation_cannot_be_sent_by_get(door: Door, page: httpx.AsyncClient) -> None:
    headers = {**PREFLIGHT, "origin": door.origin}
    response = await page.get("/graphql", params={"query": SIGN_OUT_EVERYWHERE}, headers=headers)
    assert response.status_code in {400, 405}
    assert await ask(page, VIEWER, origin=door.origin) == ANN


def cookie_of(page: httpx.AsyncClient) -> str:
    return "; ".join(f"{name}={value}" for name, value in page.cookies.items())


async def test_a_socket_takes_the_cookie_from_our_own_origin(door: Door, page: httpx.AsyncClient) -> None:
    async with door.socket(origin=door.origin, cookie=cookie_of(page)) as socket:
        await socket.init()
        assert await socket.ask(VIEWER) == ANN
    async with door.socket(cookie=cookie_of(page)) as socket:
        await socket.init()
        assert await socket.ask(VIEWER) == NOBODY


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_socket_from_another_origin_is_refused_at_the_handshake(
    door: Door, page: httpx.AsyncClient, origin: str
) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with door.socket(origin=origin, cookie=cookie_of(page)):
            pytest.fail("the handshake went through")
    assert refusal.value.response.status_code == 403


async def test_signing_out_takes_the_cookie_away_and_closes_its_socket(door: Door, page: httpx.AsyncClient) -> None:
    async with door.socket(origin=door.origin, cookie=cookie_of(page)) as socket:
        await socket.init()
        assert await ask(page, SIGN_OUT, origin=door.origin) == {"signOut": {"problems": []}}
        assert await socket.closed() == 4401
    assert not page.cookies
    assert await ask(page, VIEWER, origin=door.origin) == NOBODY


async def test_a_cookie_that_is_good_no_longer_is_taken_away_so_that_one_can_sign_in_again(
    door: Door, page: httpx.AsyncClient, clock: ManualClock
) -> None:
    clock.advance(seconds=LIFETIME.total_seconds())
    response = await page.post("/graphql", json={"query": VIEWER}, headers={"origin": door.origin})
    assert response.status_code == 401
    assert not page.cookies
    await sign_in_with_cookie(door, page)
    assert await ask(page, VIEWER, origin=door.origin) == ANN


async def test_a_bad_bearer_token_leaves_the_cookie_alone(door: Door, page: httpx.AsyncClient) -> None:
    headers = {"origin": door.origin, "authorization": "Bearer garbage"}
    assert (await page.post("/graphql", json={"query": VIEWER}, headers=headers)).status_code == 401
    assert await ask(page, VIEWER, origin=door.origin) == ANN


# --- the protocol --------------------------------------------------------------------------------------------------

INIT = '{"type": "connection_init"}'


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


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


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
    assert door.service.view.connection_init_wait_timeout == timedelta(seconds=5)
    door.service.view.connection_init_wait_timeout = timedelta(seconds=0.05)
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
    assert error["extensions"]["traceId"] in caplog.text
    assert "secret" not in response.text


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("anything",)], ids=["none", "legacy", "unknown"])
async def test_only_graphql_transport_ws_is_spoken(door: Door, protocols: tuple[str, ...]) -> None:
    async with door.socket(protocols=protocols) as socket:
        assert await socket.closed() == 4406


async def test_of_several_protocols_ours_is_taken(door: Door) -> None:
    async with door.socket(protocols=("graphql-ws", "graphql-transport-ws")) as socket:
        await socket.init()
        assert await socket.ask(VIEWER) == NOBODY


# --- the rest of the door ------------------------------------------------------------------------------------------


async def test_the_service_says_that_it_is_alive_and_ready(door: Door) -> None:
    async with door.http() as client:
        live, ready = await client.get("/health/live"), await client.get("/health/ready")
    assert (live.status_code, live.json()) == (200, {"status": "alive"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


async def test_without_its_tables_the_service_is_alive_but_not_ready(door: Door) -> None:
    async with door.service.database.write() as session:
        await session.execute(text("ALTER TABLE head RENAME TO hidden_head"))
    try:
        async with door.http() as client:
            live, ready = await client.get("/health/live"), await client.get("/health/ready")
    finally:
        async with door.service.database.write() as session:
            await session.execute(text("ALTER TABLE hidden_head RENAME TO head"))
    assert (live.status_code, ready.status_code) == (200, 503)
    assert ready.json() == {"status": "no database"}


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
        assert taken.json() == {"data": NOBODY}
        refused = await client.post("/graphql", content=pieces(large) if chunked else large, headers=headers)
    assert refused.status_code == 413


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
