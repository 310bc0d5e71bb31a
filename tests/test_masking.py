"""Codes: every refusal has one of the closed list, and what is a bug tells nothing but its trace id."""

import ast
import asyncio
import inspect
import json
import pkgutil
import sys
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

import resolvers
import schema
from models import Account
from resolvers.errors import CODES, DomainError
from schema import http
from schema.encoding import encode
from schema.problems import ProblemCode
from schema.requests import Refused
from tests.client import operations, until
from tests.conftest import ManualClock, empty
from tests.lines import Lines, written
from tests.outage import with_wire
from tests.started import DEADLINE, NOBODY, VIEWER, Door
from tests.world import Person, World, gid

ROOT = Path(__file__).parent.parent
JSON = {"content-type": "application/json"}
SECRET = "the secret of the house"


@pytest.fixture
def lines() -> Iterator[Lines]:
    with written() as lines:
        yield lines


@pytest.fixture
async def world(door: Door) -> World:
    return await World.make(door.service)


# --- the list -------------------------------------------------------------------------------------------------------


def kinds(kind: type[DomainError] = DomainError) -> set[type[DomainError]]:
    """Every kind of error, wherever it is declared."""
    return {kind for child in kind.__subclasses__() for kind in kinds(child) | {child}}


def test_the_list_is_that_of_the_documentation() -> None:
    told = (
        (ROOT / "docs" / "http.md").read_text().partition("Each error has a code in")[2].partition("An `INTERNAL`")[0]
    )
    assert {word for word in told.split("`") if word.isupper()} == CODES


def test_every_kind_of_error_has_a_code_of_the_list() -> None:
    for package in (resolvers, schema):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name != "schema.spans":  # which needs an extra, and has none
                import_module(module.name)
    found = {kind.__name__: kind.code for kind in kinds()}
    assert {"NotFound", "Forbidden", "Invalid", "Limited", "BadToken"} <= found.keys()
    assert {name: code for name, code in found.items() if code not in CODES} == {}


def test_every_code_of_a_problem_is_of_the_list() -> None:
    assert {code.value for code in ProblemCode} < CODES


def test_every_code_that_is_written_out_is_of_the_list() -> None:
    """`{"code": "…"}` and `_refused("…", …)`, wherever a refusal is made by hand."""
    written_out = set()
    for file in (ROOT / "schema").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                written_out |= {ast.unparse(value) for key, value in pairs if key and ast.unparse(key) == "'code'"}
    literal = {code.strip("'") for code in written_out if code.startswith("'")}
    assert {"INVALID", "INTERNAL"} <= literal <= CODES


# --- every refusal of schema/http.py --------------------------------------------------------------------------------

Site = tuple[str, str]


def sites() -> set[Site]:
    """Where schema/http.py refuses: the function, and the status if it is written there."""
    found = set()
    for function in ast.walk(ast.parse(inspect.getsource(http))):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id in {"Bad", "Refused"}
                ):
                    status = ast.unparse(node.args[0]) if node.func.id == "Bad" else "Refused"
                    found.add((function.name, status))
    return found


async def slowly() -> AsyncIterator[bytes]:
    yield b'{"query":'
    await asyncio.sleep(5)


MUTATION = {"query": "mutation { signOut { problems { code } } }"}
REFUSED: list[tuple[int, str, str, dict[str, Any]]] = [
    (405, "INVALID", "PUT", {"json": {"query": VIEWER}}),
    (406, "INVALID", "POST", {"json": {"query": VIEWER}, "headers": {"accept": "image/png"}}),
    (400, "INVALID", "GET", {"params": {"query": VIEWER}}),
    (400, "INVALID", "POST", {"content": b"{", "headers": JSON}),
    (400, "INVALID", "POST", {"content": b"[]", "headers": JSON}),
    (415, "INVALID", "POST", {"content": b"{}", "headers": {"content-type": "text/plain"}}),
    (413, "INVALID", "POST", {"content": b"x" * (http.BODY_LIMIT + 1), "headers": JSON}),
    (408, "INVALID", "POST", {"content": slowly, "headers": JSON}),
    (401, "UNAUTHENTICATED", "POST", {"json": {"query": VIEWER}, "headers": {"authorization": "Bearer x"}}),
    (405, "INVALID", "GET", {"params": MUTATION, "headers": {"graphql-require-preflight": "1"}}),
    (200, "INVALID", "POST", {"json": {"query": "subscription { myFeed(networkId: 1) { __typename } }"}}),
    (200, "INVALID", "POST", {"json": {"query": "{"}}),
    (200, "INVALID", "POST", {"json": {"query": "query A { __typename } query B { __typename }"}}),
    (200, "NOT_FOUND", "POST", {"json": {"documentId": "sha256:none"}}),
]


