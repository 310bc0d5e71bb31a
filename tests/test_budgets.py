"""Budgets: who may spend how much, wherever they spend it."""

import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import event

from models import NOBODY, Community, VisitorRights
from resolvers import accounts, codes
from resolvers.addresses import Addresses
from resolvers.budgets import SWEEP, Bill, Budget, Budgets
from resolvers.context import Context, ViewerKind
from resolvers.errors import CostExceeded, Limited
from schema.requests import Request
from server import Settings
from tests import documents as do
from tests.client import operations, until
from tests.conftest import ManualClock, make_service
from tests.started import SIGN_IN, VIEWER, Door, started
from tests.test_rosters import KARIN, imported
from tests.world import PASSWORD, Person, World, gid

ANN, BOB = UUID(int=1), UUID(int=2)
HALL = "192.0.2.1"
SMALL = Budget(100, 10)
RATE_LIMIT = "{ rateLimit { requested available maximum restoreRate } viewer { __typename } }"
PAGES = 'query ($n: Int!) { answerQueue(communityId: "x", first: $n) { nodes { id ... on Question { %s } } } }'
DEAR = PAGES % " ".join(f"a{n}: addressedTo {{ viewerCan {{ edit {{ allowed }} }} }}" for n in range(9))


class Purse:
    """Budgets whose time stands still until a test moves it."""

    def __init__(self, budget: Budget = SMALL, *trusted: str) -> None:
        self.time = 1_000.0
        addresses = Addresses([ip_network(one) for one in trusted])
        self.budgets = Budgets(dict.fromkeys(ViewerKind, budget), addresses, lambda: self.time)

    def spend(self, points: int, viewer: UUID = ANN, address: str = HALL) -> Bill:
        means: Any = None
        return self.budgets.charge(Context(means, viewer, address=address), points, taken=points)

    def read(self, characters: int, viewer: UUID = ANN) -> None:
        means: Any = None
        self.budgets.read(Context(means, viewer, address=HALL), characters)


def test_points_are_spent_and_come_back_with_time_and_no_more_than_there_is_room_for() -> None:
    purse = Purse()
    assert purse.spend(60).told() == {"requested": 60, "available": 40, "maximum": 100, "restoreRate": 10}
    purse.time += 2.5
    assert purse.spend(5).told()["available"] == 60
    purse.time += 1_000
    assert purse.spend(0).told()["available"] == 100


def test_what_is_not_there_is_refused_and_spends_nothing_and_says_when_to_come_back() -> None:
    purse = Purse()
    purse.spend(90)
    with pytest.raises(Limited) as refused:
        purse.spend(45)
    cost = {"requested": 45, "available": 10, "maximum": 100, "restoreRate": 10}
    assert refused.value.extensions == {"code": "LIMITED", "retryAfter": 4, "cost": cost}
    purse.time += 4
    assert purse.spend(45).told()["available"] == 5


def test_more_than_the_maximum_is_refused_for_good_and_spends_nothing() -> None:
    purse = Purse()
    with pytest.raises(CostExceeded, match="101 points, and one operation may take 100") as refused:
        purse.spend(101)
    assert "retryAfter" not in refused.value.extensions
    assert refused.value.extensions["cost"]["requested"] == 101
    assert purse.spend(100).told()["available"] == 0


def test_what_costs_nothing_is_never_refused() -> None:
    purse = Purse()
    purse.spend(100)
    assert purse.spend(0).told()["available"] == 0


def test_each_viewer_has_a_budget_of_their_own_wherever_they_are() -> None:
    purse = Purse()
    purse.spend(100, ANN, HALL)
    with pytest.raises(Limited):
        purse.spend(1, ANN, "192.0.2.2")
    purse.spend(100, BOB, HALL)


def test_nobody_has_one_for_each_address_and_of_the_newer_kind_for_each_range_that_one_holds() -> None:
    purse = Purse()
    purse.spend(100, NOBODY, HALL)
    purse.spend(100, NOBODY, "192.0.2.2")
    purse.spend(100, NOBODY, "2001:db8:1:2::1")
    for spent in (HALL, "::ffff:192.0.2.1", "2001:db8:1:2:ffff::9"):
        with pytest.raises(Limited):
            purse.spend(1, NOBODY, spent)
    purse.spend(100, NOBODY, "2001:db8:1:3::1")


