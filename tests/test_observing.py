"""One line for each operation: what it says, what it does not, and under which trace id."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from models import VisitorRights
from schema import observing, tracing
from schema.observing import LINES, NAME_LIMIT, Ration, bounded
from schema.requests import Request
from server import LogLevel
from tests import documents as do
from tests.client import event_of, operations, until
from tests.conftest import ManualClock
from tests.device import Device, signed_in
from tests.lines import Lines, written
from tests.started import DEADLINE, Door
from tests.visiting import visitable
from tests.world import Person, World, gid

ACTIVITY = "subscription Follow($id: ID!) { communityActivity(communityId: $id)" + event_of("... on Topic { title }")
ACTIVITY += "}"
TOPIC = """mutation Post($id: ID!, $title: String!) {
  createTopic(communityId: $id, input: {title: $title}) { topic { id } }
}"""
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = TRACEPARENT.split("-")[1]
FRAME = {"event", "level", "logger", "timestamp"}
FIELDS = {"trace_id", "operation", "type", "transport", "viewer", "outcome", "duration_ms"}


@pytest.fixture
def lines() -> Iterator[Lines]:
    with written() as lines:
        yield lines


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine makes no operation slow."""
    monkeypatch.setattr(observing, "SLOW", 600.0)


class TestInside:
    """Asked within the process."""

    async def test_a_query_is_one_line(self, world: World, ann: Person, lines: Lines) -> None:
        await ann.client.ask("query WhoAmI { viewer { account { email } } }")
        (line,) = lines.operations
        assert line.keys() == FIELDS | FRAME | {"cost"}
        assert line["duration_ms"] > 0
        told = {name: line[name] for name in FIELDS - {"duration_ms", "trace_id"}}
        assert told == {
            "operation": "WhoAmI",
            "type": "query",
            "transport": "http",
            "viewer": "member",
            "outcome": "OK",
        }

    async def test_a_query_that_went_well_is_for_debugging_and_a_change_is_not(
        self, world: World, ann: Person, community: Any
    ) -> None:
        with written(LogLevel.INFO) as lines:
            await ann.client.ask("{ viewer { account { email } } }")
            assert lines.operations == []
            await ann.client.ask(TOPIC, id=gid(community), title="News")
        (line,) = lines.operations
        assert (line["level"], line["type"], line["outcome"]) == ("info", "mutation", "OK")

    async def test_a_slow_query_is_always_told(self, ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(observing, "SLOW", 0.0)
        with written(LogLevel.WARNING) as lines:
            await ann.client.ask("{ viewer { account { email } } }")
        assert [line["level"] for line in lines.operations] == ["warning"]

    async def test_what_a_mutation_refuses_is_told_though_nobody_asked_for_problems(
        self, world: World, community: Any, lines: Lines
    ) -> None:
        assert await world.nobody.ask(TOPIC, id=gid(community), title="News") == {"createTopic": {"topic": None}}
        assert [(line["outcome"], line["viewer"]) for line in lines.operations] == [("NOT_FOUND", "anonymous")]

    @pytest.mark.parametrize(
        ("document", "kind"),
        [
            ("{", "unknown"),
            ("{ nothing }", "unknown"),
            ("query A { __typename } query B { __typename }", "unknown"),
            ("query ($id: ID!) { node(id: $id) { id } }", "unknown"),
        ],
        ids=["syntax", "validation", "ambiguous", "variables"],
    )
    async def test_what_is_not_executed_is_a_line_too(
        self, world: World, lines: Lines, document: str, kind: str
    ) -> None:
        assert await world.nobody.refused(document) == "INVALID"
        assert [(line["outcome"], line["type"]) for line in lines.operations] == [("INVALID", kind)]

    async def test_several_codes_are_told_and_the_first_is_the_outcome(
        self, world: World, ann: Person, community: Any, lines: Lines
    ) -> None:
        both = """mutation ($id: ID!) {
          a: createTopic(communityId: "nothing", input: {title: "A"}) { problems { code } }
          b: createTopic(communityId: $id, input: {title: ""}) { problems { code } }
        }"""
        await ann.client.ask(both, id=gid(community))
        (line,) = lines.operations
        assert (line["outcome"], line["codes"]) == ("NOT_FOUND", ["NOT_FOUND", "INVALID"])

    async def test_a_subscription_is_told_at_its_end_with_its_events(
        self, world: World, ann: Person, community: Any, lines: Lines
    ) -> None:
        feed = await ann.client.follow(ACTIVITY, id=gid(community))
        assert lines.operations == []
        await ann.client.ask(TOPIC, id=gid(community), title="One")
        await ann.client.ask(TOPIC, id=gid(community), title="Two")
        await feed.until(lambda feed: len(feed.events) == 2)
        await feed.stop()
        (line,) = (line for line in lines.operations if line["type"] == "subscription")
        assert (line["operation"], line["outcome"], line["level"]) == ("Follow", "CANCELLED", "info")
        assert line["events"] == 2

    async def test_a_subscription_that_is_not_admitted_is_told_at_once(
        self, world: World, community: Any, lines: Lines
    ) -> None:
        feed = await world.nobody.follow(ACTIVITY, wait=False, id=gid(community))
        await feed.done()
        assert [(line["type"], line["outcome"], line["events"]) for line in lines.operations] == [
            ("subscription", feed.code, 0)
        ]

    async def test_the_kind_of_viewer_is_told(self, world: World, ann: Person, open_hall: Any, lines: Lines) -> None:
        board = await visitable(world, open_hall, VisitorRights.ASK_AND_VOTE)
        phone = Device(world.service)
        phone.token = (await phone.do(do.JOIN_BOARD, code=board.join_code, name="V"))["token"]
        await phone.come_back()
        _client, _key, token = await world.kiosk(board)
        screen = Device(world.service)
        screen.token = token
        await screen.come_back()
        for client in (world.nobody, await signed_in(world, ann), phone, screen):
            await client.ask("query Kind { __typename }")
        kinds = [line["viewer"] for line in lines.operations if line["operation"] == "Kind"]
        assert kinds == ["anonymous", "member", "guest", "integration"]

    async def test_neither_who_asked_nor_what_nor_from_where_is_told(
        self, world: World, ann: Person, open_hall: Any, lines: Lines
    ) -> None:
        board = await visitable(world, open_hall, VisitorRights.ASK_AND_VOTE)
        phone = Device(world.service, "203.0.113.9")
        joined = await phone.do(do.JOIN_BOARD, code=board.join_code, name="Visitor Vera")
        device = await signed_in(world, ann, "203.0.113.9")
        await device.ask(TOPIC, id=gid(open_hall), title="The body of it")
        needles = [
            *(board.join_code, joined["token"], device.token, "Vera", "203.0.113.9", "of it", ann.account.email),
            *(str(ann.principal_id), ann.principal_id.hex, str(board.id), gid(board), gid(open_hall)),
        ]
        assert len(lines.operations) == 3
        assert [needle for needle in needles if str(needle) in lines.text] == []

    async def test_what_it_cost_is_told(self, world: World, lines: Lines) -> None:
        await world.nobody.ask("{ viewer { account { email } } }")
        assert lines.only("operation")["cost"] == 2

    async def test_each_operation_has_a_trace_of_its_own(self, world: World, lines: Lines) -> None:
        for _ in range(3):
            await world.nobody.ask("{ __typename }")
        traces = [line["trace_id"] for line in lines.operations]
        assert len(set(traces)) == 3
        assert all(len(trace) == 32 for trace in traces)

    async def test_a_bug_that_every_row_meets_is_logged_once(
        self, world: World, ann: Person, community: Any, monkeypatch: pytest.MonkeyPatch, lines: Lines
    ) -> None:
        def broken(*_arguments: Any) -> None:
            raise RuntimeError("the same for all")

        monkeypatch.setattr("schema.base.global_id", broken)
        query = "query Many { a: viewer { networks { id } } b: viewer { networks { id } } }"
        result = await ann.client.execute(query)
        assert {error.extensions["code"] for error in result.errors} == {"INTERNAL"}
        (bug,) = lines.all("bug")
        (line,) = lines.operations
        assert {error.extensions["traceId"] for error in result.errors} == {bug["trace_id"]} == {line["trace_id"]}
        assert (line["outcome"], line["level"], bug["operation"]) == ("INTERNAL", "warning", "Many")


# --- the name, which is the client's own text ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("WhoAmI_2", "WhoAmI_2"),
        ("x" * 5_000, "x" * NAME_LIMIT),
        ("a\nlevel=error", "a\\nlevel=error"),
        ("a\r\x1b[2J\x00", "a\\r\\x1b[2J\\x00"),
        ("\u2028\u202e\ud800é", "\\u2028\\u202e\\ud800\\xe9"),
        ("a\\nb", "a\\\\nb"),
    ],
)
def test_a_name_is_short_and_on_one_line(name: str, told: str) -> None:
    assert bounded(name) == told