async def test_every_refusal_over_http_has_its_code(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    met: set[Site] = set()

    def note(kind: Any, status_of: Any) -> None:
        begin = kind.__init__

        def begun(self: Any, *arguments: Any, **more: Any) -> None:
            caller = sys._getframe(1)
            if caller.f_globals["__name__"] == http.__name__:
                met.add((caller.f_code.co_name, status_of(arguments)))
            begin(self, *arguments, **more)

        monkeypatch.setattr(kind, "__init__", begun)

    note(http.Bad, lambda arguments: str(arguments[0]))
    note(Refused, lambda _arguments: "Refused")
    monkeypatch.setattr(http, "READ_DEADLINE", 0.2)
    async with door.http() as client:
        for status, code, method, asked in REFUSED:
            content = asked.get("content")
            request = asked | ({"content": content()} if callable(content) else {})
            response = await client.request(method, "/graphql", **request)
            assert response.status_code == status, (asked, response.text)
            assert [error["extensions"] for error in response.json()["errors"]] == [{"code": code}]
            assert "application/" in response.headers["content-type"]
    assert met == sites()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nothing", 404, "NOT_FOUND"), ("DELETE", "/health/live", 405, "INVALID")],
)
async def test_what_no_route_takes_has_a_code_too(door: Door, method: str, path: str, status: int, code: str) -> None:
    async with door.http() as client:
        response = await client.request(method, path)
    assert response.status_code == status
    assert [error["extensions"] for error in response.json()["errors"]] == [{"code": code}]


# --- what crashes ---------------------------------------------------------------------------------------------------


def masked(response: httpx.Response, status: int, lines: Lines) -> None:
    """The answer tells a trace id, which one line of the log has, and nothing else."""
    assert response.status_code == status, response.text
    (error,) = response.json()["errors"]
    assert error["extensions"].keys() == {"code", "traceId"}
    assert error["extensions"]["code"] == "INTERNAL"
    assert [needle for needle in ("Traceback", "File", SECRET, "Error") if needle in response.text] == []
    trace_id = error["extensions"]["traceId"]
    assert [line["event"] for line in lines.all() if line.get("trace_id") == trace_id] == ["bug"]
    assert [line for line in lines.all() if line["logger"].startswith("uvicorn")] == []


@pytest.mark.parametrize("place", ["schema.http.media.ranges", "schema.http._read", "schema.door.Door.context"])
async def test_a_bug_outside_of_execution_is_masked_and_logged_once(
    door: Door, lines: Lines, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def broken(*_arguments: Any) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(place, broken)
    async with door.http() as client:
        masked(await client.post("/graphql", json={"query": VIEWER}), 500, lines)
    monkeypatch.undo()
    assert await door.post(VIEWER) == NOBODY


async def test_a_database_that_is_away_while_somebody_signs_in_is_503(
    postgres_url: str, clock: ManualClock, lines: Lines
) -> None:
    await empty(postgres_url)
    async with with_wire(postgres_url, clock) as (door, wire):
        wire.cut()
        async with door.http(authorization="Bearer unknown") as client:
            masked(await client.post("/graphql", json={"query": VIEWER}), 503, lines)
        async with door.socket() as socket:
            await socket.send({"type": "connection_init", "payload": {"authorization": "Bearer unknown"}})
            assert await socket.closed() == 1013  # come back later, that is
        assert [line for line in lines.all() if line["logger"].startswith("uvicorn")] == []
        wire.mend()


async def test_a_bug_in_the_middle_of_a_stream_is_masked_too(
    door: Door, world: World, ann: Person, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(content: Any) -> bytes:
        if "data" in content:
            raise RuntimeError(SECRET)
        return encode(content)

    monkeypatch.setattr("schema.rendering.encode", broken)
    community = await world.community(owner=ann)
    token = await door.sign_in(ann)
    variables = {"id": gid(community)}
    query = "subscription ($id: ID!) { communityActivity(communityId: $id) { __typename } }"
    topic = 'mutation ($id: ID!) { createTopic(communityId: $id, input: {title: "News"}) { problems { code } } }'
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {token}"}
    body = {"query": query, "variables": variables}
    async with door.http(**headers) as client, client.stream("POST", "/graphql", json=body) as response:
        await until(lambda: bool(operations(door.service)))
        await door.post(topic, token, **variables)
        async with asyncio.timeout(DEADLINE):
            told = [line async for line in response.aiter_lines() if line not in {"", ":"}]
    (error,) = json.loads(told[1].removeprefix("data: "))["errors"]
    assert (told[0], told[2:]) == ("event: next", ["event: complete", "data:"])
    assert error["extensions"] == {"code": "INTERNAL", "traceId": lines.only("bug")["trace_id"]}
    assert SECRET not in lines.text


async def test_a_resolver_that_returns_what_it_should_not_is_masked(
    door: Door, world: World, ann: Person, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GraphQL's own error would quote the value."""

    async def wrong(*_arguments: Any) -> Account:
        return Account.model_construct(**(ann.account.model_dump() | {"display_name": {"password": SECRET}}))

    monkeypatch.setattr("resolvers.accounts.of_viewer", wrong)
    query = {"query": "{ viewer { account { displayName } } }"}
    async with door.http(authorization=f"Bearer {await door.sign_in(ann)}") as client:
        response = await client.post("/graphql", json=query)
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert SECRET not in response.text
    assert SECRET not in lines.text
    assert lines.only("bug")["trace_id"] == error["extensions"]["traceId"]


async def test_an_argument_that_is_wrong_is_the_clients_own_and_told(door: Door) -> None:
    query = "query ($first: Int!) { viewer { networks { communities(first: $first) { nodes { id } } } } }"
    async with door.http() as client:
        response = await client.post("/graphql", json={"query": query, "variables": {"first": "ten"}})
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "INVALID"}
    assert "$first" in error["message"]
