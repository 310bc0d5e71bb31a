"""Trusted documents: run by id over every transport, or the only ones that are."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from commands.documents import manifest
from resolvers import documents
from resolvers.context import Context
from resolvers.errors import Conflict
from schema import documents as reading
from schema.documents import Trust
from tests.conftest import ManualClock, make_service
from tests.started import ANN, NOBODY, VIEWER, Door, started
from tests.test_commands import Run, home, plenary  # noqa: F401 - fixtures
from tests.test_cookies import PREFLIGHT
from tests.world import World

ID = documents.digest(VIEWER)
JSON = {"content-type": "application/json"}
OTHER = "{ viewer { id: __typename } }"


@pytest.fixture
def trust() -> Trust:
    return Trust.PREFER


@pytest.fixture
async def door(database_url: str, clock: ManualClock, trust: Trust) -> AsyncIterator[Door]:
    """A service that trusts one document."""
    async with started(make_service(database_url, clock, {"trusted_documents": trust})) as door:
        await documents.add(Context(door.service.means), {ID: VIEWER, "viewer": VIEWER})
        yield door


async def post(door: Door, token: str | None = None, **request: Any) -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with door.http(**headers) as client:
        response = await client.post("/graphql", content=json.dumps(request), headers=JSON)
        answer = response.json()
    answer.pop("extensions", None)  # what it cost
    return answer


def code(answer: Any) -> str:
    (error,) = answer["errors"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize("id", [ID, "viewer"])
async def test_a_trusted_document_runs_by_its_id_as_whoever_asks(door: Door, id: str):
    ann = await (await World.make(door.service)).person("Ann")
    assert await post(door, documentId=id) == {"data": NOBODY}
    assert await post(door, await door.sign_in(ann), documentId=id) == {"data": ANN}


async def test_every_transport_takes_the_id(door: Door):
    async with door.http(**PREFLIGHT) as client:
        assert (await client.get("/graphql", params={"documentId": ID})).json()["data"] == NOBODY
        stream = await client.get("/graphql", params={"documentId": ID}, headers={"accept": "text/event-stream"})
        assert json.dumps({"data": NOBODY}, separators=(",", ":"))[:-1] in stream.text
    async with door.signed_in() as socket:
        await socket.send({"type": "subscribe", "id": "1", "payload": {"documentId": ID}})
        assert (await socket.receive())["payload"]["data"] == NOBODY


@pytest.mark.parametrize(
    "id", ["nothing", "", "x" * 201, "\x00", "\ud800", documents.digest(OTHER), ID.upper()], ids=ascii
)
async def test_an_unknown_id_is_refused(door: Door, id: str):
    assert code(await post(door, documentId=id)) == "NOT_FOUND"


@pytest.mark.parametrize("request_", [{"documentId": ID, "query": VIEWER}, {"documentId": 5}, {"documentId": None}])
async def test_an_id_and_a_query_are_two_things_and_one_of_them_is_needed(door: Door, request_: Any):
    assert code(await post(door, **request_)) == "INVALID"


async def test_an_empty_query_beside_an_id_is_none(door: Door):
    assert await post(door, documentId=ID, query="") == {"data": NOBODY}


async def test_a_trusted_document_is_read_and_checked_once(door: Door, monkeypatch: pytest.MonkeyPatch):
    await post(door, documentId=ID)

    def read_again(*_arguments: Any) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr(reading, "read", read_again)
    assert await post(door, documentId=ID) == {"data": NOBODY}


async def test_a_document_that_is_removed_runs_no_longer(door: Door, monkeypatch: pytest.MonkeyPatch):
    assert await post(door, documentId=ID) == {"data": NOBODY}
    assert await documents.remove(Context(door.service.means), [ID, "unknown"]) == {ID}
    door.service.execution._documents._texts.clear()  # as after ten seconds
    assert code(await post(door, documentId=ID)) == "NOT_FOUND"
    assert await post(door, documentId="viewer") == {"data": NOBODY}


async def test_an_id_means_one_document_for_ever(door: Door):
    ctx = Context(door.service.means)
    with pytest.raises(Conflict):
        await documents.add(ctx, {"viewer": OTHER, "other": OTHER})
    assert {row.document_id for row in await documents.every(ctx)} == {ID, "viewer"}
    assert await documents.add(ctx, {"viewer": VIEWER, "other": OTHER}) == 1


@pytest.mark.parametrize("trust", [Trust.ONLY])
async def test_where_only_trusted_documents_are_run_others_are_refused_whatever_they_come_over(door: Door):
    assert code(await post(door, query=OTHER)) == "FORBIDDEN"
    assert code(await post(door, query="{ __typename }")) == "FORBIDDEN"
    assert await post(door, query=VIEWER) == {"data": NOBODY}, "by its text it is trusted too"
    async with door.signed_in() as socket:
        await socket.subscribe("1", OTHER)
        assert (await socket.receive())["payload"][0]["extensions"] == {"code": "FORBIDDEN"}


@pytest.mark.parametrize("trust", [Trust.OFF])
async def test_where_they_are_off_an_id_is_refused(door: Door):
    assert code(await post(door, documentId=ID)) == "INVALID"
    assert await post(door, query=VIEWER) == {"data": NOBODY}


# --- the command ----------------------------------------------------------------------------------------------------


RELAY = {"0123": VIEWER, "4567": OTHER}
APOLLO = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [{"id": "89ab", "name": "Who", "type": "query", "body": VIEWER}],
}


def test_documents_are_added_listed_and_removed(plenary: Run, home: Path):  # noqa: F811 - the fixtures
    (home / "who.graphql").write_text(VIEWER)
    (home / "relay.json").write_text(json.dumps(RELAY))
    (home / "apollo.json").write_text(json.dumps(APOLLO))
    assert plenary("migrate").exit_code == 0
    added = plenary("documents", "add", "who.graphql", "relay.json", "apollo.json")
    assert added.output == "5 of 5 ids are new.\n"
    assert plenary("documents", "add", "who.graphql").output == "0 of 1 ids are new.\n"
    listed = [line.split()[0] for line in plenary("documents", "list").output.splitlines()]
    assert listed == ["0123", "4567", "89ab", *sorted([ID, documents.digest(OTHER)])]
    assert plenary("documents", "remove", "0123", ID).exit_code == 0
    gone = plenary("documents", "remove", "0123")
    assert (gone.exit_code, gone.stderr) == (1, "Not trusted anyway: 0123.\n")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("bad.graphql", "{ nothing }", "is no document of this schema"),
        ("bad.graphql", "{", "is no document of this schema"),
        ("bad.json", "[]", "neither an object"),
        ("bad.json", '{"a": 5}', "neither an object"),
        ("bad.json", "{", "cannot be read"),
        ("bad.json", json.dumps({"x" * 201: VIEWER}), "an id has"),
        ("bad.json", json.dumps({**APOLLO, "operations": [{"id": "1"}]}), "cannot be read"),
    ],
)
def test_a_bad_file_adds_nothing(plenary: Run, home: Path, name: str, content: str, says: str):  # noqa: F811
    (home / "good.graphql").write_text(VIEWER)
    (home / name).write_text(content)
    plenary("migrate")
    added = plenary("documents", "add", "good.graphql", name)
    assert (added.exit_code, says in added.stderr) == (2, True), added.stderr
    assert plenary("documents", "list").output == ""


def test_what_codegen_writes_is_ids_and_texts():
    assert manifest(RELAY) == RELAY
    assert manifest(APOLLO) == {"89ab": VIEWER}
