"""Other people's clients, unmodified, against a started server."""

import json
from pathlib import Path
from typing import Any

import pytest

from commands.documents import read
from resolvers import documents
from resolvers.context import Context
from tests.conformance.conftest import Hall
from tests.conformance.node import BIN, HERE, ROOT, report, run
from tests.started import Door

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


async def compiled(folder: Path, **more: Any) -> str:
    """What relay-compiler makes of relay/hall.js and the SDL."""
    made = folder / "artifacts"
    made.mkdir()
    config = {
        "src": str(HERE / "relay"),
        "schema": str(ROOT / "schema.graphql"),
        "artifactDirectory": str(made),
        "language": "javascript",
        "eagerEsModules": False,
    }
    (folder / "relay.json").write_text(json.dumps(config | more))
    code, out, err = await run(BIN / "relay-compiler", folder / "relay.json")
    assert code == 0, out + err
    return str(made)


RELAY = [
    *STORY,
    "a list is refetched by its owner's id, and its pages become one list",
    "numbers that a feed brings are in the store",
]


async def test_relay_and_its_compiler(hall: Hall, tmp_path: Path) -> None:
    checks = await report("relay.mjs", **hall.given, artifacts=await compiled(tmp_path))
    checks.passed(*RELAY)


async def test_relay_with_documents_that_the_server_trusts(hall: Hall, door: Door, tmp_path: Path) -> None:
    written = tmp_path / "documents.json"
    written.write_text("{}")
    artifacts = await compiled(tmp_path, persistConfig={"file": str(written), "algorithm": "SHA256"})
    await documents.add(Context(door.service.means), read(written))
    checks = await report("relay.mjs", **hall.given, artifacts=artifacts)
    checks.passed(*RELAY)
