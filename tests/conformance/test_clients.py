"""Other people's clients, unmodified, against a started server."""

import pytest

from tests.conformance.conftest import Hall
from tests.conformance.node import report

pytestmark = pytest.mark.usefixtures("node")

STORY = [
    "query",
    "mutation",
    "a mutation that is refused has a problem and no error",
    "subscription",
    "a field that is refused leaves the others",
    "a document that does not validate is refused with a code",
    "a subscription that is refused ends alone",
    "reconnect with cursor",
]


async def test_graphql_ws(hall: Hall) -> None:
    checks = await report("graphql_ws.mjs", **hall.given)
    checks.passed(
        *STORY,
        "without a token in connection_init one is nobody",
        "a bad token in connection_init closes with 4401, and the client does not come back",
        "a token may be got anew for each connection",
        "the client's own pings are answered with what they said",
        "a client that retries by itself loses nothing",
    )


async def test_graphql_sse(hall: Hall) -> None:
    checks = await report("graphql_sse.mjs", **hall.given)
    checks.passed(
        *STORY,
        "each event has its cursor as id",
        "Last-Event-ID goes on from there, whatever `after` was",
        "a stream without buffering and without a cache",
        "a query by plain HTTP beside it",
    )


async def test_apollo_client(hall: Hall) -> None:
    checks = await report("apollo.mjs", **hall.given)
    checks.passed(
        *STORY,
        "the cache normalises by id: numbers that a feed brings are in the query's answer",
    )


@pytest.mark.parametrize("over", ["websocket", "sse"])
async def test_urql(hall: Hall, over: str) -> None:
    checks = await report("urql.mjs", **hall.given, over=over)
    checks.passed(
        *STORY,
        "a list of types with text/event-stream in it does not make a query a stream",
        "a query by GET",
    )
