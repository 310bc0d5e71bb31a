"""gql, the client library for Python: queries over HTTP, everything over WebSocket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportConnectionFailed, TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from websockets.exceptions import ConnectionClosed

from tests.conformance.conftest import Hall
from tests.started import DEADLINE
from tests.test_examples import OPERATIONS

NODE = "query ($id: ID!) { viewer { account { email } } node(id: $id) { id } }"
Open = Callable[[], AbstractAsyncContextManager[AsyncClientSession]]


def over_http(hall: Hall) -> HTTPXAsyncTransport:
    return HTTPXAsyncTransport(f"{hall.origin}/graphql", headers={"authorization": f"Bearer {hall.token}"})


def over_websocket(hall: Hall) -> WebsocketsTransport:
    url = f"{hall.origin}/graphql".replace("http", "ws", 1)
    return WebsocketsTransport(url, init_payload={"authorization": f"Bearer {hall.token}"})


@pytest.fixture(params=[over_http, over_websocket])
async def session(request: pytest.FixtureRequest, hall: Hall) -> AsyncIterator[AsyncClientSession]:
    async with asyncio.timeout(DEADLINE), Client(transport=request.param(hall)) as session:
        yield session


@pytest.fixture
def opened(hall: Hall) -> Open:
    """A socket of gql's, again and again."""

    @asynccontextmanager
    async def open_one() -> AsyncIterator[AsyncClientSession]:
        async with asyncio.timeout(DEADLINE), Client(transport=over_websocket(hall)) as session:
            yield session

    return open_one


async def ask(session: AsyncClientSession, query: str, /, **variables: Any) -> Any:
    return await session.execute(GraphQLRequest(query, variable_values=variables))


async def say(session: AsyncClientSession, hall: Hall, body: str) -> None:
    answer = await ask(session, OPERATIONS["AskQuestion"], boardId=hall.board_id, body=body)
    assert answer["askQuestion"]["problems"] == []


def follow(session: AsyncClientSession, board: str, after: str | None = None) -> Any:
    request = GraphQLRequest(OPERATIONS["BoardAsAttendeeLive"], variable_values={"boardId": board, "after": after})
    return session.subscribe(request)


async def added(feed: Any) -> tuple[str, str]:
    """The body of the next question that comes, and its cursor."""
    async for result in feed:
        event = result["questionBoard"]
        if event["__typename"] == "Added":
            return event["node"]["body"], event["cursor"]
    raise AssertionError("the feed has ended")


async def now(session: AsyncClientSession, hall: Hall) -> str:
    answer = await ask(session, OPERATIONS["BoardAsAttendee"], boardId=hall.board_id)
    return str(answer["questionBoard"]["cursor"])


async def test_a_query(session: AsyncClientSession) -> None:
    answer = await ask(session, OPERATIONS["WhoAmI"])
    assert answer["viewer"]["account"]["email"] == "ann@example.com"


async def test_a_mutation(session: AsyncClientSession, hall: Hall) -> None:
    answer = await ask(session, OPERATIONS["AskQuestion"], boardId=hall.board_id, body="Why?")
    assert answer["askQuestion"]["question"]["body"] == "Why?"


async def test_a_field_that_is_refused_leaves_the_others(session: AsyncClientSession, hall: Hall) -> None:
    with pytest.raises(TransportQueryError) as refused:
        await ask(session, NODE, id=hall.nothing)
    (error,) = refused.value.errors or []
    assert error["extensions"]["code"] == "NOT_FOUND"
    assert refused.value.data == {"viewer": {"account": {"email": "ann@example.com"}}, "node": None}


async def test_a_document_that_does_not_validate_is_refused_with_a_code(session: AsyncClientSession) -> None:
    with pytest.raises(TransportQueryError) as refused:
        await ask(session, "{ thereIsNoSuchField }")
    (error,) = refused.value.errors or []
    assert error["extensions"]["code"] == "INVALID"


async def test_a_subscription(opened: Open, hall: Hall) -> None:
    async with opened() as session:
        feed = follow(session, hall.board_id, await now(session, hall))
        for body in ("Live?", "Still live?"):
            (heard, _cursor), _ = await asyncio.gather(added(feed), say(session, hall, body))
            assert heard == body
        await feed.aclose()


async def test_a_subscription_that_is_refused_ends_alone(opened: Open, hall: Hall) -> None:
    async with opened() as session:
        sibling = follow(session, hall.board_id, await now(session, hall))
        with pytest.raises(TransportQueryError) as refused:
            await added(follow(session, hall.nothing))
        (error,) = refused.value.errors or []
        assert error["extensions"]["code"] == "NOT_FOUND"
        (heard, _cursor), _ = await asyncio.gather(added(sibling), say(session, hall, "Still there?"))
        assert heard == "Still there?"
        await sibling.aclose()


async def test_reconnect_with_cursor(opened: Open, hall: Hall) -> None:
    async with opened() as session:
        feed = follow(session, hall.board_id, await now(session, hall))
        (heard, cursor), _ = await asyncio.gather(added(feed), say(session, hall, "One?"))
        assert heard == "One?"
        session.transport.adapter.websocket.transport.abort()
        with pytest.raises(TransportConnectionFailed):
            await added(feed)
    async with opened() as session:
        await say(session, hall, "Two?")
        feed = follow(session, hall.board_id, cursor)
        assert (await added(feed))[0] == "Two?"
        (heard, _cursor), _ = await asyncio.gather(added(feed), say(session, hall, "Three?"))
        assert heard == "Three?"
        await feed.aclose()


async def test_a_bad_token_is_told_apart_from_a_lost_connection(hall: Hall) -> None:
    hall.token = "nonsense"
    with pytest.raises(TransportConnectionFailed) as refused:
        async with asyncio.timeout(DEADLINE), Client(transport=over_websocket(hall)):
            pass
    assert isinstance(refused.value.__cause__, ConnectionClosed)
    assert refused.value.__cause__.rcvd
    assert refused.value.__cause__.rcvd.code == 4401