async def test_a_name_that_the_document_does_not_have_is_bounded_too(world: World, lines: Lines) -> None:
    hostile = 'evil"}\n{"event": "forged' + "y" * 10_000
    execution = world.service.execution
    with pytest.raises(Exception, match="Unknown operation"):
        await execution.prepare(world.nobody.context(), Request("query A { __typename }", operation_name=hostile))
    assert len(lines.text) < 600
    assert lines.only("operation")["operation"] == bounded(hostile)


# --- many lines ------------------------------------------------------------------------------------------------------


def test_lines_are_rationed_and_what_is_left_out_is_counted() -> None:
    ration = Ration(3)
    assert [ration.allows(7.0 + step / 10) for step in range(5)] == [True, True, True, False, False]
    assert ration.left_out == 2
    assert ration.allows(8.0)
    assert (ration.take_left_out(), ration.left_out) == (2, 0)


async def test_a_flood_of_refusals_does_not_flood_the_log(
    world: World, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 5.0)
    for _ in range(LINES + 50):
        await world.nobody.refused("{ nothing }")
    assert len(lines.operations) == LINES
    await world.nobody.ask("query Good { __typename }")
    assert lines.operations[-1]["operation"] == "Good"
    monkeypatch.setattr("time.monotonic", lambda: 6.0)
    await world.nobody.refused("{ nothing }")
    assert lines.operations[-1]["left_out"] == 50


