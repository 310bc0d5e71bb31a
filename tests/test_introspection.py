"""Introspection and suggestions: for people who are signed in, and in development for everybody."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from models import Community, VisitorRights
from resolvers import codes
from server import Environment, Service, Settings
from tests import documents as do
from tests.conftest import ManualClock, make_service
from tests.hostile import INTROSPECTION
from tests.started import Door, started
from tests.test_rosters import KARIN, imported
from tests.world import Person, World

ASKED = {
    "schema": "{ __schema { queryType { name } } }",
    "type": '{ __type(name: "Question") { name } }',
    "in a fragment": "{ ...F } fragment F on Query { a: __schema { queryType { name } } }",
    "what clients send": INTROSPECTION,
}
MISTAKES = {
    "field": "{ viewr { account { id } } }",
    "argument": '{ node(idd: "x") { id } }',
    "type": "fragment F on Quest { id }",
    "value": "query ($f: EscalationFilter) { escalations(networkId: 1, filter: $f) { cursor } }",
}
PEOPLE = ("member", "attendee")
OTHERS = ("nobody", "visitor", "display")


@pytest.fixture
async def door(database_url: str, clock: ManualClock) -> AsyncIterator[Door]:
    """A server in production."""
    like = make_service(database_url, clock)
    settings = Settings(
        database_url=database_url,
        environment=Environment.PRODUCTION,
        secret_key=SecretStr("s" * 40),
    )
    async with started(Service(settings, clock, like.passwords, like.timing, like.tick)) as door:
        yield door


@pytest.fixture
async def world(door: Door) -> World:
    return await World.make(door.service)


@pytest.fixture
async def tokens(door: Door, world: World, owner: Person, open_hall: Community) -> dict[str, str | None]:
    """Somebody of every kind."""
    board = await world.board(open_hall)
    await world.change(board, visitors=VisitorRights.ASK_AND_VOTE, join_code=codes.new())
    joined = await door.post(do.JOIN_BOARD, code=(await world.fresh(board)).join_code, name="Vic")
    _, _, display = await world.kiosk(board)
    (line,) = await imported(world, owner, KARIN)
    karin = await door.post(do.SIGN_IN_WITH_TICKET, ticket=line["ticket"])
    return {
        "nobody": None,
        "visitor": joined["joinBoard"]["token"],
        "display": display,
        "member": await door.sign_in(owner),
        "attendee": karin["signInWithTicket"]["token"],
    }


async def ask(door: Door, query: str, token: str | None, **variables: Any) -> Any:
    headers = {"accept": "application/graphql-response+json"}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    async with door.http(**headers) as client:
        return await client.post("/graphql", json={"query": query, "variables": variables})


async def test_people_who_are_signed_in_may_look_at_the_schema_and_nobody_else(
    door: Door, tokens: dict[str, str | None]
) -> None:
    for who, token in tokens.items():
        for query in ASKED.values():
            response = await ask(door, query, token)
            if who in PEOPLE:
                assert response.status_code == 200, response.text
                assert response.json()["data"]
            else:
                assert response.status_code == 403
                assert response.json()["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
                assert "data" not in response.json()


async def test_everybody_may_ask_for_the_name_of_a_type(door: Door, tokens: dict[str, str | None]) -> None:
    for token in tokens.values():
        assert (await ask(door, "{ __typename }", token)).json()["data"] == {"__typename": "Query"}


async def test_mistakes_are_mended_for_people_who_are_signed_in_and_for_nobody_else(
    door: Door, tokens: dict[str, str | None]
) -> None:
    """Those come first who may not see: what was said to others is not kept for them."""
    for who in (*PEOPLE, *OTHERS, *PEOPLE):
        for mistake in MISTAKES.values():
            response = await ask(door, mistake, tokens[who], f={"state": "OPEN"})
            assert response.status_code == 400
            assert ("Did you mean" in response.text) is (who in PEOPLE), response.text


async def test_an_operation_that_only_stands_beside_introspection_is_not_forbidden(door: Door) -> None:
    document = f"query A {{ __typename }} query B {ASKED['schema']}"
    async with door.http() as client:
        body = {"query": document, "operationName": "A"}
        assert (await client.post("/graphql", json=body)).json()["data"] == {"__typename": "Query"}


async def test_in_development_everybody_may_look(database_url: str, clock: ManualClock) -> None:
    async with started(make_service(database_url, clock)) as door:
        for query in ASKED.values():
            assert (await ask(door, query, None)).status_code == 200
        assert "Did you mean" in (await ask(door, MISTAKES["field"], None)).text