def test_nobody_at_an_address_that_is_trusted_never_runs_out_but_asks_no_more_at_once() -> None:
    purse = Purse(SMALL, "192.0.2.0/24")
    for _ in range(5):
        assert purse.spend(100, NOBODY, HALL).told()["available"] == 100
    with pytest.raises(CostExceeded):
        purse.spend(101, NOBODY, HALL)
    purse.spend(100, ANN, HALL)
    with pytest.raises(Limited):
        purse.spend(1, ANN, HALL)


def test_without_a_budget_nothing_is_limited() -> None:
    told = Purse(Budget(0, 0)).spend(10**9).told()
    assert told == {"requested": 10**9, "available": None, "maximum": None, "restoreRate": None}


class Followed:
    """What somebody follows, until a test ends it."""

    def __init__(self, purse: Purse) -> None:
        self.purse = purse
        self.held = ExitStack()

    def follow(self, points: int, viewer: UUID = ANN, address: str = HALL) -> None:
        means: Any = None
        self.held.enter_context(self.purse.budgets.hold(Context(means, viewer, address=address), points))


def test_all_that_one_follows_is_bounded_as_one_operation_is_wherever_they_follow_it() -> None:
    followed = Followed(Purse())
    with followed.held:
        followed.follow(60)
        followed.follow(40, address="192.0.2.2")
        with pytest.raises(Limited, match="all that you follow may take 100, and takes 100"):
            followed.follow(1)
        followed.follow(100, BOB)
        assert followed.purse.spend(100).told()["available"] == 0  # it is no charge


def test_what_is_followed_no_longer_or_was_refused_counts_no_longer() -> None:
    followed = Followed(Purse())
    for _ in range(3):
        with followed.held:
            followed.follow(100)
            with pytest.raises(Limited):
                followed.follow(1)
    assert not followed.purse.budgets._held


def test_what_nobody_follows_is_bounded_by_address_and_not_where_it_is_trusted() -> None:
    followed = Followed(Purse(SMALL, "198.51.100.0/24"))
    with followed.held:
        followed.follow(100, NOBODY)
        followed.follow(100, NOBODY, "192.0.2.2")
        with pytest.raises(Limited):
            followed.follow(1, NOBODY, "::ffff:192.0.2.1")
        for _ in range(3):
            followed.follow(100, NOBODY, "198.51.100.9")


def test_without_a_budget_one_follows_what_one_likes() -> None:
    followed = Followed(Purse(Budget(0, 0)))
    with followed.held:
        for _ in range(3):
            followed.follow(10**9)
    assert not followed.purse.budgets._held