# --- over each transport ---------------------------------------------------------------------------------------------


class TestOutside:
    """Asked at a started server."""

    @pytest.fixture
    async def world(self, door: Door) -> World:
        return await World.make(door.service)

    async def test_the_transport_is_told(self, door: Door, world: World, ann: Person, lines: Lines) -> None:
        community = await world.community(owner=ann)
        token = await door.sign_in(ann)
        await door.post("query Here { __typename }", token)
        async with door.signed_in(token) as socket:
            await socket.ask("query Here { __typename }")
        body = {"query": ACTIVITY.replace("Follow", "Here"), "variables": {"id": gid(community)}}
        headers = {"accept": "text/event-stream", "authorization": f"Bearer {token}"}
        async with door.http(**headers) as client, client.stream("POST", "/graphql", json=body):
            await until(lambda: bool(operations(door.service)))
        await until(lambda: len([line for line in lines.operations if line["operation"] == "Here"]) == 3)
        told = [(line["transport"], line["type"]) for line in lines.operations if line["operation"] == "Here"]
        assert told == [("http", "query"), ("websocket", "query"), ("sse", "subscription")]

    async def test_the_callers_trace_is_taken_on(self, door: Door, lines: Lines) -> None:
        async with door.http(traceparent=TRACEPARENT) as client:
            await client.post("/graphql", json={"query": "{ __typename }"})
        assert lines.only("operation")["trace_id"] == TRACE

    async def test_operations_of_one_socket_have_traces_of_their_own(self, door: Door, lines: Lines) -> None:
        async with door.socket(traceparent=TRACEPARENT) as socket:
            await socket.init()
            await socket.ask("{ __typename }")
            await socket.ask("{ __typename }")
        traces = {line["trace_id"] for line in lines.operations}
        assert len(traces) == 2
        assert TRACE not in traces

    @pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
    async def test_a_mutation_by_get_is_refused_told_and_not_done(
        self, door: Door, world: World, ann: Person, lines: Lines, accept: str
    ) -> None:
        community = await world.community(owner=ann)
        token = await door.sign_in(ann)
        parameters = {"query": TOPIC, "variables": json.dumps({"id": gid(community), "title": "News"})}
        headers = {"accept": accept, "authorization": f"Bearer {token}", "graphql-require-preflight": "1"}
        async with door.http(**headers) as client:
            response = await client.get("/graphql", params=parameters)
        assert (response.status_code, response.headers["allow"]) == (405, "POST")
        assert response.json()["errors"][0]["extensions"] == {"code": "INVALID"}
        (line,) = (line for line in lines.operations if line["operation"] == "Post")
        assert (line["type"], line["outcome"]) == ("mutation", "INVALID")
        query = "query ($id: ID!) { communityActivity(communityId: $id) { contents(first: 1) { nodes { id } } } }"
        assert (await door.post(query, token, id=gid(community)))["communityActivity"]["contents"]["nodes"] == []

    async def test_a_client_that_goes_ends_its_stream(
        self, door: Door, world: World, ann: Person, lines: Lines, clock: ManualClock
    ) -> None:
        community = await world.community(owner=ann)
        async with door.signed_in(await door.sign_in(ann)) as socket:
            await socket.subscribe("1", ACTIVITY, id=gid(community))
            await until(lambda: bool(operations(door.service)))
        async with asyncio.timeout(DEADLINE):
            await until(lambda: any(line["type"] == "subscription" for line in lines.operations))
        (line,) = (line for line in lines.operations if line["type"] == "subscription")
        assert line["outcome"] == "CANCELLED"


# --- traceparent -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [TRACEPARENT, "00" + TRACEPARENT[2:-2] + "00", "cc" + TRACEPARENT[2:] + "-more"])
def test_a_valid_traceparent_names_the_trace(header: str) -> None:
    trace = tracing.of_headers([(b"host", b"x"), (b"traceparent", header.encode())])
    assert (trace.id, trace.parent) == (TRACE, header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "garbage",
        TRACEPARENT.upper(),
        "ff" + TRACEPARENT[2:],
        TRACEPARENT + "-more",
        TRACEPARENT + "\n",
        TRACEPARENT.replace(TRACE, "0" * 32),
        TRACEPARENT.replace("b7ad6b7169203331", "0" * 16),
        TRACEPARENT[:-1],
        TRACEPARENT.replace("0af", "é"),
    ],
)
def test_an_invalid_traceparent_is_as_good_as_none(header: str) -> None:
    trace = tracing.of_headers([(b"traceparent", header.encode())])
    assert (trace.id != TRACE, len(trace.id), trace.parent) == (True, 32, None)


def test_two_traceparents_are_none() -> None:
    assert tracing.of_headers([(b"traceparent", TRACEPARENT.encode())] * 2).id != TRACE
