"""Server-Sent Events: one operation as a stream, and coming back to it."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from models import Community, Moderation, QuestionBoard, Visibility
from schema import sse
from tests import documents as do
from tests.client import event_of, operations, until
from tests.started import ANN, DEADLINE, NOBODY, SIGN_OUT, VIEWER, Door
from tests.world import PASSWORD, Person, World, gid

STREAM = {"accept": "text/event-stream"}
FOLLOW = f"""subscription ($id: ID!, $after: FeedCursor) {{
  questionBoard(id: $id, after: $after) {event_of("... on Question { body }")}
}}"""
BARE = "subscription ($id: ID!) { questionBoard(id: $id) { ... on Added { node { ... on Question { body } } } } }"
SNAPSHOT = "query ($id: ID!) { questionBoard(id: $id) { cursor } }"


@pytest.fixture
async def world(door: Door) -> World:
    return await World.make(door.service)


@pytest.fixture
async def board(world: World, community: Community) -> QuestionBoard:
    return await world.board(community, moderation=Moderation.NONE)


class Stream:
    """The events of a stream, one by one."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, str]:
        """The fields of the next event, or of a comment, under an empty name."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(DEADLINE):
            async for line in self._lines:
                if not line:
                    return fields
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
        raise AssertionError("the stream has ended in the middle of an event")

    async def body(self) -> str:
        """The question that the next event adds."""
        event = await self.next()
        return str(json.loads(event["data"])["data"]["questionBoard"]["node"]["body"])

    async def ended(self) -> None:
        assert await self.next() == {"event": "complete", "data": ""}
        assert [line async for line in self._lines] == []


@asynccontextmanager
async def stream(
    door: Door, query: str, token: str | None = None, last: str = "", **variables: Any
) -> AsyncIterator[Stream]:
    headers = (
        STREAM | ({"authorization": f"Bearer {token}"} if token else {}) | ({"last-event-id": last} if last else {})
    )
    asked = {"query": query, "variables": variables}
    async with door.http(**headers) as client, client.stream("POST", "/graphql", json=asked) as response:
        yield Stream(response)


@asynccontextmanager
async def followed(door: Door, query: str, token: str, last: str = "", **variables: Any) -> AsyncIterator[Stream]:
    """A feed's stream, once it has joined."""
    others = operations(door.service)
    async with stream(door, query, token, last, **variables) as found:
        await until(lambda: bool(operations(door.service) - others))
        yield found


async def ask(person: Person, board: Any, *bodies: str) -> None:
    for body in bodies:
        await person.client.do(do.ASK, boardId=gid(board), input={"body": body})


async def test_a_feed_comes_as_a_stream(door, world, ann, bob, board):
    token = await door.sign_in(bob)
    async with followed(door, BARE, token, id=gid(board)) as found:
        assert found.response.status_code == 200
        assert found.response.headers["content-type"].startswith("text/event-stream")
        assert found.response.headers["cache-control"] == "no-store"
        await ask(ann, board, "One?")
        event = await found.next()
        assert event["event"] == "next"
        assert json.loads(event["data"]) == {"data": {"questionBoard": {"node": {"body": "One?"}}}}
        assert event["id"], "also where the client did not ask for the cursor"
    await until(lambda: not operations(door.service))


@pytest.mark.parametrize("how", ["Last-Event-ID", "after"])
async def test_a_lost_stream_goes_on_where_it_was(door, world, ann, bob, board, how):
    token = await door.sign_in(bob)
    async with followed(door, FOLLOW, token, id=gid(board)) as found:
        await ask(ann, board, "One?", "Two?")
        last = (await found.next())["id"]
    await ask(ann, board, "Three?")
    again: dict[str, Any] = {"last": last, "after": "nonsense"} if how == "Last-Event-ID" else {"after": last}
    async with followed(door, FOLLOW, token, id=gid(board), **again) as found:
        assert [await found.body(), await found.body()] == ["Two?", "Three?"]


async def test_what_cannot_be_followed_is_told_in_the_stream(door, world, ann, board):
    async with stream(door, FOLLOW, id="nothing") as found:
        answer = json.loads((await found.next())["data"])
        assert answer["errors"][0]["extensions"] == {"code": "NOT_FOUND"}
        await found.ended()


async def test_a_document_that_is_none_is_told_in_a_stream_to_whom_takes_nothing_else(door):
    async with stream(door, "subscription { nothing }") as found:
        assert found.response.status_code == 200
        answer = json.loads((await found.next())["data"])
        assert answer["errors"][0]["extensions"] == {"code": "INVALID"}
        await found.ended()