def test_buckets_that_are_full_again_are_forgotten() -> None:
    purse = Purse()
    for n in range(10 * SWEEP):
        purse.spend(10, UUID(int=n + 1))
        purse.time += 0.01
        assert len(purse.budgets._points._buckets) <= 2 * SWEEP
    for n in range(10 * SWEEP):  # also those of addresses
        purse.spend(10, NOBODY, f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
        purse.time += 0.01
        assert len(purse.budgets._points._buckets) <= 2 * SWEEP


def test_buckets_that_are_not_full_are_kept_however_many_there_are() -> None:
    purse = Purse()
    for n in range(3 * SWEEP):
        purse.spend(90, UUID(int=n + 1))
    for n in range(3 * SWEEP):
        with pytest.raises(Limited):
            purse.spend(90, UUID(int=n + 1))


# --- through the door ------------------------------------------------------------------------------------------------


@pytest.fixture
async def door(database_url: str, clock: ManualClock) -> AsyncIterator[Door]:
    """With the budgets that everybody has who sets none."""
    usual = {f"budget_{kind}": Settings.model_fields[f"budget_{kind}"].default for kind in ViewerKind}
    async with started(make_service(database_url, clock, usual)) as door:
        yield door


@pytest.fixture
async def world(door: Door) -> World:
    return await World.make(door.service)


@pytest.fixture
def still(door: Door) -> None:
    """Nothing comes back while a test looks."""
    door.service.execution._budgets._now = lambda: 1_000.0


async def cost_of(door: Door, query: str, token: str | None = None, **variables: Any) -> Any:
    async with door.http(**({"authorization": f"Bearer {token}"} if token else {})) as client:
        response = await client.post("/graphql", json={"query": query, "variables": variables})
    return response.json()["extensions"]["cost"]


async def test_the_token_says_which_budget_it_is(
    door: Door, world: World, owner: Person, open_hall: Community, still: None
) -> None:
    board = await world.board(open_hall)
    await world.change(board, visitors=VisitorRights.ASK_AND_VOTE, join_code=codes.new())
    joined = await door.post(do.JOIN_BOARD, code=(await world.fresh(board)).join_code, name="Vic")
    _, _, display = await world.kiosk(board)
    (line,) = await imported(world, owner, KARIN)
    karin = await door.post(do.SIGN_IN_WITH_TICKET, ticket=line["ticket"])
    kinds: dict[str, str | None] = {
        "anonymous": None,
        "guest": joined["joinBoard"]["token"],
        "member": await door.sign_in(owner),
        "integration": display,
    }
    for kind, token in [*kinds.items(), ("guest", karin["signInWithTicket"]["token"])]:
        budget: Budget = getattr(door.service.settings, f"budget_{kind}")
        told = await cost_of(door, "{ __typename }", token)
        assert (told["maximum"], told["restoreRate"]) == budget
    budgets = [getattr(door.service.settings, f"budget_{kind}") for kind in kinds]
    assert len(set(budgets)) == len(kinds), "else this test could not tell them apart"


async def test_one_budget_serves_http_streams_and_every_socket(
    door: Door, world: World, ann: Person, still: None
) -> None:
    token = await door.sign_in(ann)
    left = (await cost_of(door, VIEWER, token))["available"]
    async with door.signed_in(token) as one, door.signed_in(token) as other:
        for socket in (one, other):
            await socket.subscribe("1", VIEWER)
            answer = await socket.receive()
            left -= 2
            assert answer["payload"]["extensions"]["cost"]["available"] == left
            assert (await socket.receive())["type"] == "complete"
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    async with door.http(**headers) as client:
        streamed = await client.post("/graphql", json={"query": VIEWER})
    data = next(line for line in streamed.text.splitlines() if line.startswith("data: {"))
    assert json.loads(data.removeprefix("data: "))["extensions"]["cost"]["available"] == left - 2


async def test_the_rate_limit_can_be_asked_for_and_costs_nothing(door: Door, still: None) -> None:
    async with door.http() as client:
        answer = (await client.post("/graphql", json={"query": RATE_LIMIT})).json()
    assert answer["data"]["rateLimit"] == answer["extensions"]["cost"]
    assert answer["data"]["rateLimit"]["requested"] == 1
    alone = await cost_of(door, "{ rateLimit { requested } }")
    assert (alone["requested"], alone["available"]) == (0, answer["extensions"]["cost"]["available"])


async def empty(door: Door, token: str | None = None) -> None:
    """Spend all but a little."""
    budgets = door.service.execution._budgets
    context = Context(door.service.means, address="127.0.0.1")
    if token:
        async with context.reading() as db:
            context.viewer, context.token_kind, context.sign_in, _ = await accounts.authenticate(db, token)
    maximum = budgets._budgets[context.kind].maximum
    budgets.charge(context, maximum - 1, taken=maximum - 1)


TOO_DEAR = {"query": DEAR, "variables": {"n": 100}}
TWO = {"query": "{ viewer { account { email } } }"}


async def post(door: Door, body: Any, accept: str = "application/graphql-response+json") -> httpx.Response:
    async with door.http(accept=accept) as client:
        return await client.post("/graphql", json=body)


async def test_an_empty_budget_is_429_with_the_seconds_to_wait(door: Door, still: None) -> None:
    await empty(door)
    for accept in ("application/graphql-response+json", "application/json"):
        refused = await post(door, TWO, accept)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        (error,) = refused.json()["errors"]
        assert error["extensions"]["code"] == "LIMITED"
        assert error["extensions"]["retryAfter"] == 1
        assert refused.json()["extensions"]["cost"] == error["extensions"]["cost"]
        assert error["extensions"]["cost"]["requested"] == 2
        assert "data" not in refused.json()


async def test_too_dear_an_operation_is_400_and_says_what_it_would_take(door: Door, still: None) -> None:
    refused = await post(door, TOO_DEAR)
    assert refused.status_code == 400
    (error,) = refused.json()["errors"]
    assert error["extensions"]["code"] == "COST_EXCEEDED"
    assert refused.json()["extensions"]["cost"] == {
        "requested": 1 + 100 * (1 + 9 * 10 * 3),
        "available": 10_000,
        "maximum": 10_000,
        "restoreRate": 1_000,
    }
    assert (await post(door, TOO_DEAR, "application/json")).status_code == 200


async def test_on_a_socket_a_refusal_is_of_one_operation_and_the_others_go_on(door: Door, still: None) -> None:
    async with door.signed_in() as socket:
        await socket.subscribe("dear", DEAR, n=100)
        answer = await socket.receive()
        assert (answer["type"], answer["id"]) == ("error", "dear")
        assert answer["payload"][0]["extensions"]["code"] == "COST_EXCEEDED"
        assert answer["payload"][0]["extensions"]["cost"]["maximum"] == 10_000
        await empty(door)
        await socket.subscribe("limited", VIEWER)
        answer = await socket.receive()
        assert (answer["type"], answer["payload"][0]["extensions"]["code"]) == ("error", "LIMITED")
        assert await socket.ask("{ __typename }") == {"__typename": "Query"}


async def test_a_stream_is_refused_as_any_operation_is(door: Door, still: None) -> None:
    await empty(door)
    refused = await post(door, {"query": "subscription { myTasks(networkId: 1) { __typename } }"}, "text/event-stream")
    assert '"LIMITED"' in refused.text
    assert '"cost"' in refused.text


async def test_a_feed_is_charged_once_and_its_events_say_nothing_of_cost(
    door: Door, world: World, ann: Person, bob: Person, community: Community, still: None
) -> None:
    token = await door.sign_in(ann)
    feed = "subscription ($id: ID!) { communityActivity(communityId: $id) { ... on Added { node { id } } } }"
    async with door.signed_in(token) as socket:
        left = (await cost_of(door, "{ __typename }", token))["available"]
        await socket.subscribe("1", feed, id=gid(community))
        await until(lambda: bool(operations(door.service)))
        for title in ("One", "Two"):
            await bob.client.do(do.CREATE_TOPIC, communityId=gid(community), input={"title": title})
            answer = await socket.receive()
            assert answer["payload"]["data"]["communityActivity"]["node"]["id"]
            assert "extensions" not in answer["payload"]
    assert (await cost_of(door, "{ __typename }", token))["available"] == left - 10


async def test_a_hall_whose_address_has_spent_everything_still_comes_in(
    door: Door, world: World, ann: Person, open_hall: Community, still: None
) -> None:
    board = await world.board(open_hall)
    await world.change(board, visitors=VisitorRights.ASK_AND_VOTE, join_code=codes.new())
    code = (await world.fresh(board)).join_code
    await empty(door)
    document = do.JOIN_BOARD.replace("visit { id name createdAt endedAt boardId board { id title } }", "")
    for name in ("Vic", "Val"):
        joined = await door.post(document, code=code, name=name)
        assert joined["joinBoard"]["token"]
    signed = await door.post(SIGN_IN, email=ann.account.email, password=PASSWORD, cookie=False)
    assert signed["signIn"]["token"]


async def test_to_reckon_and_to_charge_asks_the_database_nothing(door: Door, ann: Person) -> None:
    service, statements = door.service, []
    context = ann.client.context()
    await context.sign_in_with(await door.sign_in(ann))
    engine = service.database._reading.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *found: statements.append(found[2]))
    await service.execution.prepare(context, Request(VIEWER))
    assert statements == []


async def test_a_budget_is_charged_before_anything_is_resolved(
    door: Door, world: World, ann: Person, owner: Person, still: None
) -> None:
    token = await door.sign_in(ann)
    await empty(door, token)
    mutation = {"query": do.CREATE_COMMUNITY, "variables": {"networkId": gid(world.network), "input": {"name": "New"}}}
    async with door.http(authorization=f"Bearer {token}") as client:
        refused = await client.post("/graphql", json=mutation)
    assert refused.status_code == 429
    everything = await owner.client.ask(
        "query ($id: ID!) { network(id: $id) { communities(first: 9) { nodes { name } } } }", id=gid(world.network)
    )
    assert "New" not in json.dumps(everything)
