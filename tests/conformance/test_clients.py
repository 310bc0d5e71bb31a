"""Other people's clients, unmodified, against a started server."""

import json
from pathlib import Path

import pytest

from tests.conformance.conftest import Hall
from tests.conformance.node import BIN, HERE, ROOT, report, run

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


@pytest.fixture
async def artifacts(tmp_path: Path, node: None) -> Path:
    """What relay-compiler makes of relay/hall.js and the SDL."""
    made = tmp_path / "artifacts"
    made.mkdir()
    config = {
        "src": str(HERE / "relay"),
        "schema": str(ROOT / "schema.graphql"),
        "artifactDirectory": str(made),
        "language": "javascript",
        "eagerEsModules": False,
    }
    (tmp_path / "relay.json").write_text(json.dumps(config))
    code, out, err = await run(BIN / "relay-compiler", tmp_path / "relay.json")
    assert code == 0, out + err
    return made


async def test_relay_and_its_compiler(hall: Hall, artifacts: Path) -> None:
    checks = await report("relay.mjs", **hall.given, artifacts=str(artifacts))
    checks.passed(
        *STORY,
        "a list is refetched by its owner's id, and its pages become one list",
        "numbers that a feed brings are in the store",
    )