async def test_a_query_is_a_stream_of_one_for_whom_takes_nothing_else(door, world, ann):
    async with stream(door, VIEWER, await door.sign_in(ann)) as found:
        assert json.loads((await found.next())["data"])["data"] == ANN
        await found.ended()


async def test_a_list_that_has_a_stream_in_it_makes_no_stream_of_a_query(door):
    accept = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"
    async with door.http(accept=accept) as client:
        response = await client.post("/graphql", json={"query": VIEWER})
    assert response.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    assert response.json()["data"] == NOBODY


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/event-stream;q=0.5, application/json"])
async def test_a_subscription_by_plain_post_is_refused(door, accept):
    async with door.http(accept=accept) as client:
        response = await client.post("/graphql", json={"query": BARE, "variables": {"id": "x"}})
    assert response.json()["errors"][0]["extensions"] == {"code": "INVALID"}
    assert operations(door.service) == set()


async def test_a_silent_stream_is_kept_alive_by_comments(door, world, bob, board, monkeypatch):
    monkeypatch.setattr(sse, "KEEP_ALIVE", 0.02)
    async with followed(door, FOLLOW, await door.sign_in(bob), id=gid(board)) as found:
        assert [await found.next(), await found.next()] == [{"": ""}, {"": ""}]


async def test_signing_out_ends_the_stream(door, world, ann, bob, board):
    token, other = await door.sign_in(bob), await door.sign_in(bob)
    async with (
        followed(door, BARE, token, id=gid(board)) as found,
        followed(door, BARE, other, id=gid(board)) as others,
    ):
        await door.post(SIGN_OUT, token)
        answer = json.loads((await found.next())["data"])
        assert answer["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
        await found.ended()
        await ask(ann, board, "Still there?")
        assert await others.body() == "Still there?"


async def test_losing_sight_ends_the_stream_with_a_last_word(door, world, ann):
    document = "subscription ($id: ID!) { questionBoard(id: $id) { __typename ... on AccessRevoked { scope } } }"
    cid = await world.person("Cid")
    closed = await world.community("Closed", owner=ann, visibility=Visibility.PRIVATE)
    membership, board = await world.belong(cid, closed), await world.board(closed)
    async with followed(door, document, await door.sign_in(cid), id=gid(board)) as found:
        await ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(membership))
        event = json.loads((await found.next())["data"])["data"]["questionBoard"]
        assert event["__typename"] == "AccessRevoked"
        await found.ended()
    assert operations(door.service) == set()


async def test_a_bad_token_is_401_before_any_stream(door):
    async with stream(door, VIEWER, "garbage") as found:
        assert found.response.status_code == 401
        assert found.response.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("what", ["mutation", "feed"])
async def test_whoever_hangs_up_at_any_moment_leaves_nothing_behind(door, world, ann, board, caplog, what):
    """Nothing runs on, no connection of the database is kept, and the log has nothing to say."""
    token = await door.sign_in(ann)
    ask = 'mutation ($id: ID!) { askQuestion(boardId: $id, input: {body: "?"}) { problems { code } } }'
    body = json.dumps({"query": ask if what == "mutation" else BARE, "variables": {"id": gid(board)}})
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )

    async def hang_up(after: float) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write((head + body).encode())
        await asyncio.sleep(after)
        writer.transport.abort()

    await asyncio.gather(*(hang_up(moment / 1_000) for moment in range(40)))
    await until(lambda: not door.server.server_state.tasks and not operations(door.service))
    await until(lambda: not any(pool.used for pool in door.service.database.pools().values()))
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name.startswith(("asyncio", "sqlalchemy"))] == []
    assert door.service.caps["streams"]._open == {}


async def test_a_stream_is_asked_for_by_its_name(door):
    async with door.http(accept="text/*") as client:
        assert (await client.post("/graphql", json={"query": VIEWER})).status_code == 406


async def test_a_stream_gives_no_cookie_that_it_could_not_set(door, ann):
    given = f'{{email: "ann@example.com", password: "{PASSWORD}", cookie: true}}'
    async with stream(door, f"mutation {{ signIn(input: {given}) {{ token problems {{ code }} }} }}") as found:
        answer = json.loads((await found.next())["data"])["data"]["signIn"]
        assert (answer["token"], [problem["code"] for problem in answer["problems"]]) == (None, ["INVALID"])
